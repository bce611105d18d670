// The registered folders: their state, scanning them, adding and removing.

import { api } from "./api.js";
import { toast, toastError } from "./announce.js";
import { addRootForm } from "./addroot.js";
import { confirm, panel } from "./dialog.js";
import { el, fill } from "./dom.js";
import { news } from "./events.js";
import { ago, bytes, count, moment, plural } from "./format.js";
import { icon } from "./icons.js";
import { isActive, jobs } from "./jobstore.js";
import { only } from "./query.js";
import { href } from "./router.js";
import { emptyState, errorState, skeleton } from "./states.js";
import { planView } from "./tree.js";

const STATES = {
  online: ["Online", "is-good", "The folder is there"],
  offline: ["Offline", "is-away", "The folder cannot be reached now; nothing is forgotten"],
  empty: ["Empty", "is-warn", "The folder is there but empty, as when its disk is not mounted; nothing is forgotten"],
};

export function rootsView() {
  const list = el("div.root-list");
  const summary = el("p.page-summary", {});
  const scanAll = el("button", { type: "button", hidden: true, onclick: () => act(scanAll, () => scan({})) }, icon("retry"), "Scan all");
  const adder = addRootForm({ onadded: () => load() });
  const element = el(
    "section.page",
    { "aria-labelledby": "roots-title" },
    el("header.page-head", {}, el("h1", { id: "roots-title", tabindex: "-1" }, "Folders"), summary, el("div.page-tools", {}, scanAll)),
    list,
    el("section.card", { "aria-labelledby": "add-title" }, el("h2", { id: "add-title" }, "Add a folder"), adder),
  );
  let visible = false;
  let loaded = false;
  let timer = null;

  async function load() {
    if (!loaded) fill(list, skeleton(3));
    try {
      const roots = await api.roots();
      loaded = true;
      draw(roots);
    } catch (error) {
      if (!loaded) fill(list, errorState(error, load));
    }
  }

  function draw(roots) {
    const places = roots.reduce((sum, root) => sum + (root.places ?? 0), 0);
    const size = roots.reduce((sum, root) => sum + (root.size_bytes ?? 0), 0);
    summary.textContent = roots.length ? `${plural(places, "file")}, ${bytes(size)}` : "";
    scanAll.hidden = roots.length < 2;
    const focused = document.activeElement?.closest?.(".root")?.dataset.name;
    const action = document.activeElement?.dataset?.action;
    fill(
      list,
      roots.length
        ? roots.map(rootRow)
        : emptyState("folder", "No folder yet", "Add one below. Rushes only reads it: nothing in it is changed."),
    );
    if (focused && action) list.querySelector(`.root[data-name="${CSS.escape(focused)}"] [data-action="${action}"]`)?.focus();
  }

  function rootRow(root) {
    const [label, tone, help] = STATES[root.state] ?? [root.state, "", ""];
    const button = (action, text, run, kind = "") =>
      el(`button${kind}`, { type: "button", dataset: { action }, onclick: (event) => act(event.currentTarget, run) }, text);
    return el(
      "article.root.card",
      { dataset: { name: root.name }, "aria-label": root.name },
      el(
        "div.root-main",
        {},
        el("h2", {}, el("a", { href: href("/", { q: only("root", root.name) }) }, root.name), el(`span.tag.${tone || "is-plain"}`, { title: help }, label)),
        el("p.path", {}, root.path),
      ),
      el(
        "dl.root-facts",
        {},
        fact("Files", count(root.places)),
        fact("Size", bytes(root.size_bytes)),
        fact("Last scan", ago(root.last_scan), root.last_scan ? moment(root.last_scan) : null),
      ),
      el(
        "div.root-actions",
        {},
        button("scan", "Scan now", () => scan({ roots: [root.name] })),
        button("full", "Full hash", () => scan({ roots: [root.name], full: true })),
        button("plan", "Dry run", () => plan(root)),
        button("remove", "Remove", () => remove(root), ".quiet-danger"),
      ),
    );
  }

  const fact = (name, value, title) => el("div", { title }, el("dt", {}, name), el("dd", {}, value));

  async function act(button, run) {
    button.disabled = true;
    try {
      await run();
    } catch (error) {
      toastError(error);
    } finally {
      button.disabled = false;
    }
  }

  async function scan(options) {
    const answer = await api.scan(options);
    jobs.put(answer?.job);
    toast(`${answer?.job?.title ?? "The scan"} ${answer?.job?.state === "running" ? "has started" : "is queued"}.`);
  }

  async function plan(root) {
    const answer = await api.scan({ roots: [root.name], dry_run: true });
    panel(`What a scan of ${root.name} would do`, el("div.dialog-scroll", {}, planView(answer?.plan ?? answer)));
  }

  async function remove(root) {
    const agreed = await confirm({
      title: `Remove ${root.name}?`,
      details: root.path,
      text: `Rushes stops looking after this folder and the ${plural(root.places ?? 0, "file")} in it. Nothing on the disk is touched.`,
      action: "Remove folder",
    });
    if (!agreed) return;
    await api.removeRoot(root.name);
    toast(`${root.name} is removed.`);
    await load();
    element.querySelector("h1").focus();
  }

  const soon = () => {
    if (!visible || timer) return;
    timer = setTimeout(() => {
      timer = null;
      if (visible) load();
    }, 1200);
  };
  news.addEventListener("catalog", soon);
  jobs.addEventListener("change", (event) => event.detail && !isActive(event.detail) && soon());

  return {
    element,
    show({ reason }) {
      visible = true;
      document.title = "Folders – Rushes";
      load();
      if (reason === "go") element.querySelector("h1").focus({ preventScroll: true });
    },
    hide() {
      visible = false;
    },
  };
}
