// Whether the server can be reached. While it cannot, /health is asked with
// growing pauses, and everyone who listens is told when it answers again.

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

class Connection extends EventTarget {
  reachable = true;
  nextTryAt = null;
  #pause = FIRST_PAUSE_MS;
  #timer = null;

  /** A request got no answer. */
  lost() {
    if (!this.reachable) return;
    this.reachable = false;
    this.#pause = FIRST_PAUSE_MS;
    this.dispatchEvent(new Event("lost"));
    this.#schedule();
  }

  /** A request was answered, whatever the answer. */
  found() {
    if (this.reachable) return;
    this.reachable = true;
    clearTimeout(this.#timer);
    this.nextTryAt = null;
    this.dispatchEvent(new Event("found"));
  }

  /** Tries at once. */
  async tryNow() {
    clearTimeout(this.#timer);
    this.nextTryAt = null;
    this.dispatchEvent(new Event("trying"));
    try {
      const answer = await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (answer.ok) return this.found();
    } catch {
      // still away
    }
    if (!this.reachable) this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#timer);
    this.nextTryAt = Date.now() + this.#pause;
    this.#timer = setTimeout(() => this.tryNow(), this.#pause);
    this.#pause = Math.min(this.#pause * 1.6, LONGEST_PAUSE_MS);
    this.dispatchEvent(new Event("waiting"));
  }
}

export const connection = new Connection();
addEventListener("online", () => connection.reachable || connection.tryNow());
