// Numbers and times as people read them. Dates are ISO 8601, which reads the
// same everywhere and sorts.

const numbers = new Intl.NumberFormat("en");

/** 12345 as "12,345". */
export const count = (value) => numbers.format(value ?? 0);

/** "1 file", "2 files". */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Bytes in powers of 1000, as disks are sold: "4.13 MB". */
export function bytes(value) {
  if (!Number.isFinite(value)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
  let step = 0;
  let number = value;
  while (number >= 999.5 && step < units.length - 1) {
    number /= 1000;
    step += 1;
  }
  const digits = step === 0 || number >= 100 ? 0 : number >= 10 ? 1 : 2;
  return `${number.toFixed(digits)} ${units[step]}`;
}

/** Bits a second: "24.1 Mb/s". */
export function bitRate(value) {
  return Number.isFinite(value) && value > 0 ? `${bytes(value).replace("B", "b")}/s` : null;
}

/** Seconds as h:mm:ss, hours left out below one. */
export function clock(secs) {
  if (!Number.isFinite(secs)) return "–";
  const whole = Math.max(0, Math.floor(secs + 1e-9));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value) => String(value).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A duration on a badge: always h:mm:ss; tenths below one second. */
export function badgeClock(secs) {
  if (secs < 1) return `${secs.toFixed(1)} s`;
  const text = clock(secs);
  return text.split(":").length === 3 ? text : `0:${text.padStart(5, "0")}`;
}

/** Time left, roughly: "about 4 min". */
export function left(secs) {
  if (!Number.isFinite(secs)) return null;
  if (secs < 1) return "almost done";
  if (secs < 60) return `${Math.ceil(secs)} s left`;
  if (secs < 3600) return `${Math.round(secs / 60)} min left`;
  if (secs < 172800) return `${(secs / 3600).toFixed(1)} h left`;
  return `${Math.round(secs / 86400)} days left`;
}

/** The wall clock that a time was written with, not moved to another zone: "2024-06-01 12:34". */
export function captured(text, seconds = false) {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(?:\.\d+)?)?/.exec(text ?? "");
  if (!match) return text ?? "–";
  if (!match[2]) return match[1];
  return `${match[1]} ${match[2]}${seconds && match[3] ? match[3] : ""}`;
}

/** The offset that a time was written with, "+02:00", "UTC", or null. */
export function offset(text) {
  const match = /(Z|[+-]\d{2}:?\d{2})$/.exec(text ?? "");
  return match ? (match[1] === "Z" ? "UTC" : match[1]) : null;
}

/** A moment in the viewer's own zone: "2024-06-01 12:34:56". */
export function moment(text) {
  const at = new Date(text);
  if (!text || Number.isNaN(at.getTime())) return text || "–";
  const two = (value) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** How long ago: "just now", "5 min ago", "3 days ago"; older than a month, the day. */
export function ago(text) {
  const at = Date.parse(text ?? "");
  if (Number.isNaN(at)) return "never";
  const secs = (Date.now() - at) / 1000;
  if (secs < 45) return "just now";
  if (secs < 3600) return `${Math.max(1, Math.round(secs / 60))} min ago`;
  if (secs < 86400) return `${Math.round(secs / 3600)} h ago`;
  if (secs < 30 * 86400) return plural(Math.round(secs / 86400), "day") + " ago";
  return moment(text).slice(0, 10);
}

/** A name in two parts, so that its end stays visible when the middle must go. */
export function splitName(name) {
  const text = name ?? "";
  const dot = text.lastIndexOf(".");
  const tail = dot > 0 && text.length - dot <= 6 ? text.length - dot + 3 : 4;
  const points = Array.from(text);
  const keep = Math.min(tail, Math.max(0, points.length - 1));
  return [points.slice(0, points.length - keep).join(""), points.slice(points.length - keep).join("")];
}

/** A text as a sentence: with a capital and a full stop. */
export function sentence(text) {
  const whole = String(text ?? "").trim();
  if (!whole) return "";
  return `${whole.charAt(0).toUpperCase()}${whole.slice(1)}${/[.!?…]$/.test(whole) ? "" : "."}`;
}

/** "sidecar_kind" as "Sidecar kind". */
export function words(name) {
  const text = String(name).replace(/[_-]+/g, " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
