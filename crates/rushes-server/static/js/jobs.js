// The job log: live progress, cancel, retry, and each job's plan and effects.

import { api } from "./api.js";
import { toastError } from "./announce.js";
import { connection } from "./connection.js";
import { el, fill } from "./dom.js";
import { news } from "./events.js";
import { ago, clock, count, moment, plural, sentence } from "./format.js";
import { icon } from "./icons.js";
import { isActive, jobs } from "./jobstore.js";
import { countsOf, failedNumber, failureList } from "./outcome.js";
import { progress, progressText } from "./progress.js";
import { go, href } from "./router.js";
import { emptyState, errorBox, errorState, skeleton } from "./states.js";
import { planView, tree } from "./tree.js";

const STATES = { queued: "Queued", running: "Running", done: "Done", failed: "Failed", cancelled: "Cancelled" };
const TONES = { running: "is-live", done: "is-good", failed: "is-bad", cancelled: "is-away", queued: "is-plain" };
const KINDS = { scan: "search", hash: "check", preview: "still", previews: "still", check: "system" };

export function jobsView() {
  const cards = new Map();
  let state = null;
  let opened = null;
  let visible = false;
  let drawn = 0;

  const filters = el(
    "div.segments",
    { role: "group", "aria-label": "State" },
    ...[null, ...Object.keys(STATES)].map((name) =>
      el(
        "button",
        { type: "button", "aria-pressed": "false", dataset: { state: name ?? "" }, onclick: () => go(href("/jobs", { state: name }), { replace: true }) },
        name ? STATES[name] : "All",
      ),
    ),
  );
  const live = el("p.page-summary", {});
  const list = el("div.job-list", {});
  const element = el(
    "section.page",
    { "aria-labelledby": "jobs-title" },
    el("header.page-head", {}, el("h1", { id: "jobs-title", tabindex: "-1" }, "Jobs"), live, el("div.page-tools", {}, filters)),
    list,
  );

  function drawSoon() {
    if (!visible || drawn) return;
    drawn = requestAnimationFrame(() => {
      drawn = 0;
      draw();
    });
  }

  function draw() {
    live.textContent = !connection.reachable ? "As it was when last asked" : news.live ? "Live" : "Asking every 3 s";
    for (const button of filters.children) button.setAttribute("aria-pressed", String(button.dataset.state === (state ?? "")));
    if (!jobs.loaded && jobs.list().length === 0) {
      fill(list, jobs.error ? errorState(jobs.error, () => jobs.load()) : skeleton(4));
      return;
    }
    const shown = jobs.list().filter((job) => !state || job.state === state);
    const ids = new Set(shown.map((job) => String(job.id)));
    for (const [id, card] of cards) {
      if (ids.has(id)) continue;
      card.element.remove();
      cards.delete(id);
    }
    for (const child of [...list.children]) if (!child.classList.contains("job")) child.remove();
    if (!shown.length) {
      list.append(
        state
          ? emptyState("jobs", `No job is ${STATES[state].toLowerCase()}`, null)
          : emptyState("jobs", "No jobs yet", "A scan, hashing and thumbnails are jobs; they are listed here with their progress.", el("a.button.primary", { href: "/roots" }, "Go to the folders")),
      );
      return;
    }
    shown.forEach((job, at) => {
      let card = cards.get(String(job.id));
      if (!card) {
        card = jobCard(job, { ontoggle: (open) => toggle(job.id, open) });
        cards.set(String(job.id), card);
        card.open(String(job.id) === opened); // an address may name one before the list is here
      }
      card.update(job);
      // Moving an element takes its focus away, so only what is out of place moves.
      if (list.children[at] !== card.element) list.insertBefore(card.element, list.children[at] ?? null);
    });
  }

  function toggle(id, open) {
    go(href("/jobs", { state, job: open ? id : null }), { replace: true });
  }

  jobs.addEventListener("change", drawSoon);
  news.addEventListener("state", drawSoon);
  connection.addEventListener("lost", drawSoon);
  connection.addEventListener("found", drawSoon);

  return {
    element,
    show({ search, reason }) {
      const before = visible;
      visible = true;
      document.title = "Jobs – Rushes";
      state = Object.hasOwn(STATES, search.get("state") ?? "") ? search.get("state") : null;
      opened = search.get("job");
      draw();
      for (const [id, card] of cards) card.open(id === opened);
      if (!before || reason === "again") jobs.load();
      if (!before && reason === "go") element.querySelector("h1").focus({ preventScroll: true });
    },
    hide() {
      visible = false;
    },
  };
}

