// Every view in light and dark, narrow and wide; names for what can be used;
// and what happens while the server is away.

import { ask, assert, openPage } from "./harness.mjs";
import { settled } from "./library.mjs";

/** Whether anything sticks out of the page sideways. */
const overflow = (page) =>
  page.evaluate(() => {
    const wide = document.documentElement.clientWidth;
    const found = [];
    if (document.documentElement.scrollWidth > wide) found.push(`the page is ${document.documentElement.scrollWidth} of ${wide} wide`);
    for (const element of document.querySelectorAll("header, main, main > section, .card, .filter-bar, .transport, .detail-bar, .facts, .totals")) {
      if (!element.checkVisibility()) continue;
      const box = element.getBoundingClientRect();
      if (box.right > wide + 1 || box.left < -1) found.push(`${element.className || element.tagName} reaches from ${Math.round(box.left)} to ${Math.round(box.right)} of ${wide}`);
      if (element.scrollWidth > element.clientWidth + 1) found.push(`${element.className || element.tagName} holds ${element.scrollWidth} in ${element.clientWidth}`);
    }
    return found;
  });

/** Controls that a finger misses, or that lie beyond an edge: the window's, or that of a box which scrolls sideways. */
const outOfReach = (page) =>
  page.evaluate(() => {
    const wide = document.documentElement.clientWidth;
    const found = [];
    for (const element of document.querySelectorAll("button, a[href], input, select, summary")) {
      if (!element.checkVisibility() || element.matches(".skip")) continue;
      const box = element.getBoundingClientRect();
      const name = element.getAttribute("aria-label") || element.textContent.trim() || element.id;
      // A box that its label makes larger is as large as that.
      const area = element.closest("label")?.getBoundingClientRect() ?? box;
      if (area.width < 24 || area.height < 24) found.push(`${name} is ${Math.round(area.width)} x ${Math.round(area.height)}`);
      if (box.right > wide + 1 || box.left < -1) found.push(`${name} reaches from ${Math.round(box.left)} to ${Math.round(box.right)} of ${wide}`);
      const button = element.matches("button, .button, select") && !element.closest(".chips, .chip, .cell");
      if (button && box.height < 35.5) found.push(`${name} is only ${Math.round(box.height)} high`);
      // The chips of the search are a list that scrolls.
      for (let around = element.parentElement; around && !element.closest(".chips, .grid, .table-scroll"); around = around.parentElement) {
        const { display, overflowX } = getComputedStyle(around);
        if (overflowX === "visible" || display === "contents") continue;
        const edge = around.getBoundingClientRect();
        if (box.right > edge.right + 1 || box.left < edge.left - 1) found.push(`${name} is cut by ${around.className || around.tagName}`);
        break;
      }
    }
    return found;
  });

/** Controls without a name that a screen reader could say. */
const nameless = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("button, a[href], input, select, [role=option], summary")]
      .filter((element) => element.checkVisibility())
      .filter((element) => {
        const label = element.getAttribute("aria-label") || element.textContent.trim() || element.title;
        return !label && !(element.labels?.length > 0) && !element.getAttribute("aria-labelledby");
      })
      .map((element) => element.outerHTML.slice(0, 120)),
  );

