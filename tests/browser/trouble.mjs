// Files that are damaged: a folder of the test's own holds a video whose index
// is missing, a picture that ends before its first line, and a sound that changes.

import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { ask, assert } from "./harness.mjs";
import { addFolder } from "./library.mjs";

const NO_INDEX = "no-index.mp4";
const NO_PICTURE = "no-picture.jpg";
const CHANGED = "changed.wav";
// Files that have just been written would first be waited for.
const OLD = new Date(Date.now() - 3_600_000);

export async function troubleChecks(everything) {
  const { checks, page, options } = everything;
  const { base } = options;
  const own = await mkdtemp(join(tmpdir(), "rushes-browser-"));
  const folder = join(own, "Water damage");
  try {
    await mkdir(folder);
    await damagedFiles(folder);
    if (await checks.check("damaged files are found, and the scan ends", () => scanned(page, base, folder, options))) {
      await damageChecks(everything);
      await changedCheck(everything, folder);
      await jobChecks(everything, folder);
    }
  } finally {
    await removeFolder(page, basename(folder));
    await rm(own, { recursive: true, force: true });
  }
}

/** The number of the asset with this file name. */
async function assetOf(page, name) {
  const row = (await ask(page, `/search?query=${encodeURIComponent(`"${name}"`)}`)).body.items.find((item) => item.name === name);
  assert(row, `${name} is not among the assets`);
  return row.id;
}

/** A second of silence, a whole file. */
function sound() {
  const head = Buffer.from("524946460000000057415645666d74201000000001000100401f0000803e0000020010006461746100000000", "hex");
  head.writeUInt32LE(36 + 16_000, 4);
  head.writeUInt32LE(16_000, 40);
  return Buffer.concat([head, Buffer.alloc(16_000)]);
}

async function damagedFiles(folder) {
  const box = (name, content) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(content.length + 8);
    return Buffer.concat([size, Buffer.from(name, "latin1"), content]);
  };
  const video = Buffer.concat([box("ftyp", Buffer.from("isom\0\0\x02\0isomavc1", "latin1")), box("mdat", randomBytes(50_000))]);
  const picture = Buffer.concat([Buffer.from("ffd8ffe000104a46494600010100000100010000", "hex"), randomBytes(4000).fill(0, 0, 3900)]);
  for (const [name, bytes] of [[NO_INDEX, video], [NO_PICTURE, picture], [CHANGED, sound()]]) {
    await writeFile(join(folder, name), bytes);
    await utimes(join(folder, name), OLD, OLD);
  }
}

async function scanned(page, base, folder, { patienceMs }) {
  await addFolder(page, base, folder);
  await page.waitForFunction(
    async (names) => {
      const { items } = await (await fetch("/api/v1/search?query=error:yes%20state:present")).json();
      return names.every((name) => items.some((item) => item.name === name));
    },
    [NO_INDEX, NO_PICTURE],
    { timeout: patienceMs, polling: 200 },
  );
}

async function damageChecks({ checks, page, options }) {
  const { base } = options;

  await checks.check("what cannot be played because it is damaged is said to be damaged", async () => {
    for (const name of [NO_INDEX, NO_PICTURE]) {
      await page.goto(`${base}/asset/${await assetOf(page, name)}`);
      const trouble = page.locator(".trouble-text");
      await trouble.waitFor();
      const text = await trouble.innerText();
      assert(/could not be read whole/.test(text) && !/browser/.test(text), `${name}: ${text}`);
      assert(/Copy it again/.test(text), `${name} does not say what to do: ${text}`);
    }
  });
}

async function changedCheck({ checks, page, options, complaints }, folder) {
  await checks.check("a file that changed since it was scanned is not called unplayable, and is tried again", async () => {
    const file = join(folder, CHANGED);
    const id = await assetOf(page, CHANGED);
    const now = new Date();
    await utimes(file, now, now);
    complaints.expect(/503.*\/media/);
    await page.goto(`${options.base}/asset/${id}`);
    const trouble = page.locator(".trouble-text");
    await trouble.waitFor();
    const text = await trouble.innerText();
    assert(/cannot be had now/.test(text) && /changed since it was scanned/.test(text) && !/browser/.test(text), text);
    await utimes(file, OLD, OLD);
    await trouble.getByRole("button", { name: "Try again" }).click();
    await page.waitForFunction(() => document.querySelector("audio")?.readyState > 0);
    await trouble.waitFor({ state: "hidden" });
  });
}

async function jobChecks({ checks, page, options }, folder) {
  const { base } = options;
  let job = null;

  await checks.check("a scan's detail lists what failed: where, why, what to do", async () => {
    job = (await ask(page, "/jobs?limit=200")).body.jobs.find(({ kind, result }) => kind === "scan" && result?.failed?.some(({ path }) => path.startsWith(folder)));
    assert(job, "no scan says that files failed");
    await page.goto(`${base}/jobs?job=${job.id}`);
    const detail = page.locator(`.job[data-id="${job.id}"] .job-detail`);
    await detail.locator(".failures a").nth(1).waitFor();
    const lines = await detail.locator(".failures li").evaluateAll((items) => items.map((item) => [...item.querySelectorAll("p")].map((line) => line.textContent)));
    for (const { path } of job.result.failed) {
      const line = lines.find(([where]) => where === path);
      assert(line?.length === 3 && line.slice(1).every((text) => /^[A-Z].*\.$/.test(text)), `${path}: ${line}`);
    }
  });

  await checks.check("a scan that failed in part does not look as if all were well", async () => {
    const tag = page.locator(`.job[data-id="${job.id}"] .tag`);
    const failed = job.result.failed.length;
    assert((await tag.textContent()) === `Done, ${failed} failed`, `its state is ${await tag.textContent()}`);
    const color = (element) => getComputedStyle(element, "::before").backgroundColor;
    const fine = await page.locator(".job .tag", { hasText: /^Done$/ }).first().evaluate(color);
    assert((await tag.evaluate(color)) !== fine, "it has the colour of those where all went well");
  });

  await checks.check("a failed file leads to its asset", async () => {
    const detail = page.locator(`.job[data-id="${job.id}"] .job-detail`);
    const id = await assetOf(page, NO_INDEX);
    await detail.getByRole("link", { name: NO_INDEX }).click();
    await page.waitForURL(`**/asset/${id}`);
    // What it asks for is asked for before the folder goes.
    await page.locator(".trouble-text").waitFor();
  });
}

async function removeFolder(page, name) {
  await ask(page, `/paths/${encodeURIComponent(name)}`, { method: "DELETE" });
}