function jobCard(first, { ontoggle }) {
  let job = first;
  let detailFor = null;
  const tag = el("span.tag");
  const title = el("button.job-title", { type: "button", "aria-expanded": "false", "aria-controls": `job-${first.id}`, onclick: () => ontoggle(detail.hidden) });
  const times = el("p.job-times", {});
  const middle = el("div.job-progress");
  const trouble = el("div");
  const cancel = el("button", { type: "button", hidden: true, dataset: { action: "cancel" }, onclick: () => act(cancel, () => api.cancelJob(job.id)) }, "Cancel");
  const retry = el("button", { type: "button", hidden: true, dataset: { action: "retry" }, onclick: () => act(retry, () => api.retryJob(job.id)) }, icon("retry"), "Retry");
  const detail = el("div.job-detail", { id: `job-${first.id}`, hidden: true });
  const element = el(
    "article.job.card",
    { dataset: { id: first.id } },
    el("span.job-icon", {}, icon(KINDS[first.kind] ?? "jobs")),
    el("div.job-head", {}, title, tag, times),
    el("div.job-actions", {}, cancel, retry),
    middle,
    trouble,
    detail,
  );

  async function act(button, run) {
    button.disabled = true;
    try {
      jobs.put(await run());
    } catch (error) {
      toastError(error);
      jobs.load();
    } finally {
      button.disabled = false;
    }
  }

  function update(next) {
    job = next;
    const stopping = job.cancel_requested && isActive(job);
    element.dataset.state = job.state;
    title.textContent = job.params?.full === true ? `${job.title}, full hash` : job.title;
    // A job that is done has done what it could; what it could not is said at once.
    const partly = job.state === "done" && failedNumber(job.result) > 0;
    tag.textContent = stopping ? "Stopping" : [STATES[job.state] ?? job.state, ...(partly ? failedText(job) : [])].join(", ");
    tag.className = `tag ${partly ? "is-warn" : TONES[job.state] ?? "is-plain"}`;
    times.textContent = timesOf(job);
    times.title = [`Queued ${moment(job.created)}`, job.started && `started ${moment(job.started)}`, job.finished && `ended ${moment(job.finished)}`].filter(Boolean).join(", ");
    const focused = document.activeElement;
    const wanted = isActive(job) && !job.cancel_requested;
    const again = job.state === "failed" || job.state === "cancelled";
    if ((focused === cancel && !wanted) || (focused === retry && !again)) title.focus({ preventScroll: true });
    cancel.hidden = !wanted;
    retry.hidden = !again;
    cancel.setAttribute("aria-label", `Cancel ${job.title}`);
    retry.setAttribute("aria-label", `Retry ${job.title}`);
    fill(middle, isActive(job) && progress(job));
    fill(trouble, errorBox(job.error, job.state === "failed" ? "The job failed" : "The last attempt failed"));
    if (!detail.hidden && detailFor !== `${job.state} ${job.attempts}`) loadDetail();
  }

  async function loadDetail() {
    detailFor = `${job.state} ${job.attempts}`;
    if (!detail.hasChildNodes()) fill(detail, skeleton(3));
    try {
      const full = await api.job(job.id);
      fill(detail, detailOf(full));
    } catch (error) {
      fill(detail, errorState(error, loadDetail));
    }
  }

  return {
    element,
    update,
    open(wanted) {
      if (detail.hidden !== wanted) return;
      detail.hidden = !wanted;
      title.setAttribute("aria-expanded", String(wanted));
      if (wanted) loadDetail();
    },
  };
}

// What came of an ended job, in a few words; its detail has the rest.
function outcomeOf(job) {
  const parts = countsOf(job.result);
  if (job.state !== "done") parts.push(...failedText(job)); // else its state says so
  if (parts.length || failedNumber(job.result)) return parts.join(", ");
  return progressText({ ...job, rate_per_sec: null })[0] ?? null;
}

const failedText = ({ result }) => (failedNumber(result) ? [`${count(failedNumber(result))} failed`] : []);

const tookText = (secs) => (secs < 1 ? `${Math.round(secs * 1000)} ms` : secs < 10 ? `${secs.toFixed(1)} s` : clock(secs));

