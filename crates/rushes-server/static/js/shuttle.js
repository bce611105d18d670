// J, K, L: faster and slower in both directions. Browsers do not play
// backwards, so backwards is a chain of seeks paced by the clock.

const SPEEDS = [-8, -4, -2, -1, 0, 1, 2, 4, 8];

export class Shuttle {
  #media;
  #onchange;
  #at = SPEEDS.indexOf(0);
  #reverse = null;

  constructor(media, onchange) {
    this.#media = media;
    this.#onchange = onchange;
    // Media keys and headphones may pause or play as well: the speed follows.
    media.addEventListener("play", () => {
      if (SPEEDS[this.#at] <= 0) this.#set(SPEEDS.indexOf(1), false);
    });
    media.addEventListener("pause", () => {
      if (SPEEDS[this.#at] > 0) this.#set(SPEEDS.indexOf(0), false);
    });
  }

  /** -8 to 8; 0 is standing still. */
  get speed() {
    return SPEEDS[this.#at];
  }

  forwards() {
    this.#set(this.speed < 1 ? SPEEDS.indexOf(1) : Math.min(this.#at + 1, SPEEDS.length - 1));
  }

  backwards() {
    this.#set(this.speed > -1 ? SPEEDS.indexOf(-1) : Math.max(this.#at - 1, 0));
  }

  stop() {
    this.#set(SPEEDS.indexOf(0));
  }

  toggle() {
    if (this.speed === 0) this.#set(SPEEDS.indexOf(1));
    else this.stop();
  }

  #set(at, act = true) {
    this.#at = at;
    cancelAnimationFrame(this.#reverse);
    this.#reverse = null;
    const { speed } = this;
    const media = this.#media;
    if (speed > 0) {
      media.playbackRate = speed;
      // A refusal (no source yet, no permission) shows as standing still.
      if (act) media.play().catch(() => media.paused && this.#set(SPEEDS.indexOf(0), false));
    } else if (act) {
      media.pause();
      media.playbackRate = 1;
      if (speed < 0) this.#backwardsFrom(media.currentTime, performance.now(), -speed);
    }
    this.#onchange?.(speed);
  }

  #backwardsFrom(secs, since, rate) {
    const media = this.#media;
    const turn = (now) => {
      const target = Math.max(0, secs - ((now - since) / 1000) * rate);
      if (!media.seeking) media.currentTime = target;
      if (target === 0) return this.stop();
      this.#reverse = requestAnimationFrame(turn);
    };
    this.#reverse = requestAnimationFrame(turn);
  }
}
