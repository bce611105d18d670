// The jobs as this page knows them, kept fresh by events or by asking.

import { api } from "./api.js";
import { say } from "./announce.js";
import { news } from "./events.js";

const KEPT = 500;

/** Whether a job will still change by itself. */
export const isActive = (job) => job.state === "queued" || job.state === "running";

class JobStore extends EventTarget {
  #jobs = new Map();
  #asking = null;
  #announce = null;
  loaded = false;
  error = null;

  /** All known jobs, newest first, running ones before the rest. */
  list() {
    const rank = (job) => (job.state === "running" ? 0 : job.state === "queued" ? 1 : 2);
    return [...this.#jobs.values()].sort(
      (a, b) => rank(a) - rank(b) || String(b.created).localeCompare(String(a.created)),
    );
  }

  get(id) {
    return this.#jobs.get(String(id));
  }

  active() {
    return this.list().filter(isActive);
  }

  /** Takes in what the server says about a job. */
  put(job) {
    if (!job?.id) return;
    const key = String(job.id);
    const before = this.#jobs.get(key);
    // An answer that comes late must not undo what was heard since.
    if (before && job.change < before.change) return;
    this.#jobs.set(key, { ...before, ...job });
    if (before && before.state !== job.state) this.#tellChange(job);
    if (this.#jobs.size > KEPT) this.#forgetOldest();
    this.dispatchEvent(new CustomEvent("change", { detail: job }));
    if ((!before && !isActive(job)) || (before && isActive(before) && !isActive(job))) {
      this.dispatchEvent(new CustomEvent("ended", { detail: job }));
    }
  }

  /** Asks for the list; several calls at once ask once. */
  async load() {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #ask() {
    try {
      const jobs = await api.jobs();
      const before = this.#jobs;
      const newest = (job) => {
        const known = before.get(String(job.id));
        return known && job.change < known.change ? known : { ...known, ...job };
      };
      this.#jobs = new Map(jobs.map((job) => [String(job.id), newest(job)]));
      this.error = null;
      this.loaded = true;
      for (const job of this.#jobs.values()) {
        const old = before.get(String(job.id));
        if (old && old.state !== job.state) {
          this.#tellChange(job);
          if (isActive(old) && !isActive(job)) this.dispatchEvent(new CustomEvent("ended", { detail: job }));
        }
      }
    } catch (error) {
      this.error = error;
    }
    this.dispatchEvent(new CustomEvent("change", { detail: null }));
  }

  #forgetOldest() {
    const old = this.list().filter((job) => !isActive(job)).at(-1);
    if (old) this.#jobs.delete(String(old.id));
  }

  #tellChange(job) {
    const text = { running: "started", done: "is done", failed: "failed", cancelled: "was cancelled" }[job.state];
    if (!text) return;
    clearTimeout(this.#announce);
    this.#announce = setTimeout(() => say(`${job.title} ${text}`), 200);
  }
}

export const jobs = new JobStore();
news.addEventListener("job", (event) => jobs.put(event.detail));
news.addEventListener("poll", () => jobs.load());
