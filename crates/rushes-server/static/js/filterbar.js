// The bar above the grid: how many, quick filters, order, size of pictures.

import { el, fill, keep, setting } from "./dom.js";
import { plural } from "./format.js";
import { icon } from "./icons.js";
import { valueOf, withFilter } from "./query.js";

const KINDS = [
  [null, "All"],
  ["still", "Stills"],
  ["video", "Video"],
  ["audio", "Audio"],
];

const SORTS = [
  ["", "Newest first"],
  ["-date", "Oldest first"],
  ["added", "Last added"],
  ["name", "Name"],
  ["size", "Largest first"],
  ["duration", "Longest first"],
];

/** `onquery(text)` when a quick filter changes the search; `onsize`, `onfill` for the looks. */
export function filterBar({ onquery, onsize, onfill }) {
  let query = "";
  const change = (key, value) => onquery(withFilter(query, key, value));

  const number = el("p.result-count", {});
  const kinds = el(
    "div.segments",
    { role: "group", "aria-label": "Kind" },
    ...KINDS.map(([kind, label]) =>
      el("button", { type: "button", "aria-pressed": "false", dataset: { kind: kind ?? "" }, onclick: () => change("kind", kind) }, label),
    ),
  );
  const sort = el(
    "select",
    { id: "sort", "aria-label": "Order", onchange: () => change("sort", sort.value || null) },
    ...SORTS.map(([value, label]) => el("option", { value }, label)),
  );
  const size = el("input.size", {
    type: "range",
    min: "120",
    max: "420",
    step: "20",
    value: setting("size", "220"),
    "aria-label": "Size of the pictures",
    oninput: () => {
      keep("size", size.value);
      onsize(Number(size.value));
    },
  });
  const filled = el("button.plain", {
    type: "button",
    onclick: () => {
      const next = filled.getAttribute("aria-pressed") !== "true";
      keep("filled", next);
      drawFilled(next);
      onfill(next);
    },
  });
  const drawFilled = (on) => {
    filled.setAttribute("aria-pressed", String(on));
    filled.setAttribute("aria-label", "Fill the cells");
    filled.title = on ? "Show whole pictures" : "Fill the cells";
    fill(filled, icon(on ? "fit" : "fillup"));
  };
  drawFilled(setting("filled", "false") === "true");

  const { button: dateButton, panel: datePanel, showRange } = dateFilter((range) => change("date", range));
  const element = el(
    "div.filter-bar",
    { role: "toolbar", "aria-label": "Results" },
    number,
    el("div.filter-scroll", {}, kinds, dateButton, el("label.select", {}, el("span.hidden-text", {}, "Order"), sort)),
    el("div.looks", {}, filled, size),
    datePanel,
  );

  return {
    element,
    /** Shows what the search says. */
    show(text) {
      query = text;
      const kind = valueOf(text, "kind") ?? "";
      for (const button of kinds.children) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
      const order = valueOf(text, "sort") ?? "";
      sort.value = SORTS.some(([value]) => value === order) ? order : "";
      showRange(valueOf(text, "date"));
    },
    /** Shows the number of results; while it is not known, `instead`. */
    count(total, exact = true, instead = "…") {
      number.textContent = total === null ? instead : exact ? plural(total, "asset") : `about ${plural(total, "asset")}`;
    },
  };
}

function dateFilter(onrange) {
  const from = el("input", { type: "date", id: "date-from", max: "9999-12-31" });
  const to = el("input", { type: "date", id: "date-to", max: "9999-12-31" });
  const label = el("span", {}, "Any date");
  const problem = el("p.form-error", { role: "alert", hidden: true });
  const panel = el(
    "form.popover",
    { popover: "auto", id: "date-panel", "aria-label": "Date range" },
    el("label", { for: "date-from" }, "From", from),
    el("label", { for: "date-to" }, "To", to),
    problem,
    el(
      "div.form-buttons",
      {},
      el("button", { type: "button", onclick: () => done(null) }, "Any date"),
      el("button.primary", { type: "submit" }, "Apply"),
    ),
  );
  const button = el("button", { type: "button", popovertarget: "date-panel", "aria-haspopup": "dialog" }, icon("calendar"), label);
  const done = (range) => {
    panel.hidePopover();
    button.focus();
    onrange(range);
  };
  panel.addEventListener("submit", (event) => {
    event.preventDefault();
    if (from.value && to.value && from.value > to.value) {
      problem.textContent = "The first day is after the last.";
      problem.hidden = false;
      return;
    }
    problem.hidden = true;
    if (from.value && to.value) done(from.value === to.value ? from.value : `${from.value}..${to.value}`);
    else if (from.value) done(`>=${from.value}`);
    else if (to.value) done(`<=${to.value}`);
    else done(null);
  });
  panel.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const box = button.getBoundingClientRect();
    panel.style.top = `${Math.round(box.bottom + 6)}px`;
    panel.style.left = `${Math.round(Math.max(8, Math.min(box.left, innerWidth - panel.offsetWidth - 8)))}px`;
    from.focus();
  });
  return {
    button,
    panel,
    showRange(text) {
      label.textContent = text ? text.replace("..", " – ") : "Any date";
      button.classList.toggle("is-set", Boolean(text));
      const day = (value) => (/^\d{4}-\d{2}-\d{2}$/.test(value ?? "") ? value : "");
      const [first, second] = (text ?? "").split("..");
      from.value = day(first.replace(/^>=/, ""));
      to.value = day(second ?? (first.startsWith("<=") ? first.slice(2) : first.startsWith(">") ? "" : first));
      if (first.startsWith("<")) from.value = "";
    },
  };
}
