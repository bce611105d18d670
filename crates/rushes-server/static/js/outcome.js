// What came of a job, out of its result: counts in words, and what failed.

import { api } from "./api.js";
import { el } from "./dom.js";
import { bytes, count, plural, sentence } from "./format.js";
import { icon } from "./icons.js";
import { assetHref } from "./router.js";
import { remedyOf } from "./states.js";

// A number of the result and how it is said, in the order of a scan.
const COUNTS = [
  ["files", (n) => plural(n, "file")],
  ["places", (n) => `${plural(n, "place")} compared`],
  ["added", (n) => `${count(n)} added`],
  ["changed", (n) => `${count(n)} changed`],
  ["moved", (n) => `${count(n)} moved`],
  ["copied", (n) => plural(n, "copy", "copies")],
  ["vanished", (n) => `${count(n)} vanished`],
  ["not_there", (n) => `${count(n)} not there now`],
  ["probed", (n) => `${count(n)} probed`],
  ["no_media", (n) => `${count(n)} not media`],
  ["hashed", (n) => `${count(n)} hashed`],
  ["merged", (n) => `${count(n)} merged`],
  ["bytes", (n) => `${bytes(n)} read`],
  ["read", (n) => `${plural(n, "file")} read again`],
  ["read_bytes", (n) => bytes(n)],
  ["previews", (n) => `${plural(n, "preview")} verified`],
  ["made", (n) => `${count(n)} made`],
  ["removed", (n) => `${count(n)} removed`],
];
// What a card has no room for.
const DETAIL_ONLY = new Set(["files", "places", "probed", "no_media", "bytes", "read_bytes", "not_there"]);
const LINKED = 50;
const SHOWN = 200;

/** "3 added, 1 moved"; numbers that are zero are left out. `all` says those too that a card has no room for. */
export function countsOf(result, { all = false } = {}) {
  const parts = [];
  for (const [name, text] of COUNTS) {
    const value = name === "hashed" && typeof result?.hashed === "object" ? result.hashed?.hashed : result?.[name];
    if (value > 0 && (all || !DETAIL_ONLY.has(name))) parts.push(text(value));
  }
  return parts;
}

/** What failed, as `{ path, asset, error }`; `path` and `asset` may be missing. */
export function failuresOf(result) {
  const roots = Array.isArray(result?.roots) ? result.roots : [];
  return [
    ...roots.filter(({ state }) => state && state !== "online").map(({ path, state, note }) => ({ path, error: { why: note ?? `it is ${state}` } })),
    ...roots.flatMap(({ unreadable }) => unreadable ?? []),
    ...(Array.isArray(result?.failed) ? result.failed : []),
    ...(result?.hashed?.failed ?? []),
    ...(result?.violations ?? []).map(({ what }) => ({ error: { why: what } })),
  ];
}

/** How many failed, those too that the result only counts. */
export const failedNumber = (result) => failuresOf(result).length + (result?.more_failed ?? 0);

/** The failures as a list: where, why, what to do. Paths lead to their assets, once these are found. */
export function failureList(result) {
  const failures = failuresOf(result);
  const rest = failedNumber(result) - Math.min(failures.length, SHOWN);
  const list = el(
    "ul.failures",
    {},
    ...failures.slice(0, SHOWN).map(({ path, asset, error }) =>
      el(
        "li",
        {},
        icon("warn"),
        el(
          "div",
          {},
          path && el("p.path", {}, asset ? el("a", { href: assetHref(asset) }, path) : path),
          el("p", {}, sentence([error?.what, error?.why].filter(Boolean).join(": "))),
          remedyOf(error) && el("p.muted", {}, sentence(remedyOf(error))),
        ),
      ),
    ),
    rest > 0 && el("li", {}, el("p.muted", {}, `and ${count(rest)} more`)),
  );
  link(list, failures.slice(0, LINKED));
  return list;
}

// Where a result names no asset, which one is at the path is asked for: results
// of older versions know paths only.
async function link(list, failures) {
  for (const [at, { path, asset }] of failures.entries()) {
    if (asset) continue;
    const name = path?.split("/").at(-1)?.replaceAll('"', " ").trim();
    if (!name) continue;
    let found;
    try {
      const answer = await api.search(`"${name}"`, { limit: 50 });
      found = answer.items.find((row) => row.path === path);
    } catch (error) {
      if (error.status === 400) continue; // a name that no search can be made of
      return; // the list is good without links
    }
    if (!found) continue;
    const shown = list.children[at].querySelector(".path");
    shown.replaceChildren(el("a", { href: assetHref(found.id) }, path));
  }
}
