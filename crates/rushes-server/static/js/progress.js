// How far a job is: a bar, counts, rate, time left.

import { connection } from "./connection.js";
import { el } from "./dom.js";
import { bytes, count, left, plural } from "./format.js";

/** Share done from 0 to 1, or null while the total is not known. */
export function share(job) {
  if (job.state === "done") return 1;
  return job.total > 0 ? Math.min(1, (job.done ?? 0) / job.total) : null;
}

/** How many files a scan has found while it still lists: "1,200 files found so far"; else null. */
export function listed(job) {
  const lists = job?.kind === "scan" && job.state === "running" && !(job.total > 0);
  return lists ? `${plural(job.done ?? 0, "file")} found so far` : null;
}

/** The counts of a job in words: "1,200 of 100,000 files, 2,340/s, 42 s left". */
export function progressText(job) {
  const amount = job.unit === "bytes" ? bytes : count;
  const unit = job.unit === "bytes" ? "" : ` ${job.unit ?? "files"}`;
  const parts = [];
  if (job.total > 0) parts.push(`${amount(job.done)} of ${amount(job.total)}${unit}`);
  else if (listed(job)) parts.push(listed(job));
  else if (job.done > 0) parts.push(`${amount(job.done)}${unit}`);
  if (job.state === "running" && job.rate_per_sec > 0) {
    const rate = job.rate_per_sec;
    parts.push(`${job.unit === "bytes" ? bytes(rate) : rate < 10 ? rate.toFixed(1) : count(Math.round(rate))}/s`);
    if (job.total > job.done) parts.push(left((job.total - job.done) / rate));
  }
  return parts.filter(Boolean);
}

/** The bar and its text. */
export function progress(job) {
  const part = share(job);
  const bar = el("div.bar", {
    role: "progressbar",
    "aria-label": job.title,
    "aria-valuemin": "0",
    "aria-valuemax": "100",
    "aria-valuenow": part === null ? null : Math.floor(part * 100),
    class: part === null && job.state === "running" && connection.reachable ? "is-unknown" : "",
  });
  const inner = el("div.bar-fill");
  inner.style.width = `${((part ?? 0) * 100).toFixed(2)}%`;
  bar.append(inner);
  const away = !connection.reachable;
  const texts = (away ? ["When last asked:", ...progressText({ ...job, rate_per_sec: null })] : progressText(job)).map((text) => el("span", {}, text));
  return el("div.progress", { class: away ? "is-away" : "", dataset: { state: job.state } }, bar, el("p.progress-text", {}, ...texts, job.note && el("span.note", {}, job.note)));
}
