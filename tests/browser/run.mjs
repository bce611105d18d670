// Drives the dashboard of a running Rushes in the system's Chromium:
//   node run.mjs --base http://127.0.0.1:8080 [--media DIR] [--screenshots DIR] [--expect-assets N]
// Prints a line for each check; ends with "N passed, 0 failed" and exit code 0.

import { assert, Checks, Complaints, launch, openPage, readArguments, screenshotsIn } from "./harness.mjs";
import { jobChecks } from "./jobs.mjs";
import { layoutChecks } from "./layout.mjs";
import { libraryChecks } from "./library.mjs";
import { playerChecks } from "./player.mjs";
import { troubleChecks } from "./trouble.mjs";

const options = readArguments();
const checks = new Checks();
const complaints = new Complaints();
const browser = await launch(options.chromium);
console.log(`Chromium ${browser.version()} at ${options.base}`);

try {
  const page = await openPage(browser, complaints, {});
  const shoot = screenshotsIn(options.screenshots);
  const everything = { checks, page, browser, complaints, options, shoot };
  if (await libraryChecks(everything)) {
    await playerChecks(everything);
    await jobChecks(everything);
    await troubleChecks(everything);
    await layoutChecks(everything);
  }
  await checks.check("no page complained", async () => {
    const found = complaints.unexpected();
    assert(found.length === 0, [...new Set(found)].join("\n"));
  });
} finally {
  await browser.close();
}
process.exitCode = checks.finish();
