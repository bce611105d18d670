// Live news from the server: server-sent events with reconnection, and a
// regular "poll" while there are none.

import { eventsUrl } from "./api.js";
import { connection } from "./connection.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const POLL_MS = 3000;
const HIDDEN_MS = 20_000;

class News extends EventTarget {
  #source = null;
  #pause = FIRST_PAUSE_MS;
  #retry = null;
  #poll = null;
  #hidden = null;
  #wanted = false;

  /** Whether events arrive, rather than polls. */
  get live() {
    return this.#source?.readyState === EventSource.OPEN;
  }

  start() {
    this.#wanted = true;
    this.#open();
    this.#poll ??= setInterval(() => {
      if (!this.live && !document.hidden && connection.reachable && this.#wanted) this.#tell("poll");
    }, POLL_MS);
  }

  stop() {
    this.#wanted = false;
    this.#close();
  }

  /** A page in the background gives its connection back: a browser has only six to one server. */
  visibility() {
    clearTimeout(this.#hidden);
    if (document.hidden) {
      this.#hidden = setTimeout(() => this.#close(), HIDDEN_MS);
    } else if (this.#wanted && !this.#source) {
      this.#open();
    }
  }

  #open() {
    clearTimeout(this.#retry);
    this.#close();
    // A page that was opened in the background is not seen either: it asks once it is.
    if (!this.#wanted || !connection.reachable || document.hidden) return;
    const source = new EventSource(eventsUrl);
    this.#source = source;
    source.addEventListener("open", () => {
      this.#pause = FIRST_PAUSE_MS;
      // Whatever happened while nobody listened is asked for once.
      this.#tell("poll");
      this.#tell("state");
    });
    source.addEventListener("job", (event) => this.#tell("job", event.data));
    source.addEventListener("catalog", (event) => this.#tell("catalog", event.data));
    source.addEventListener("error", () => {
      if (this.#source !== source) return;
      this.#close();
      this.#tell("state");
      const pause = this.#pause * (0.75 + Math.random() / 2);
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
      this.#retry = setTimeout(() => this.#open(), pause);
    });
  }

  #close() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }

  #tell(name, data) {
    let detail = null;
    if (data !== undefined) {
      try {
        detail = JSON.parse(data);
      } catch {
        return;
      }
    }
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

export const news = new News();
document.addEventListener("visibilitychange", () => news.visibility());
connection.addEventListener("found", () => news.start());
