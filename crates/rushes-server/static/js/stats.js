// Totals of the catalogue, each a way into the library.

import { api } from "./api.js";
import { el, fill } from "./dom.js";
import { bytes, count, words } from "./format.js";
import { only } from "./query.js";
import { href } from "./router.js";
import { emptyState, errorState, skeleton } from "./states.js";

const GROUPS = [
  ["by_kind", "Kind", "kind"],
  ["by_state", "State", "state"],
  ["by_codec", "Codec", "codec"],
  ["by_root", "Folder", "root"],
  ["by_batch", "Batch", "batch"],
];
const MOST = 12;

export function statsView() {
  const body = el("div", {});
  const element = el(
    "section.page",
    { "aria-labelledby": "stats-title" },
    el("header.page-head", {}, el("h1", { id: "stats-title", tabindex: "-1" }, "Totals")),
    body,
  );

  async function load() {
    if (!body.querySelector(".totals")) fill(body, skeleton(6));
    try {
      draw(await api.stats());
    } catch (error) {
      fill(body, errorState(error, load));
    }
  }

  function draw(stats) {
    if (!stats.assets) {
      fill(body, emptyState("stats", "Nothing to count yet", "Add a folder and scan it.", el("a.button.primary", { href: "/roots" }, "Go to the folders")));
      return;
    }
    const total = (name, value, link) => el("div.total", {}, el("dt", {}, name), el("dd", {}, link && value !== "0" ? el("a", { href: link }, value) : value));
    fill(
      body,
      el(
        "dl.totals",
        {},
        total("Assets", count(stats.assets), "/"),
        total("Places", count(stats.places)),
        total("Size", bytes(stats.size_bytes)),
        total("Hashed", `${Math.floor((100 * (stats.hashed ?? 0)) / stats.assets)} %`),
        total("Errors", count(stats.errors), href("/", { q: "error:yes" })),
      ),
      el("div.stat-groups", {}, ...GROUPS.map(([field, title, key]) => group(title, key, stats[field] ?? []))),
    );
  }

  function group(title, key, rows) {
    if (!rows.length) return null;
    const most = Math.max(...rows.map((row) => row.count ?? 0), 1);
    const sorted = rows.toSorted((a, b) => (b.count ?? 0) - (a.count ?? 0));
    const draw = (list) => list.map((row) => statRow(row, key, most));
    const more = sorted.slice(MOST);
    const table = el("ul.stat-rows", {}, ...draw(sorted.slice(0, MOST)));
    const button = el("button.plain-text", { type: "button", onclick: () => (table.append(...draw(more)), button.remove()) }, `${count(more.length)} more`);
    return el("section.card", {}, el("h2", {}, title), table, more.length > 0 && button);
  }

  function statRow(row, key, most) {
    const bar = el("span.stat-bar");
    bar.style.width = `${Math.max(0.5, (100 * (row.count ?? 0)) / most)}%`;
    const name = row.name || "none";
    return el(
      "li.stat-row",
      {},
      row.name ? el("a", { href: href("/", { q: only(key, row.name) }), title: name }, key === "kind" || key === "state" ? words(name) : name) : el("span.muted", {}, name),
      el("span.stat-track", {}, bar),
      el("span.number", {}, count(row.count)),
      el("span.number.muted", {}, bytes(row.size_bytes)),
    );
  }

  return {
    element,
    show({ reason }) {
      document.title = "Totals – Rushes";
      load();
      if (reason === "go") element.querySelector("h1").focus({ preventScroll: true });
    },
  };
}
