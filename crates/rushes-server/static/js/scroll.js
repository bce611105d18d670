// Scrolling through more than a browser can lay out. Elements end at some
// 17 million pixels; a taller content is shown through a shorter canvas, with
// the difference kept as a shift that small movements do not change.

const TALLEST_PX = 8_000_000;
const IDLE_MS = 160;

export class Scroller {
  #shift = 0;
  #last = 0;
  #idle = null;
  #height = 0;

  /** `frame` scrolls, `canvas` inside it is as tall as the content may be. */
  constructor(frame, canvas, onmove) {
    this.frame = frame;
    this.canvas = canvas;
    this.onmove = onmove;
    frame.addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** Height of the content. */
  set height(value) {
    this.#height = value;
    this.canvas.style.height = `${Math.min(value, TALLEST_PX)}px`;
    if (!this.scaled) this.#shift = 0;
  }

  get scaled() {
    return this.#height > TALLEST_PX;
  }

  /** Top of what is visible, in the content. */
  get position() {
    return this.frame.scrollTop + this.#shift;
  }

  /** Where something at `top` of the content goes in the canvas. */
  place(top) {
    return top - this.#shift;
  }

  /** Makes `top` of the content the top of what is visible. */
  to(top) {
    const visible = this.frame.clientHeight;
    const clamped = Math.max(0, Math.min(top, this.#height - visible));
    if (this.scaled) {
      const ratio = (TALLEST_PX - visible) / (this.#height - visible);
      this.#last = Math.round(clamped * ratio);
      this.#shift = clamped - this.#last;
    } else {
      this.#last = clamped;
      this.#shift = 0;
    }
    this.frame.scrollTop = this.#last;
    // The browser may round; the next movement is measured from what it made of it.
    this.#last = this.frame.scrollTop;
    this.onmove(0);
  }

  #scrolled() {
    const now = this.frame.scrollTop;
    const moved = now - this.#last;
    if (moved === 0) return;
    this.#last = now;
    if (this.scaled) {
      const visible = this.frame.clientHeight;
      if (Math.abs(moved) > visible * 2) {
        this.#shift = (now * (this.#height - visible)) / (TALLEST_PX - visible) - now;
      }
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.to(this.position), IDLE_MS);
    }
    this.onmove(moved);
  }
}
