// One asset: the player or viewer, its facts, and the way to its neighbours.

import { api, downloadUrl } from "./api.js";
import { copy, el, fill, keep, setting, takesText } from "./dom.js";
import { toast, toastError } from "./announce.js";
import { facts } from "./facts.js";
import { count } from "./format.js";
import { icon } from "./icons.js";
import { news } from "./events.js";
import { player } from "./player.js";
import { resultsOf } from "./results.js";
import { assetHref, back, go, href } from "./router.js";
import { emptyState, errorState, skeleton } from "./states.js";
import { isShown, stillViewer } from "./viewer.js";

export function detailView({ searchBar, library }) {
  let shown = null; // { id, asset, stage }
  let asking = null;
  let visible = false;
  let query = "";
  let index = null;
  let results = null;
  let wanted = null;

  const title = el("h1.detail-name", { tabindex: "-1" });
  const position = el("span.detail-position", {});
  const toLibrary = el("a.plain.button-like", { "aria-label": "Back to the library", title: "Back (Esc)" }, icon("back"));
  const previous = el("button.plain", { type: "button", "aria-label": "Previous result", title: "Previous (↑)", onclick: () => step(-1) }, icon("back"));
  const next = el("button.plain", { type: "button", "aria-label": "Next result", title: "Next (↓)", onclick: () => step(1) }, icon("next"));
  const download = el("a.button-like", { download: true, "aria-label": "Download" }, icon("download"), el("span.wide-only", {}, "Download"));
  const toggle = el("button", { type: "button", "aria-controls": "facts", onclick: () => showFacts(panel.hidden) }, "Facts");
  const neighbours = el("div.neighbours", { role: "group", "aria-label": "Results" }, previous, position, next);
  const stage = el("div.stage", { tabindex: "-1" });
  const panel = el("aside.facts", { id: "facts", "aria-label": "Facts", tabindex: "0" });
  const element = el(
    "section.detail",
    { "aria-label": "Asset" },
    el("div.detail-main", {}, el("header.detail-bar", {}, toLibrary, title, neighbours, download, toggle), stage),
    panel,
  );
  toLibrary.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    leave();
  });
  showFacts(setting("facts", "true") === "true");

  function showFacts(on) {
    keep("facts", on);
    panel.hidden = !on;
    element.classList.toggle("without-facts", !on);
    toggle.setAttribute("aria-expanded", String(on));
  }

  const leave = () => back(href("/", { q: query }));

  async function load(id, { quiet = false } = {}) {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    const row = index === null ? null : results.get(index);
    if (!quiet) {
      if (row && String(row.id) === id) head(row);
      else title.textContent = "";
      fill(panel, skeleton(12));
    }
    try {
      const asset = await api.asset(id, signal);
      if (signal.aborted || !visible) return;
      draw(asset, quiet);
    } catch (error) {
      if (error.name === "AbortError" || signal.aborted) return;
      if (quiet) return;
      clearStage();
      panel.replaceChildren();
      fill(
        stage,
        error.status === 404
          ? emptyState("search", "There is no such asset", "It may have been merged with another or removed.", el("a.button.primary", { href: "/" }, "To the library"))
          : errorState(error, () => load(id)),
      );
    }
  }

  function head(row) {
    title.textContent = row.name;
    title.title = row.path ?? row.name;
    document.title = `${row.name} – Rushes`;
    download.href = downloadUrl(row.id);
    download.hidden = row.state !== "present";
  }

  function clearStage() {
    shown?.stage?.destroy();
    shown = null;
    stage.replaceChildren();
  }

  function draw(asset, quiet) {
    head(asset);
    const { scrollTop } = panel;
    const sameFile = shown && String(shown.id) === String(asset.id) && shown.asset.modified === asset.modified && shown.asset.state === asset.state && (asset.kind !== "still" || shown.asset.preview?.version === asset.preview?.version);
    const openRaw = panel.querySelector(".raw")?.open ?? false;
    if (!(quiet && sameFile)) {
      clearStage();
      // Players know no animated pictures; as pictures browsers play them.
      const made = asset.kind === "still" || (asset.kind === "video" && isShown(asset)) ? stillViewer(asset) : player(asset);
      shown = { id: asset.id, asset, stage: made };
      fill(stage, made.element);
      made.attached?.();
    }
    shown.asset = asset;
    fill(panel, ...facts(asset, { query, oncopy }));
    if (openRaw && panel.querySelector(".raw")) panel.querySelector(".raw").open = true;
    panel.scrollTop = quiet ? scrollTop : 0;
  }

  async function oncopy(text, what) {
    try {
      await copy(text);
      toast(`${what} copied.`);
    } catch (error) {
      toastError({ message: `${what} could not be copied: ${error.message}.`, remedy: "Select the text and copy it." });
    }
  }

  function drawNeighbours() {
    const known = index !== null && results?.total;
    neighbours.hidden = !known;
    if (!known) return;
    position.textContent = `${count(index + 1)} of ${count(results.total)}`;
    previous.disabled = index <= 0;
    next.disabled = index >= results.total - 1;
  }

  async function step(by) {
    if (index === null || !results) return;
    try {
      const target = index + by;
      const row = await results.row(target);
      if (!row || !visible) return;
      library.looked(target);
      // Going along the results is one step of the history, so that Back leads to the grid.
      go(assetHref(row.id, query), { replace: true, state: { ...history.state, index: target } });
    } catch (error) {
      toastError(error);
    }
  }

  // Opened by its address, the place among the results is looked for on the first page.
  async function findPlace(id) {
    wanted = id;
    const stated = history.state?.index;
    index = Number.isInteger(stated) ? stated : null;
    drawNeighbours();
    try {
      const row = await results.row(index ?? 0);
      if (!visible || wanted !== id) return;
      if (index !== null && row && String(row.id) === id) return drawNeighbours();
      const found = results.indexOf(id);
      index = found >= 0 ? found : null;
    } catch {
      index = null; // the asset itself can be shown without its neighbours
    }
    drawNeighbours();
  }

  document.addEventListener("keydown", (event) => {
    if (!visible || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") || document.querySelector(":popover-open")) return;
    if (takesText(event.target) && event.target.type !== "range") return;
    if (event.key === "Escape") {
      if (document.fullscreenElement) return;
      event.preventDefault();
      return leave();
    }
    const inPanel = panel.contains(event.target);
    if (inPanel && (event.key === " " || event.key === "Enter" || event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End")) return;
    const onButton = event.target.closest?.("button, a, summary, input:not([type=range])") && (event.key === " " || event.key === "Enter");
    if (onButton) return;
    if (shown?.stage?.key(event)) return event.preventDefault();
    const moves = { ArrowUp: -1, ArrowDown: 1, ...(shown?.asset?.kind === "still" ? { ArrowLeft: -1, ArrowRight: 1 } : {}) };
    if (moves[event.key]) {
      event.preventDefault();
      step(moves[event.key]);
    } else if (event.key === "i" || event.key === "I") {
      showFacts(panel.hidden);
    } else if (event.key === "f" || event.key === "F") {
      if (document.fullscreenElement) document.exitFullscreen();
      else stage.requestFullscreen?.().catch(() => {});
    }
  });
  document.addEventListener("keyup", (event) => visible && shown?.stage?.keyUp?.(event));

  let refresh = null;
  news.addEventListener("catalog", () => {
    if (!visible || !shown || refresh) return;
    refresh = setTimeout(() => {
      refresh = null;
      if (visible && shown) load(String(shown.id), { quiet: true });
    }, 2000);
  });

  return {
    element,
    show({ params, q, reason }) {
      const already = visible && shown && String(shown.id) === params.id && q === query;
      visible = true;
      query = q;
      searchBar.text = q;
      toLibrary.href = href("/", { q });
      results = resultsOf(q);
      if (already && reason !== "again") return;
      clearStage();
      findPlace(params.id);
      load(params.id);
      if (reason !== "load" && !element.contains(document.activeElement)) stage.focus({ preventScroll: true });
    },
    hide() {
      visible = false;
      asking?.abort();
      clearStage();
      if (document.fullscreenElement) document.exitFullscreen();
    },
  };
}
