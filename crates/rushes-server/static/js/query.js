// The search language as the search field needs it: which parts of a text
// are filters. The server alone decides what a query means.

/** Every filter, its help, and examples or values to offer. */
export const FILTERS = [
  { key: "kind", help: "Still, video or audio", values: ["still", "video", "audio"] },
  { key: "date", help: "When it was made", values: ["2024", "2024-06", "2024-01..2024-06"], example: true },
  { key: "duration", help: "Length in seconds or h:mm:ss", values: [">10", "<1:00", "10..60"], example: true },
  { key: "codec", help: "Codec of picture or sound", from: "by_codec" },
  { key: "width", help: "Width as shown, in pixels", values: [">=1920", ">=3840"], example: true },
  { key: "height", help: "Height as shown, in pixels", values: [">=1080", ">=2160"], example: true },
  { key: "fps", help: "Frames a second", values: [">=50", "25", "24"], example: true },
  { key: "size", help: "Size of the file", values: [">1G", ">100M", "<1M"], example: true },
  { key: "camera", help: "Maker or model of the camera", values: ["iphone", "canon"], example: true },
  { key: "batch", help: "Batch, mostly the folder it came in", from: "by_batch" },
  { key: "root", help: "Registered folder", from: "by_root" },
  { key: "tag", help: "A tag it carries", values: [] },
  { key: "ext", help: "File name extension", values: ["mov", "mp4", "jpg"], example: true },
  { key: "state", help: "Present, offline or gone", values: ["present", "offline", "gone"] },
  { key: "audio", help: "With or without sound", values: ["yes", "no"] },
  { key: "hdr", help: "High dynamic range", values: ["yes", "no"] },
  { key: "live", help: "Half of a Live Photo", values: ["yes", "no"] },
  { key: "error", help: "Could not be read whole", values: ["yes", "no"] },
  { key: "hashed", help: "Full hash known", values: ["yes", "no"] },
  { key: "copies", help: "Places where it is", values: [">1", "1"], example: true },
  { key: "sort", help: "Order of the results", values: ["date", "-date", "name", "size", "duration", "added"] },
];

const KEYS = new Set(FILTERS.map(({ key }) => key));

/** A value as the language writes it: in quotes when it holds a space. */
export function quoted(value) {
  const text = String(value).replaceAll('"', "");
  return /[\s:]/.test(text) || text === "" ? `"${text}"` : text;
}

/** Splits at spaces outside quotes; keeps each part as it was written. */
export function split(text) {
  return text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
}

/** A filter from `-key:value`, or null for a word or phrase. */
export function asFilter(part) {
  const match = /^(-?)([a-z_]+):(.+)$/is.exec(part);
  if (!match || !KEYS.has(match[2].toLowerCase())) return null;
  const open = (match[3].match(/"/g) ?? []).length % 2 === 1;
  if (open || match[3] === '""') return null;
  return { raw: part, negated: match[1] === "-", key: match[2].toLowerCase(), value: match[3].replace(/^"|"$/g, "") };
}

/** A text as its filters and its words. */
export function parse(text) {
  const filters = [];
  const wordsFound = [];
  for (const part of split(text ?? "")) {
    const filter = asFilter(part);
    if (filter) filters.push(filter);
    else wordsFound.push(part);
  }
  return { filters, words: wordsFound.join(" ") };
}

/** The text of filters and words; a filter just begun (`kind:`) is not part of it yet. */
export function join(filters, words) {
  const ready = split(words).filter((part) => !/^-?[a-z_]+:"?$/i.test(part) || !KEYS.has(part.replace(/^-|:"?$/g, "").toLowerCase()));
  return [...filters.map(({ raw }) => raw), ...ready].join(" ").trim();
}

/** The value of the first filter of that key, or null. */
export const valueOf = (text, key) =>
  parse(text).filters.find((filter) => filter.key === key && !filter.negated)?.value ?? null;

/** The text with this filter in the place of others of its key; null takes them away. */
export function withFilter(text, key, value) {
  const { filters, words } = parse(text);
  const rest = filters.filter((filter) => filter.key !== key || filter.negated);
  const added = value === null || value === "" ? [] : [{ raw: `${key}:${quoted(value)}` }];
  return join([...rest, ...added], words);
}

/** The text of a search for one value. */
export const only = (key, value) => `${key}:${quoted(value)}`;
