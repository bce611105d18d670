// Adding a folder, waiting for its assets, searching, moving by keys.

import { ask, assert } from "./harness.mjs";

/** The number of results that the page shows. */
const shownCount = (page) =>
  page.locator(".result-count").evaluate((element) => Number((/[\d,]+/.exec(element.textContent)?.[0] ?? "-1").replaceAll(",", "")));

/** Waits until the grid shows real cells for what is searched. */
export async function settled(page) {
  await page.waitForFunction(() => {
    const grid = document.querySelector(".grid");
    if (!grid || grid.getAttribute("aria-busy") === "true" || document.querySelector(".is-stale")) return false;
    const cells = [...grid.querySelectorAll(".grid-row:not([hidden]) .cell:not([hidden])")];
    return cells.length > 0 && cells.every((cell) => !cell.classList.contains("is-waiting"));
  });
}

/** Searches by typing, and waits for the results. */
export async function search(page, text) {
  const input = page.locator("#search");
  if (await page.locator(".search .chip").count()) await page.getByRole("button", { name: "Clear the search" }).first().click();
  await input.fill(text);
  await input.press("Enter");
  await page.waitForFunction((wanted) => new URL(location.href).searchParams.get("q") === wanted, text);
}

/** Cells with a row in them, in order. */
export const cells = (page) => page.locator(".grid-row:not([hidden]) .cell:not([hidden]):not(.is-waiting) .cell-link[href]");

/** Adds the folder through the Folders page, which also starts a scan. */
export async function addFolder(page, base, media) {
  await page.goto(`${base}/roots`);
  await page.locator("#roots-title").waitFor();
  await page.locator(".root, .state").first().waitFor();
  const path = page.locator(".root .root-main .path");
  if ((await path.allTextContents()).includes(media)) {
    await page.locator(".root", { has: page.getByText(media, { exact: true }) }).getByRole("button", { name: "Scan now" }).click();
    return "it was there already";
  }
  await page.getByLabel("Folder on the computer that runs Rushes").fill(media);
  await page.getByRole("button", { name: "Add folder" }).click();
  const added = page.locator(".root", { has: page.getByText(media, { exact: true }) });
  const refused = page.locator(".page .form-error:not([hidden])");
  await added.or(refused).first().waitFor();
  if (await refused.isVisible()) throw new Error(`the folder was refused: ${await refused.textContent()}`);
  return null;
}