function timesOf(job) {
  const parts = [];
  if (!isActive(job)) parts.push(outcomeOf(job));
  const start = Date.parse(job.started ?? "");
  if (job.finished) {
    parts.push(ago(job.finished));
    if (!Number.isNaN(start)) {
      const took = (Date.parse(job.finished) - start) / 1000;
      parts.push(`took ${tookText(took)}`);
    }
  } else if (job.started) {
    parts.push(`started ${ago(job.started)}`);
  } else {
    parts.push(`queued ${ago(job.created)}`);
  }
  if (job.attempts > 1) parts.push(`attempt ${job.attempts}${job.max_attempts ? ` of ${job.max_attempts}` : ""}`);
  if (job.state === "queued" && Date.parse(job.not_before ?? "") > Date.now()) parts.push(`tries again at ${moment(job.not_before).slice(11)}`);
  return parts.filter(Boolean).join(" · ");
}

function detailOf(full) {
  const { result } = full;
  const failed = failedNumber(result);
  const section = (name, ...content) => el("section", {}, el("h3", {}, name), ...content);
  const did = [...countsOf(result, { all: true }), ...failedText(full)];
  const later = [
    result?.previews_queued > 0 && plural(result.previews_queued, "preview"),
    result?.hashes_queued > 0 && plural(result.hashes_queued, "full hash", "full hashes"),
  ].filter(Boolean);
  const unsettled = result?.unsettled ?? [];
  return el(
    "div.job-parts",
    {},
    result !== null &&
      result !== undefined &&
      section("What it did", el("p.counts", {}, sentence(did.join(", ") || "nothing was left to do")), later.length > 0 && el("p.muted", {}, `Left for the background: ${later.join(", ")}.`)),
    failed > 0 && section(`Failed, ${count(failed)}`, failureList(result)),
    unsettled.length > 0 && section("Still changing, left for the next scan", el("ul.tree", {}, ...unsettled.slice(0, 50).map((path) => el("li.path", {}, path)), unsettled.length > 50 && el("li.muted", {}, `and ${count(unsettled.length - 50)} more`))),
    section("Times", el("dl.tree", {}, ...momentsOf(full).map(([name, text]) => el("div", {}, el("dt", {}, name), el("dd.number", {}, text))))),
    el(
      "div",
      {},
      folded("Plan and effects", () => planAndEffects(full)),
      folded("Raw JSON", () => el("pre", { tabindex: "0" }, el("code", {}, JSON.stringify(full, null, 2)))),
    ),
    el("p.muted.small-text", {}, `Job ${full.id}`),
  );
}

// Laid out when someone looks.
function folded(title, make) {
  const details = el("details.folded", {}, el("summary", {}, title));
  details.addEventListener("toggle", () => details.open && details.children.length === 1 && details.append(make()), { once: true });
  return details;
}

const PHASES = [["list_secs", "Listing"], ["fingerprint_secs", "Reading fingerprints"], ["probe_secs", "Probing"]];

function momentsOf(full) {
  const took = (from, to) => {
    const secs = (Date.parse(to ?? "") - Date.parse(from ?? "")) / 1000;
    return Number.isNaN(secs) ? null : tookText(secs);
  };
  return [
    ["Queued", moment(full.created)],
    ["Started", full.started && moment(full.started)],
    ["Ended", full.finished && moment(full.finished)],
    ["Took", took(full.started, full.finished)],
    ...PHASES.map(([name, text]) => [text, full.result?.phases?.[name] > 0 ? tookText(full.result.phases[name]) : null]),
    ["Attempts", full.attempts > 1 ? `${full.attempts}${full.max_attempts ? ` of ${full.max_attempts}` : ""}` : null],
  ].filter(([, text]) => text);
}

function planAndEffects(full) {
  const effects = full.effects ?? [];
  return el(
    "div.job-parts",
    {},
    full.plan === null || full.plan === undefined ? el("p.muted", {}, "No plan is stored.") : planView(full.plan),
    el("h3", {}, effects.length ? `Effects, ${plural(effects.length, "entry", "entries")}` : "Effects"),
    effects.length ? effectTable(effects) : el("p.muted", {}, "None yet."),
  );
}

function effectTable(effects) {
  return el(
    "div.table-scroll",
    { tabindex: "0", role: "region", "aria-label": "Effects" },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...["When", "State", "What", "Detail"].map((name) => el("th", { scope: "col" }, name)))),
      el(
        "tbody",
        {},
        ...effects.slice(0, 500).map((effect) =>
          el(
            "tr",
            {},
            el("td.number", {}, moment(effect.at)),
            el("td", {}, effect.state),
            el("td.path", {}, effect.key),
            el("td", {}, typeof effect.detail === "object" ? tree(effect.detail) : String(effect.detail ?? "")),
          ),
        ),
      ),
    ),
  );
}
