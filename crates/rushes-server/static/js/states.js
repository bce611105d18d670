// The states that every view has besides its content: nothing there, loading,
// and an error with what to do about it.

import { el } from "./dom.js";
import { sentence } from "./format.js";
import { icon } from "./icons.js";

/** Nothing to show, and what to do about it. */
export function emptyState(name, title, text, ...actions) {
  return el(
    "div.state",
    {},
    el("span.state-icon", {}, icon(name)),
    el("h2", {}, title),
    text && el("p.state-text", {}, text),
    actions.length > 0 && el("div.state-actions", {}, ...actions),
  );
}

/** What failed, why, and a button that tries again. */
export function errorState(error, retry) {
  return el(
    "div.state.is-error",
    { role: "alert" },
    el("span.state-icon", {}, icon("warn")),
    el("h2", {}, error.message),
    error.path && el("p.path", {}, error.path),
    error.remedy && el("p.state-text", {}, error.remedy),
    retry && el("div.state-actions", {}, el("button.primary", { type: "button", onclick: retry }, icon("retry"), "Try again")),
  );
}

/** Grey bars where text will be. */
export function skeleton(lines = 4) {
  return el(
    "div.skeleton",
    { "aria-busy": "true", "aria-label": "Loading" },
    ...Array.from({ length: lines }, () => el("div.skeleton-line")),
  );
}

const NOT_WHOLE = "This file could not be read whole";
const AGAIN = "Copy it again from where it came from, or repair it.";
// For errors that do not say themselves what to do.
const REMEDIES = {
  corrupt: AGAIN,
  unsupported: "Nothing has to be done: the file stays as it is.",
  denied: "Let the user that Rushes runs as read it, and scan again.",
  unavailable: "Scan again when it is there.",
};

/** What to do about an item's own error; null when nothing is known. */
export const remedyOf = (error) => error?.remedy ?? REMEDIES[error?.kind] ?? null;

/** What is known to be wrong with an asset's bytes, for `errorBox`; null when nothing is. */
export function damageOf(asset) {
  if (asset.error) return { title: NOT_WHOLE, ...asset.error, remedy: remedyOf(asset.error) };
  const { agrees, differences } = asset.probe?.agreement ?? {};
  if (agrees !== false || !differences?.length) return null;
  const [first, second] = differences;
  return { title: "What this file says of itself does not agree with what is in it", why: second ? `${first}; ${second}` : first, remedy: AGAIN };
}

/** That an asset's bytes cannot be had now: for `errorBox`. */
export const refused = (error) => ({ title: "This file cannot be had now", why: error.message, remedy: error.remedy });

/** A button that tries again. */
export const againButton = (onclick) => el("button", { type: "button", onclick }, icon("retry"), "Try again");

/** What an item's own error says: `{ what, why, remedy }`. */
export function errorBox(error, title = NOT_WHOLE) {
  if (!error) return null;
  const text = typeof error === "string" ? error : sentence([error.what, error.why].filter(Boolean).join(": ") || error.detail || error.message);
  return el(
    "div.error-box",
    {},
    icon("warn"),
    el("div", {}, title && el("strong", {}, title), el("p", {}, text), error.remedy && el("p.muted", {}, sentence(error.remedy)), error.path && el("p.path", {}, error.path)),
  );
}
