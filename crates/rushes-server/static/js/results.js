// One search and its results: pages of rows, fetched where they are looked
// at, bounded in number, and no longer fetched once nobody looks there.

import { api } from "./api.js";

const PAGE = 100;
const KEPT_PAGES = 80;
const AT_ONCE = 4;
const UNCOUNTED = 10_000; // taken for the number until many are counted

export class Results extends EventTarget {
  /** How many there are; null while nothing is known. */
  total = null;
  /** False while many are being counted: there are perhaps as many as `total`. */
  exact = true;
  error = null;
  #pageSize = PAGE;
  #pages = new Map(); // page number -> { items, stale }
  #asked = new Map(); // page number -> AbortController
  #failed = new Map(); // page number -> error
  #wanted = [0, 0];
  #counted = null; // how many there are of many, once that is known
  #counting = false;
  #closed = false;

  constructor(query) {
    super();
    this.query = query;
  }

  /** The row at a place in the results, or undefined while it is not here. */
  get(index) {
    return this.#pages.get(Math.floor(index / this.#pageSize))?.items[index % this.#pageSize];
  }

  /** Where an asset is among the rows at hand, or -1. */
  indexOf(id) {
    for (const [page, { items }] of this.#pages) {
      const at = items.findIndex((row) => String(row.id) === String(id));
      if (at >= 0) return page * this.#pageSize + at;
    }
    return -1;
  }

  /** Fetches what is missing between two places, and drops requests for others. */
  want(first, last) {
    if (this.#closed) return;
    const end = this.total === null ? 0 : Math.max(0, this.total - 1);
    const from = Math.floor(Math.max(0, Math.min(first, end)) / this.#pageSize);
    const to = Math.floor(Math.max(0, Math.min(last, end)) / this.#pageSize);
    this.#wanted = [from, to];
    for (const [page, controller] of this.#asked) {
      if (page < from - 1 || page > to + 1) {
        controller.abort();
        this.#asked.delete(page);
      }
    }
    this.#next();
  }

  /** Asks again for what is looked at; the rows at hand stay until then. */
  refresh() {
    for (const page of this.#pages.values()) page.stale = true;
    for (const controller of this.#asked.values()) controller.abort();
    this.#asked.clear();
    this.#failed.clear();
    this.error = null;
    this.#next();
  }

  /** The row at a place, fetched if need be; null when there is none. */
  async row(index) {
    if (index < 0 || (this.total !== null && index >= this.total)) return null;
    if (this.get(index)) return this.get(index);
    const page = Math.floor(index / this.#pageSize);
    if (!this.#asked.has(page)) this.#fetch(page);
    return new Promise((resolve, reject) => {
      const look = () => {
        const row = this.get(index);
        const failed = this.#failed.get(page);
        if (!row && !failed && this.#asked.has(page)) return;
        this.removeEventListener("change", look);
        if (row) resolve(row);
        else if (failed) reject(failed);
        else resolve(null);
      };
      this.addEventListener("change", look);
    });
  }

  close() {
    this.#closed = true;
    for (const controller of this.#asked.values()) controller.abort();
    this.#asked.clear();
  }

  #next() {
    const [from, to] = this.#wanted;
    for (let page = from; page <= to && this.#asked.size < AT_ONCE; page += 1) {
      const here = this.#pages.get(page);
      if ((here && !here.stale) || this.#asked.has(page) || this.#failed.has(page)) continue;
      this.#fetch(page);
    }
  }

  async #fetch(page) {
    const controller = new AbortController();
    this.#asked.set(page, controller);
    this.#failed.delete(page);
    try {
      const answer = await api.search(this.query, {
        offset: page * this.#pageSize,
        limit: this.#pageSize,
        signal: controller.signal,
      });
      if (this.#asked.get(page) !== controller) return;
      this.#asked.delete(page);
      this.#take(page, answer);
    } catch (error) {
      if (this.#asked.get(page) !== controller) return;
      this.#asked.delete(page);
      if (error.name === "AbortError") return;
      this.error = error;
      this.#failed.set(page, error);
    }
    if (this.#closed) return;
    this.dispatchEvent(new Event("change"));
    this.#next();
  }

  // A page comes without a total where counting takes long. That is asked for
  // on its own; until it is known, the end moves on as it is approached.
  #totalOf(page, items, answer) {
    const total = answer?.total ?? this.#counted;
    this.exact = Number.isInteger(total);
    if (this.exact) return total;
    const end = page * this.#pageSize + items.length;
    if (items.length < this.#pageSize && !answer?.next_cursor) {
      this.exact = items.length > 0 || page === 0;
      return end;
    }
    return Math.max(this.total ?? 0, UNCOUNTED, end + this.#pageSize * 20);
  }

  async #count() {
    if (this.#counting) return;
    this.#counting = true;
    try {
      this.#counted = await api.count(this.query);
    } catch {
      return; // the pages are what matters; the next one asks again
    } finally {
      this.#counting = false;
    }
    if (this.#closed || !Number.isInteger(this.#counted)) return;
    this.total = this.#counted;
    this.exact = true;
    this.dispatchEvent(new Event("change"));
  }

  #take(page, answer) {
    const items = answer?.items ?? [];
    const total = this.#totalOf(page, items, answer);
    if (page === 0 && items.length > 0 && items.length < this.#pageSize && items.length < total) {
      // The server gives fewer at a time than asked: its size is the size.
      this.#pageSize = items.length;
      this.#pages.clear();
    }
    if (this.exact && this.total !== null && this.total !== total) {
      for (const other of this.#pages.values()) other.stale = true;
    }
    this.total = total;
    this.error = null;
    if (!Number.isInteger(answer?.total) && (!this.exact || page === 0)) this.#count();
    this.#pages.delete(page);
    this.#pages.set(page, { items, stale: false });
    const [from, to] = this.#wanted;
    for (const old of this.#pages.keys()) {
      if (this.#pages.size <= KEPT_PAGES) break;
      if (old < from - 1 || old > to + 1) this.#pages.delete(old);
    }
  }
}

let shared = null;

/** The results of a query; the same object as long as the query is the same. */
export function resultsOf(query) {
  if (shared?.query !== query) {
    shared?.close();
    shared = new Results(query);
  }
  return shared;
}
