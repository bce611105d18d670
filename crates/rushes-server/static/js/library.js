// The library: the search and its results in the grid.

import { api } from "./api.js";
import { say } from "./announce.js";
import { addRootForm } from "./addroot.js";
import { connection } from "./connection.js";
import { el, fill, setting } from "./dom.js";
import { news } from "./events.js";
import { filterBar } from "./filterbar.js";
import { plural, sentence } from "./format.js";
import { Grid } from "./grid.js";
import { jobs } from "./jobstore.js";
import { resultsOf } from "./results.js";
import { assetHref, go, href } from "./router.js";
import { emptyState, errorState } from "./states.js";
import { listed, progress } from "./progress.js";

const REFRESH_MS = 1500;

export function libraryView({ searchBar }) {
  let query = "";
  let results = null;
  let memory = null;
  let visible = false;
  let refreshTimer = null;
  let refreshedAt = 0;
  let roots = null;
  let changedMeanwhile = false;

  const bar = filterBar({
    onquery: (text) => go(href("/", { q: text })),
    onsize: (size) => grid.resize(size),
    onfill: (on) => {
      grid.element.classList.toggle("is-filled", on);
    },
  });
  const grid = new Grid({
    size: Number(setting("size", "220")),
    addressOf: (row) => assetHref(row.id, query),
    onopen: (row, index) => {
      memory = grid.memory;
      go(assetHref(row.id, query), { state: { index } });
    },
  });
  grid.element.classList.toggle("is-filled", setting("filled", "false") === "true");
  const overlay = el("div.overlay", { hidden: true });
  const body = el("div.library-body", {}, grid.element, overlay);
  const element = el("section.library", { "aria-label": "Library" }, el("h1.hidden-text", {}, "Library"), bar.element, body);

  // Its keys work at once, and not only when one of its cells has the focus.
  document.addEventListener("keydown", (event) => {
    if (visible && !event.defaultPrevented && event.target === document.body && !document.querySelector("dialog[open], :popover-open")) grid.key(event);
  });

  // The results before stay until there are new ones to show: nothing flickers
  // while someone types.
  function changed() {
    if (grid.results !== results && (results.total !== null || !grid.results)) grid.show(results);
    const wrong = results.error?.status === 400;
    if (wrong || !results.error) searchBar.wrong = wrong;
    body.classList.toggle("is-stale", grid.results !== results);
    if (wrong) bar.count(null, true, "");
    else if (results.error) bar.count(null, true, grid.results === results && results.total !== null ? `${plural(results.total, "asset")} when last asked` : "not known now");
    else if (results.total !== null || grid.results === results) drawCount();
    if (results.total !== null && results.total !== results.saidTotal) {
      results.saidTotal = results.total;
      if (visible) say(`${results.exact ? "" : "More than "}${plural(results.total, "result")}`);
    }
    drawOverlay();
    grid.element.inert = !overlay.hidden; // what is covered takes no keys
  }

  // Assets arrive once a scan has listed everything: until then, what it found is told.
  function drawCount() {
    const found = results.total === 0 && !query && connection.reachable ? jobs.active().map(listed).find(Boolean) : null;
    bar.count(found ? null : results.total, results.exact, found ?? undefined);
  }

  function drawOverlay() {
    const { error, total } = results;
    if (error?.status === 400) {
      showOverlay(wrongSearch(error));
    } else if (total === null && grid.results !== results && !error) {
      overlay.hidden = true; // the results before are still there, dimmed
    } else if (error && total === null) {
      showOverlay(errorState(error, () => results.refresh()));
    } else if (total === 0 && query) {
      showOverlay(emptyState("search", "Nothing found", "No asset matches this search.", el("button", { type: "button", onclick: () => go(href("/")) }, "Clear the search")));
    } else if (total === 0) {
      drawFirstRun();
    } else {
      overlay.hidden = true;
      roots = null;
    }
  }

  // Told once, in the place of the results, which would be those of another search.
  function wrongSearch(error) {
    const state = emptyState("search", "This search cannot be read", sentence(error.message.replace(/^reading the query: /, "")), el("button", { type: "button", onclick: () => go(href("/")) }, "Clear the search"));
    if (error.remedy) state.querySelector(".state-text").after(el("p.state-text", {}, sentence(error.remedy)));
    state.id = "search-error";
    state.setAttribute("role", "alert");
    return state;
  }

  function showOverlay(...content) {
    fill(overlay, ...content);
    overlay.hidden = false;
    overlay.dataset.shows = "";
  }

  // An empty catalogue invites; while a scan runs, it shows how far that is.
  async function drawFirstRun() {
    roots ??= api.roots().catch(() => []);
    const found = await roots;
    if (results.total !== 0 || query) return;
    const active = jobs.active()[0];
    const state = active ? `job ${active.id}${listed(active) ? " lists" : ""}` : found.length ? "scan" : "first";
    if (!overlay.hidden && overlay.dataset.shows === state) {
      if (active) overlay.querySelector(".progress")?.replaceWith(progress(active));
      return;
    }
    if (active) {
      showOverlay(emptyState("folder", active.title, listed(active) ? "First everything is listed, then it appears here." : "What is found appears here as it is found."), progress(active));
    } else if (found.length) {
      showOverlay(
        emptyState(
          "folder",
          "No media yet",
          `${plural(found.length, "folder")} registered, nothing found in ${found.length === 1 ? "it" : "them"} so far.`,
          el("button.primary", { type: "button", onclick: (event) => scanAll(event.currentTarget) }, "Scan now"),
          el("a.button", { href: "/roots" }, "See the folders"),
        ),
      );
    } else {
      showOverlay(
        el(
          "div.first-run",
          {},
          el("h2", {}, "Add a folder of media"),
          el("p", {}, "Rushes finds the stills, videos and sound in it and shows them here within seconds. It only reads: nothing in the folder is changed."),
          addRootForm({ onadded: () => ((roots = null), results.refresh()) }),
        ),
      );
    }
    overlay.dataset.shows = state;
  }

  async function scanAll(button) {
    button.disabled = true;
    try {
      const answer = await api.scan({});
      jobs.put(answer?.job);
    } catch (error) {
      showOverlay(errorState(error, drawOverlay));
    }
  }

  // The catalogue may change several times a second; what is on screen is
  // asked for again at a calm pace.
  function catalogChanged() {
    if (!visible) changedMeanwhile = true;
    if (!visible || !results || refreshTimer) return;
    const wait = Math.max(0, refreshedAt + REFRESH_MS - Date.now());
    refreshTimer = setTimeout(() => {
      refreshTimer = null;
      refreshedAt = Date.now();
      if (visible) results.refresh();
    }, wait);
  }

  news.addEventListener("catalog", catalogChanged);
  // Nothing that is shown is news while the server is away.
  connection.addEventListener("lost", () => visible && results && grid.results === results && results.total !== null && bar.count(null, true, `${plural(results.total, "asset")} when last asked`));
  jobs.addEventListener("ended", catalogChanged);
  jobs.addEventListener("change", () => {
    if (!visible || results?.total !== 0 || query) return;
    if (!results.error) drawCount();
    drawFirstRun();
  });

  return {
    element,
    grid,
    show({ q, reason }) {
      const returned = !visible && memory !== null && q === query && reason !== "load";
      visible = true;
      document.title = q ? `${q} – Rushes` : "Rushes";
      searchBar.text = q;
      bar.show(q);
      const next = resultsOf(q);
      if (next !== results) {
        results?.removeEventListener("change", changed);
        results = next;
        query = q;
        results.addEventListener("change", changed);
        searchBar.wrong = false;
        results.want(0, 0);
      } else if (reason === "again" || changedMeanwhile) {
        results.refresh();
      }
      changedMeanwhile = false;
      changed();
      grid.update();
      if (returned) grid.restore(memory, true);
      memory = null;
    },
    hide() {
      visible = false;
      memory ??= grid.memory;
      searchBar.wrong = false;
    },
    /** Another result was looked at in the detail view: that is the current one now. */
    looked(index) {
      if (memory) memory.current = index;
    },
  };
}
