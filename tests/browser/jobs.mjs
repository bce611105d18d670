// The job log: live progress, cancelling, retrying. To have a job that does
// not end at once, a folder of the test's own holds a video that is followed
// by gigabytes of nothing (a sparse file, which takes no room on the disk).

import { mkdir, mkdtemp, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { ask, assert } from "./harness.mjs";
import { addFolder } from "./library.mjs";

const SPARSE_BYTES = 48e9;

export async function jobChecks({ checks, page, options, shoot, complaints }) {
  const { base, patienceMs } = options;

  await checks.check("a scan shows up among the jobs", async () => {
    await page.goto(`${base}/roots`);
    const before = (await ask(page, "/jobs?limit=1")).body.jobs[0]?.id ?? null;
    await page.locator(".root").first().getByRole("button", { name: "Scan now" }).click();
    await page.waitForFunction(
      async (old) => ((await (await fetch("/api/v1/jobs?limit=1")).json()).jobs[0]?.id ?? null) !== old,
      before,
      { polling: 200 },
    );
    const { id } = (await ask(page, "/jobs?limit=1")).body.jobs[0];
    await toJobs(page);
    await page.locator(`.job[data-id="${id}"][data-state="done"]`).waitFor({ timeout: patienceMs });
    return "done, and the page knew it without a reload";
  });

  const own = await mkdtemp(join(tmpdir(), "rushes-browser-"));
  const folder = join(own, "Night shoot");
  try {
    await mkdir(folder);
    if (await sparseVideo(page, join(folder, "A012_C004.mp4"))) {
      await slowJobChecks({ checks, page, base, folder, patienceMs, shoot, complaints });
    } else {
      await checks.check("cancelling a job that has ended is answered", () => cancelEnded(page));
    }
  } finally {
    await rm(own, { recursive: true, force: true });
  }

  await checks.check("a job tells its plan and effects", async () => {
    await page.goto(`${base}/jobs`);
    const title = page.locator(".job .job-title").last();
    await title.click();
    const detail = page.locator(".job-detail:not([hidden])");
    await detail.locator("h3", { hasText: "Times" }).waitFor();
    const counts = await detail.locator(".counts").textContent();
    assert(/^\d.*\.$/.test(counts) && !/(^|, )0 /.test(counts), `what it did: ${counts}`);
    await detail.getByText("Plan and effects").click();
    await detail.locator(".plan").waitFor();
    assert((await detail.locator("pre").count()) === 0, "raw JSON shows before somebody asks for it");
    await detail.getByText("Raw JSON").click();
    JSON.parse(await detail.locator("pre").textContent());
    assert((await title.getAttribute("aria-expanded")) === "true", "the title says that it is open");
    await title.click();
    await page.locator(".job-detail:visible").waitFor({ state: "detached" });
    assert((await title.getAttribute("aria-expanded")) === "false", "the title says that it is closed");
  });

  await checks.check("the log is filtered by state", async () => {
    await page.getByRole("group", { name: "State" }).getByRole("button", { name: "Done" }).click();
    await page.waitForFunction(() => {
      const shown = [...document.querySelectorAll(".job")];
      return shown.length > 0 && shown.every((job) => job.dataset.state === "done");
    });
  });
}

const toJobs = (page) => page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Jobs" }).click();

/** Makes the file; false where there is no MP4 to begin it with. */
async function sparseVideo(page, path) {
  const { items } = (await ask(page, "/search?query=ext:mp4 state:present&limit=1")).body;
  if (!items.length) return false;
  const response = await page.request.get(new URL(`/api/v1/assets/${items[0].id}/media`, page.url()).href);
  assert(response.ok(), `the video's bytes answered ${response.status()}`);
  await writeFile(path, await response.body());
  await truncate(path, SPARSE_BYTES);
  // A file that has just been written would first be waited for.
  const old = new Date(Date.now() - 3_600_000);
  await utimes(path, old, old);
  return true;
}

async function slowJobChecks({ checks, page, base, folder, patienceMs, shoot, complaints }) {
  const name = basename(folder);
  const byName = page.locator(`.root[data-name="${name}"]`);
  let id = null;
  const state = (wanted, timeout = 15_000) => page.locator(`.job[data-id="${id}"][data-state="${wanted}"]`).waitFor({ timeout });

  const running = await checks.check("reading a large file is a job with live progress", async () => {
    await addFolder(page, base, folder);
    await byName.waitFor();
    const known = (await ask(page, "/jobs?limit=200")).body.jobs.map((job) => job.id);
    await byName.getByRole("button", { name: "Full hash" }).click();
    await toJobs(page);
    // Either the scan that hashes, or the hashing that the first scan queued, takes long; the other
    // waits for its turn, and has no rate.
    const found = await page.waitForFunction(
      () => [...document.querySelectorAll('.job[data-state="running"]')].find((job) => job.querySelector('[data-action="cancel"]')?.checkVisibility() && job.querySelector(".progress-text")?.textContent.includes("/s"))?.dataset.id,
      null,
      { timeout: patienceMs },
    );
    id = await found.jsonValue();
    const text = () => page.locator(`.job[data-id="${id}"] .progress`).evaluate((element) => element.textContent + element.querySelector(".bar-fill").style.width);
    const first = await text();
    await page.waitForFunction(
      ([job, before]) => {
        const element = document.querySelector(`.job[data-id="${job}"] .progress`);
        return element !== null && element.textContent + element.querySelector(".bar-fill").style.width !== before;
      },
      [id, first],
    );
    await page.locator(`.job[data-id="${id}"] .progress-text`, { hasText: "/s" }).waitFor();
    await page.evaluate(() => document.querySelectorAll("#toasts button").forEach((button) => button.click()));
    await page.mouse.move(2, 2);
    await shoot(page, "jobs.png");
    return known.includes(Number(id)) ? "the hashing" : "the full scan";
  });
  if (running) {
    await checks.check("while the server is away, no progress passes for live", async () => {
      complaints.expect(/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_NETWORK/);
      const text = () => page.locator(".activity-text").textContent();
      await page.waitForFunction(() => /^\d+ %$/.test(document.querySelector(".activity-text").textContent));
      await page.context().setOffline(true);
      try {
        await page.locator(`.job[data-id="${id}"] [data-action="cancel"]`).click();
        await page.locator(".banner").waitFor();
        assert((await text()) === "not known now", `the header says ${await text()}`);
        await page.locator(`.job[data-id="${id}"] .progress.is-away`, { hasText: "When last asked" }).waitFor();
      } finally {
        await page.context().setOffline(false);
      }
      await page.locator(".banner").waitFor({ state: "detached", timeout: 30_000 });
      await page.locator(`.job[data-id="${id}"] .progress:not(.is-away)`).waitFor();
      await page.waitForFunction(() => /^\d+ %$/.test(document.querySelector(".activity-text").textContent));
      await page.evaluate(() => document.querySelectorAll("#toasts button").forEach((button) => button.click()));
    });
    await checks.check("a job is cancelled", async () => {
      const since = performance.now();
      await page.locator(`.job[data-id="${id}"] [data-action="cancel"]`).click();
      await state("cancelled");
      const took = Math.round(performance.now() - since);
      const { body } = await ask(page, `/jobs/${id}`);
      assert(body.state === "cancelled", `the API says ${body.state}`);
      return `after ${took} ms`;
    });
    await checks.check("a cancelled job is tried again, and cancelled again", async () => {
      await page.locator(`.job[data-id="${id}"] [data-action="retry"]`).click();
      await page.locator(`.job[data-id="${id}"] [data-action="cancel"]`).click();
      await state("cancelled");
    });
  }

  await checks.check("a folder is removed, after a question", async () => {
    await cancelAll(page);
    await page.goto(`${base}/roots`);
    await byName.getByRole("button", { name: "Remove" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    assert(await byName.isVisible(), "Cancel leaves it");
    await byName.getByRole("button", { name: "Remove" }).click();
    await dialog.getByRole("button", { name: "Remove folder" }).click();
    await byName.waitFor({ state: "detached" });
  });
}

// What still reads the large file would hold the disk after the test.
async function cancelAll(page) {
  const { jobs } = (await ask(page, "/jobs?limit=200")).body;
  for (const job of jobs.filter((one) => one.state === "queued" || one.state === "running")) {
    await ask(page, `/jobs/${job.id}/cancel`, { method: "POST" });
  }
  await page.waitForFunction(
    async () => (await (await fetch("/api/v1/jobs?limit=200")).json()).jobs.every((job) => job.state !== "queued" && job.state !== "running"),
    null,
    { polling: 200 },
  );
}

async function cancelEnded(page) {
  const job = (await ask(page, "/jobs?state=done&limit=1")).body.jobs[0];
  const answer = await ask(page, `/jobs/${job.id}/cancel`, { method: "POST" });
  assert([200, 409].includes(answer.status), `cancelling an ended job answered ${answer.status}`);
  assert((await page.locator(`.job[data-id="${job.id}"]`).getAttribute("data-state")) === "done", "the page shows it as done");
}