export async function libraryChecks({ checks, page, options, shoot, complaints }) {
  const { base, media, expected, patienceMs } = options;

  await checks.check("the dashboard opens", async () => {
    await page.goto(`${base}/`);
    await page.locator(".brand").waitFor();
    await page.locator(".cell:visible, .first-run:visible, .state:visible").first().waitFor();
  });

  if (media) {
    await checks.check("a folder that is not there is refused, with what to do", async () => {
      complaints.expect(/status of 4\d\d .*\/api\/v1\/(paths|scan)$/);
      await page.goto(`${base}/roots`);
      await page.getByLabel("Folder on the computer that runs Rushes").fill(`${media}/no such folder`);
      await page.getByRole("button", { name: "Add folder" }).click();
      await page.locator(".page .form-error:not([hidden])").waitFor();
    });
    await checks.check("a folder is added and its scan starts", () => addFolder(page, base, media));
  }

  const arrived = await checks.check(`at least ${expected} assets appear`, async () => {
    await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: "Library" }).click();
    await page.waitForFunction(
      (least) => Number((/[\d,]+/.exec(document.querySelector(".result-count")?.textContent ?? "")?.[0] ?? "-1").replaceAll(",", "")) >= least,
      expected,
      { timeout: patienceMs },
    );
    return `${await shownCount(page)} shown`;
  });
  if (!arrived) return false;

  await checks.check("thumbnails are there", async () => {
    const enough = Math.min(2, expected);
    await page.waitForFunction(
      (least) => [...document.querySelectorAll(".cell-picture img")].filter((image) => image.complete && image.naturalWidth > 0).length >= least,
      enough,
      { timeout: patienceMs },
    );
  });

  await checks.check("the pictures grow with the slider", async () => {
    const width = () => page.locator(".grid-row:not([hidden]) .cell:not([hidden])").first().evaluate((cell) => cell.clientWidth);
    const before = await width();
    await page.getByLabel("Size of the pictures").fill("320");
    await page.waitForFunction((least) => document.querySelector(".grid-row:not([hidden]) .cell:not([hidden])").clientWidth > least, before);
    await settled(page);
    await page.mouse.move(2, 2);
    await page.locator(".toast").waitFor({ state: "detached" });
    await page.locator(".activity").waitFor({ state: "hidden", timeout: patienceMs });
    // The picture for the README shows all that are on screen.
    await page.waitForFunction(() => [...document.querySelectorAll(".grid-row:not([hidden]) .cell:not([hidden]) .cell-picture img[src]")].every((image) => image.complete && image.classList.contains("is-loaded")));
    await shoot(page, "library.png");
  });

  await checks.check("the count is that of the API", async () => {
    await settled(page);
    const { body } = await ask(page, "/search?limit=1");
    const shown = await shownCount(page);
    assert(body.total === null || body.total === shown, `the API says ${body.total}, the page ${shown}`);
  });

  await checks.check("arrows, End and Home move the focus", async () => {
    await settled(page);
    await cells(page).first().focus();
    const at = () => page.evaluate(() => Number(document.activeElement.closest(".cell")?.dataset.index ?? -1));
    const total = await shownCount(page);
    assert((await at()) === 0, "the first cell takes the focus");
    await page.keyboard.press("ArrowRight");
    assert((await at()) === Math.min(1, total - 1), `ArrowRight led to ${await at()}`);
    await page.keyboard.press("ArrowLeft");
    assert((await at()) === 0, `ArrowLeft led to ${await at()}`);
    await page.keyboard.press("End");
    assert((await at()) === total - 1, `End led to ${await at()} of ${total}`);
    await page.keyboard.press("Home");
    assert((await at()) === 0, `Home led to ${await at()}`);
    const stops = await page.locator('.cell-link[tabindex="0"]').count();
    assert(stops === 1, `${stops} cells can be reached by Tab, one should`);
  });

  await checks.check("Enter opens, Escape returns to the same cell", async () => {
    await page.keyboard.press("ArrowRight");
    const before = await page.evaluate(() => document.activeElement.getAttribute("href"));
    await page.keyboard.press("Enter");
    await page.waitForURL("**/asset/**");
    await page.locator(".facts .group").first().waitFor();
    await page.keyboard.press("Escape");
    await page.waitForURL(`${base}/`);
    await page.waitForFunction((href) => document.activeElement.getAttribute("href") === href, before);
  });

  await checks.check("/ goes to the search, ? shows the keys", async () => {
    await page.keyboard.press("/");
    await page.waitForFunction(() => document.activeElement.id === "search");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.activeElement.id !== "search");
    await page.keyboard.press("?");
    const dialog = page.getByRole("dialog", { name: "Keys" });
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  await checks.check("filters are suggested while typing", async () => {
    await page.locator("#search").pressSequentially("ki");
    await page.getByRole("option", { name: /^kind:/ }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("option", { name: /^kind:video/ }).waitFor();
    await page.locator("#search").press("Escape");
    await page.locator("#search").press("Escape");
    await page.waitForFunction(() => document.querySelector("#search").value === "");
  });

  await checks.check("kind:video becomes a chip and finds only videos", async () => {
    await search(page, "kind:video");
    await page.getByRole("button", { name: "Remove the filter kind:video" }).waitFor();
    await settled(page);
    const labels = await cells(page).evaluateAll((links) => links.map((link) => link.getAttribute("aria-label")));
    assert(labels.length > 0 && labels.every((label) => label.includes(", Video")), `not only videos: ${labels.join(" | ")}`);
    const pressed = await page.locator('.segments [data-kind="video"]').getAttribute("aria-pressed");
    assert(pressed === "true", "the quick filter shows it too");
    return `${labels.length} on screen`;
  });

  await checks.check("the strip follows the pointer", async () => {
    const cell = page.locator(".grid-row:not([hidden]) .cell:not([hidden])").first();
    await page.waitForFunction(async () => {
      const id = document.querySelector(".grid-row:not([hidden]) .cell:not([hidden]) .cell-link[href]")?.pathname.split("/").pop();
      const asset = id && (await (await fetch(`/api/v1/assets/${id}`)).json());
      return asset?.preview?.strip === true;
    }, null, { timeout: patienceMs, polling: 500 });
    await page.reload();
    await settled(page);
    const box = await cell.locator(".cell-picture").boundingBox();
    const tileAt = async (part) => {
      // The strip is loaded at the first touch and shown from the next movement on.
      await page.mouse.move(box.x + box.width * part, box.y + box.height / 2);
      await cell.locator(".cell-strip:not([hidden])").waitFor();
      return cell.locator(".cell-strip").evaluate((strip) => strip.style.backgroundPosition);
    };
    const [first, last] = [await tileAt(0.03), await tileAt(0.97)];
    assert(first !== last, `the tile stays at ${first}`);
    await page.mouse.move(2, 2);
    await cell.locator(".cell-strip").waitFor({ state: "hidden" });
  });

  await checks.check("a search that makes no sense is explained", async () => {
    complaints.expect(/status of 400 .*nosuchfilter/);
    await search(page, "nosuchfilter:1");
    const wrong = page.locator("#search-error");
    const told = async () => {
      await wrong.waitFor();
      assert((await page.locator("#search").getAttribute("aria-invalid")) === "true", "the field is marked");
      const times = (await page.locator("body").innerText()).split(/no filter "nosuchfilter"/i).length - 1;
      assert(times === 1, `it is told ${times} times`);
      const texts = await wrong.locator(".state-text").allTextContents();
      assert(texts.length === 2 && texts.every((text) => /^[A-Z].*\.$/.test(text)), `these are no sentences: ${texts.join(" | ")}`);
      const count = await page.locator(".result-count").textContent();
      assert(count === "", `the count says ${count}`);
    };
    await told();
    await page.reload();
    await told();
    await page.getByRole("button", { name: "Clear the search" }).first().click();
    await wrong.waitFor({ state: "hidden" });
    await settled(page);
  });

  await checks.check("a chip is taken away", async () => {
    await search(page, "kind:still");
    await page.getByRole("button", { name: "Remove the filter kind:still" }).click();
    await page.waitForFunction(() => !new URL(location.href).searchParams.has("q"));
  });
  return true;
}
