// Any JSON value as an indented list, for what has no form of its own.

import { el } from "./dom.js";
import { count, words } from "./format.js";

const MOST_ITEMS = 200;
const DEEPEST = 8;

/** The value as nested definition lists. */
export function tree(value, depth = 0) {
  if (value === null || value === undefined) return el("span.muted", {}, "–");
  if (typeof value === "boolean") return el("span", {}, value ? "yes" : "no");
  if (typeof value === "number") return el("span.number", {}, Number.isInteger(value) ? count(value) : String(value));
  if (typeof value !== "object") return el("span.tree-text", {}, String(value));
  if (depth >= DEEPEST) return el("code", {}, JSON.stringify(value));
  if (Array.isArray(value)) {
    if (!value.length) return el("span.muted", {}, "none");
    const shown = value.slice(0, MOST_ITEMS).map((item) => el("li", {}, tree(item, depth + 1)));
    if (value.length > MOST_ITEMS) shown.push(el("li.muted", {}, `and ${count(value.length - MOST_ITEMS)} more`));
    return el("ol.tree", {}, ...shown);
  }
  const entries = Object.entries(value);
  if (!entries.length) return el("span.muted", {}, "none");
  return el(
    "dl.tree",
    {},
    ...entries.map(([name, item]) => el("div", {}, el("dt", {}, words(name)), el("dd", {}, tree(item, depth + 1)))),
  );
}
