// Exact time: fractions as the API writes them, frames and timecode.

/** A fraction from "30000/1001" or "25", or null. */
export function rational(text) {
  const match = /^(-?\d+)(?:\/(\d+))?$/.exec(String(text ?? "").trim());
  if (!match) return null;
  const num = Number(match[1]);
  const den = Number(match[2] ?? 1);
  return den > 0 ? { num, den, value: num / den } : null;
}

/** Its value as a number of seconds or hertz, or null. */
export const numberOf = (text) => rational(text)?.value ?? null;

/** A rate for reading: "25 fps", "29.97 fps", "23.976 fps". */
export function rateText(text) {
  const rate = rational(text);
  if (!rate || rate.num <= 0) return null;
  const value = Number(rate.value.toFixed(3));
  return `${value} fps`;
}

/** The number of the frame that is on screen at this time, from 0. */
export function frameAt(secs, rate) {
  // Half a microsecond forgives the rounding of a float at a frame's first instant.
  return Math.max(0, Math.floor(((secs + 5e-7) * rate.num) / rate.den));
}

/** A time inside frame `frame`: its middle, which no rounding moves out of it. */
export function timeOf(frame, rate) {
  return ((frame + 0.5) * rate.den) / rate.num;
}

/** Timecode of a number of frames at a nominal rate, SMPTE ST 12-1. */
export function timecode(frames, rate, drop = false) {
  const nominal = Math.round(rate.value);
  let number = frames;
  if (drop) {
    // Two numbers (four at 59.94) are skipped each minute, but not each tenth.
    const skipped = Math.round(nominal / 15);
    const tenMinutes = nominal * 600 - skipped * 9;
    const minute = nominal * 60 - skipped;
    const tens = Math.floor(number / tenMinutes);
    const rest = number % tenMinutes;
    number += skipped * 9 * tens;
    if (rest >= skipped) number += skipped * Math.floor((rest - skipped) / minute);
  }
  const two = (value) => String(value).padStart(2, "0");
  const secs = Math.floor(number / nominal);
  const parts = [Math.floor(secs / 3600) % 24, Math.floor(secs / 60) % 60, secs % 60].map(two);
  return `${parts.join(":")}${drop ? ";" : ":"}${two(number % nominal)}`;
}

/** The frame number that a timecode stands for, and whether it drops; or null. */
export function fromTimecode(text, rate) {
  const match = /^(\d{2}):(\d{2}):(\d{2})([:;.])(\d{2,3})$/.exec(text ?? "");
  if (!match) return null;
  const nominal = Math.round(rate.value);
  const drop = match[4] === ";" && nominal % 30 === 0;
  const [h, m, s, f] = [match[1], match[2], match[3], match[5]].map(Number);
  let frames = ((h * 60 + m) * 60 + s) * nominal + f;
  if (drop) {
    const minutes = h * 60 + m;
    frames -= Math.round(nominal / 15) * (minutes - Math.floor(minutes / 10));
  }
  return { frames, drop };
}

/** Seconds as h:mm:ss.mmm. */
export function exactClock(secs) {
  const ms = Math.max(0, Math.round(secs * 1000));
  const two = (value) => String(value).padStart(2, "0");
  const whole = Math.floor(ms / 1000);
  const text = `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return `${text}.${String(ms % 1000).padStart(3, "0")}`;
}
