// The sliders of the player: where it is, and how loud.

import { el, fill, keep, setting } from "./dom.js";
import { clock } from "./format.js";
import { icon } from "./icons.js";

const STEPS = 1000; // of the seek bar, from end to end

/**
 * The seek bar of a player: `{ element, draw(text) }`. `seek(secs)` is called
 * while it is moved, and no more often than the browser can follow.
 */
export function seekBar(media, { length, seek }) {
  let held = null; // where the pointer wants to be while an earlier seek is under way
  const lasts = () => (Number.isFinite(media.duration) ? media.duration : length);
  const range = el("input.seek", { type: "range", min: "0", max: String(STEPS), step: "1", value: "0", "aria-label": "Position" });
  const follow = () => {
    const secs = (Number(range.value) / STEPS) * (lasts() ?? 0);
    paint(secs);
    if (media.seeking) held = secs;
    else seek(secs);
  };
  range.addEventListener("input", follow);
  range.addEventListener("keydown", (event) => {
    // Up and down lead to other results elsewhere; on a slider they move it.
    if (["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(event.key)) event.stopPropagation();
  });
  media.addEventListener("seeked", () => {
    if (held === null) return;
    const secs = held;
    held = null;
    seek(secs);
  });

  function paint(secs) {
    const whole = lasts();
    range.style.setProperty("--part", String(whole > 0 ? Math.min(1, secs / whole) : 0));
  }

  return {
    element: range,
    /** Shows where the media is; `text` says it in words. */
    draw(text) {
      const whole = lasts();
      range.disabled = !(whole > 0);
      range.setAttribute("aria-valuetext", whole > 0 ? `${text} of ${clock(whole)}` : text);
      if (held !== null) return;
      const at = whole > 0 ? Math.min(STEPS, Math.round((media.currentTime / whole) * STEPS)) : 0;
      if (Number(range.value) !== at) range.value = String(at);
      paint(media.currentTime);
    },
  };
}

/** How loud: a button that silences, and a slider. What is chosen is kept for the next file. */
export function volume(media) {
  media.volume = Math.max(0, Math.min(1, Number(setting("volume", "1")) || 0));
  media.muted = setting("muted", "false") === "true";
  const mute = el("button.plain.mute", { type: "button", onclick: () => toggle() });
  const range = el("input.volume", {
    type: "range",
    min: "0",
    max: "1",
    step: "0.05",
    "aria-label": "Volume",
    oninput: () => {
      media.volume = Number(range.value);
      media.muted = media.volume === 0;
    },
  });
  // Its keys are its own: elsewhere they seek, or lead to other results.
  range.addEventListener("keydown", (event) => {
    if (/^(Arrow|Page|Home|End)/.test(event.key)) event.stopPropagation();
  });

  function toggle() {
    media.muted = !media.muted;
    if (!media.muted && media.volume === 0) media.volume = 1;
  }

  function draw() {
    const silent = media.muted || media.volume === 0;
    mute.setAttribute("aria-label", silent ? "Sound on" : "Sound off");
    mute.title = `${silent ? "Sound on" : "Sound off"} (M)`;
    fill(mute, icon(silent ? "muted" : "sound"));
    range.value = String(silent ? 0 : media.volume);
    range.style.setProperty("--part", range.value);
    range.setAttribute("aria-valuetext", silent ? "silent" : `${Math.round(media.volume * 100)} %`);
  }

  media.addEventListener("volumechange", () => {
    keep("volume", media.volume);
    keep("muted", media.muted);
    draw();
  });
  draw();
  return { mute, range, toggle };
}
