// Any JSON value as an indented list, for what has no form of its own.

import { el } from "./dom.js";
import { count, words } from "./format.js";

const MOST_ITEMS = 200;
const DEEPEST = 8;

/** A plan: its summary and each effect, in words. */
export function planView(plan) {
  if (typeof plan?.summary !== "string") return tree(plan);
  const effects = plan.effects ?? [];
  const rest = (plan.more ?? 0) + Math.max(0, effects.length - MOST_ITEMS);
  return el(
    "div.plan",
    {},
    el("p.tree-text", {}, plan.summary),
    effects.length > 0 && el("ol.tree", {}, ...effects.slice(0, MOST_ITEMS).map(({ does, key }) => el("li.path", { title: key }, does ?? key)), rest > 0 && el("li.muted", {}, `and ${count(rest)} more`)),
  );
}

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