export async function layoutChecks({ checks, browser, complaints, options, shoot }) {
  const { base } = options;
  const sizes = [
    ["phone, 390 px, dark", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }, "phone.png"],
    ["small phone, 320 px, dark", { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }, null],
    ["phone, 360 px, light", { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: "light" }, null],
    ["desktop, light", { colorScheme: "light" }, "light.png"],
    ["tablet, dark", { viewport: { width: 820, height: 1180 } }, null],
    ["ultra-wide, dark", { viewport: { width: 3440, height: 1440 } }, null],
  ];
  for (const [name, look, picture] of sizes) {
    const page = await openPage(browser, complaints, look);
    // The pictures for the README are larger than those that people begin with.
    if (picture) await page.addInitScript(() => localStorage.setItem("rushes.size", "320"));
    await checks.check(`no view is wider than the window: ${name}`, async () => {
      await page.goto(`${base}/`);
      await settled(page);
      const { id } = (await ask(page, "/search?query=kind:video&limit=1")).body.items[0] ?? (await ask(page, "/search?limit=1")).body.items[0];
      const views = [["/", ".cell-link[href]"], [`/asset/${id}`, ".facts .group"], ["/roots", ".root"], ["/jobs", ".job"], ["/stats", ".totals"], ["/doctor", ".doctor .card"]];
      const found = [];
      for (const [path, ready] of views) {
        await page.goto(`${base}${path}`);
        await page.locator(ready).first().waitFor();
        if (path === "/" && picture) {
          await page.waitForFunction(() => [...document.querySelectorAll(".cell:not([hidden]) .cell-picture img[src]")].every((image) => image.complete));
          await shoot(page, picture);
        }
        found.push(...(await overflow(page)).map((text) => `${path}: ${text}`));
        if (look.hasTouch) found.push(...(await outOfReach(page)).map((text) => `${path}: ${text}`));
        found.push(...(await nameless(page)).map((text) => `${path}: no name: ${text}`));
      }
      assert(found.length === 0, found.join("\n"));
      return `${views.length} views`;
    });
    await page.context().close();
  }

  await checks.check("light and dark differ, and the choice stays", async () => {
    const page = await openPage(browser, complaints, {});
    await page.goto(`${base}/`);
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const dark = await ground();
    await page.getByRole("button", { name: "Use the light theme" }).click();
    const light = await ground();
    assert(dark !== light, `both are ${dark}`);
    await page.reload();
    await page.getByRole("button", { name: "Use the dark theme" }).waitFor();
    assert((await ground()) === light, "the choice is forgotten");
    await page.context().close();
  });

  await checks.check("while a first scan lists, it is said how many files it has found", async () => {
    const page = await openPage(browser, complaints, {});
    let found = 1234;
    const answers = {
      "/search": () => ({ items: [], next_cursor: null, total: 0 }),
      "/paths": () => ({ roots: [{ name: "Footage", path: "/footage", state: "online", places: 0, size_bytes: 0 }] }),
      "/jobs": () => ({ jobs: [{ id: 1, kind: "scan", title: "Scan Footage", state: "running", done: found, total: null, unit: "files", note: "listing /footage", created: "2024-06-01T12:00:00Z", started: "2024-06-01T12:00:00Z", attempts: 1, params: {} }] }),
    };
    for (const [path, answer] of Object.entries(answers)) {
      await page.route((url) => url.pathname === `/api/v1${path}`, (route) => route.fulfill({ json: answer() }));
    }
    // Without events the page asks.
    await page.route("**/api/v1/events", (route) => route.fulfill({ contentType: "text/event-stream", body: "" }));
    await page.goto(`${base}/`);
    const everywhere = async (text) => {
      for (const place of [".result-count", ".overlay .progress-text", ".activity-text"]) await page.locator(place, { hasText: text }).waitFor();
    };
    await everywhere("1,234 files found so far");
    found = 56_789;
    await everywhere("56,789 files found so far");
    await page.getByText("First everything is listed").waitFor();
    await page.context().close();
  });

  await checks.check("while the server is away the page says so, and recovers", async () => {
    const page = await openPage(browser, complaints, {});
    complaints.expect(/ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_NETWORK/);
    await page.goto(`${base}/`);
    await settled(page);
    await page.context().setOffline(true);
    const counted = await page.locator(".result-count").textContent();
    await page.locator("#search").fill("anything");
    await page.locator(".banner").waitFor();
    await page.waitForFunction((before) => document.querySelector(".result-count").textContent !== before, counted);
    assert((await page.locator(".result-count").textContent()) === "not known now", `the count says ${await page.locator(".result-count").textContent()}`);
    await page.context().setOffline(false);
    await page.locator(".banner").waitFor({ state: "detached", timeout: 30_000 });
    await page.locator("#search").fill("");
    await settled(page);
    await page.context().close();
  });
}
