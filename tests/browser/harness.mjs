// Arguments, the browser, the checks and their count.

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const CHROMIUMS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The arguments; ends with exit code 2 when they are wrong. */
export function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        base: { type: "string" },
        media: { type: "string" },
        screenshots: { type: "string" },
        "expect-assets": { type: "string" },
        chromium: { type: "string" },
        patience: { type: "string", default: "60" },
      },
    });
    if (!values.base) throw new Error("--base is missing");
    const expected = Number(values["expect-assets"] ?? "1");
    if (!Number.isInteger(expected) || expected < 1) throw new Error("--expect-assets wants a number from 1");
    return { ...values, base: values.base.replace(/\/$/, ""), expected, patienceMs: Number(values.patience) * 1000 };
  } catch (error) {
    console.error(`${error.message}\nusage: node run.mjs --base URL [--media DIR] [--screenshots DIR] [--expect-assets N] [--chromium FILE] [--patience SECONDS]`);
    process.exit(2);
  }
}

/** The system's Chromium, headless. */
export async function launch(wanted) {
  const executablePath = wanted ?? process.env.CHROMIUM ?? CHROMIUMS.find((path) => existsSync(path));
  if (!executablePath) throw new Error(`no Chromium at ${CHROMIUMS.join(", ")}; install it or name it with --chromium`);
  const flags = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--mute-audio"];
  // Chromium's own sandbox does not start for root.
  if (process.getuid?.() === 0) flags.push("--no-sandbox");
  return chromium.launch({ executablePath, args: flags });
}

/** The checks: each prints a line, and the last line counts them. */
export class Checks {
  passed = 0;
  failed = 0;
  skipped = 0;

  async check(name, run) {
    const since = performance.now();
    try {
      const note = await run();
      this.passed += 1;
      console.log(`ok    ${name}${note ? ` (${note})` : ""} ${Math.round(performance.now() - since)} ms`);
      return true;
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL  ${name}\n      ${String(error.message ?? error).split("\n").slice(0, 40).join("\n      ")}`);
      return false;
    }
  }

  skip(name, why) {
    this.skipped += 1;
    console.log(`skip  ${name}: ${why}`);
  }

  finish() {
    const skipped = this.skipped ? `, ${this.skipped} skipped` : "";
    console.log(`${this.passed} passed, ${this.failed} failed${skipped}`);
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}

/** Throws unless it holds. */
export function assert(holds, text) {
  if (!holds) throw new Error(text);
}

/** Everything that pages say went wrong. What is provoked on purpose is announced before. */
export class Complaints {
  all = [];
  #expected = [];

  /** A complaint like this is part of the test. */
  expect(pattern) {
    this.#expected.push(pattern);
  }

  async watch(context) {
    await context.exposeBinding("reportViolation", (_source, text) => this.all.push(`content security policy: ${text}`));
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        window.reportViolation(`${event.violatedDirective} refused ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    context.on("page", (page) => {
      page.on("pageerror", (error) => this.all.push(`uncaught: ${error.stack ?? error.message}`));
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") {
          this.all.push(`console ${message.type()}: ${message.text()} ${message.location().url}`);
        }
      });
    });
  }

  unexpected() {
    return this.all.filter((text) => !this.#expected.some((pattern) => pattern.test(text)));
  }
}

/** A page of its own context. */
export async function openPage(browser, complaints, options) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark", locale: "en-GB", ...options });
  await complaints.watch(context);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  return page;
}

/** Saves screenshots in a folder, or nowhere. */
export function screenshotsIn(folder) {
  if (folder) mkdirSync(folder, { recursive: true });
  return async (page, name) => {
    if (folder) await page.screenshot({ path: join(folder, name), animations: "disabled" });
  };
}

/** Asks the API from within the page, with its cookies. */
export const ask = (page, path, options) =>
  page.evaluate(
    async ([where, how]) => {
      const response = await fetch(`/api/v1${where}`, how ?? {});
      return { status: response.status, body: await response.json().catch(() => null) };
    },
    [path, options],
  );
