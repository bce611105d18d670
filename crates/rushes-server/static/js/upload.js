// The view that sends files to the server, made for a phone's hand.

import { say, toastError } from "./announce.js";
import { el, fill } from "./dom.js";
import { bytes, plural } from "./format.js";
import { icon } from "./icons.js";
import { canSend, drop, send } from "./sender.js";
import { errorBox, errorState } from "./states.js";

const TOLD = {
  queued: ["Waits for its turn", "is-plain"],
  sending: ["Being sent", "is-live"],
  waiting: ["Waits for the server", "is-away"],
  checking: ["Being looked at", "is-live"],
  taken: ["Taken", "is-good"],
  duplicate: ["Here already", "is-good"],
  refused: ["Refused", "is-bad"],
  stopped: ["Stopped", "is-plain"],
};
const UNDER_WAY = ["queued", "sending", "waiting", "checking"];

export function uploadView() {
  const picker = el("input", { type: "file", id: "upload-files", multiple: true, class: "hidden-text" });
  const pick = el("label.button.primary.upload-pick", {}, picker, icon("upload"), "Choose photos, videos, sound");
  const batch = el("input", { type: "text", id: "upload-batch", autocomplete: "off", maxlength: "100", placeholder: "none" });
  const summary = el("p.page-summary", { role: "status" });
  const list = el("div.job-list");
  const form = el(
    "section.card.upload-form",
    { "aria-label": "Choose files" },
    el("div.field", {}, el("label", { for: "upload-batch" }, "Batch: a folder for them (optional)"), batch),
    pick,
    el("p.muted", {}, "What is interrupted goes on where it was. After a reload, choose the same files again."),
  );
  const content = el("div", {}, form, list);
  const element = el(
    "section.page",
    { "aria-labelledby": "upload-title" },
    el("header.page-head", {}, el("h1", { id: "upload-title", tabindex: "-1" }, "Upload"), summary),
    content,
  );
  const rows = [];
  let running = false;

  function add(file) {
    const name = el("h2.path", {}, file.name);
    const tag = el("span.tag");
    const filled = el("div.bar-fill");
    const bar = el("div.bar", { role: "progressbar", "aria-label": file.name, "aria-valuemin": "0", "aria-valuemax": "100" }, filled);
    const size = el("span", {});
    const detail = el("div");
    const stop = el("button.small", { type: "button", "aria-label": `Stop ${file.name}` }, icon("close"), "Stop");
    const card = el(
      "article.card.upload-row",
      { "aria-label": file.name },
      el("div.upload-head", {}, name, tag, stop),
      el("div.progress", {}, bar, el("p.progress-text", {}, size)),
      detail,
    );
    const row = { file, batch: batch.value.trim(), state: "queued", sent: 0, stopper: new AbortController(), draw };
    stop.addEventListener("click", () => {
      row.stopper.abort();
      if (row.state === "queued") row.state = "stopped";
      draw();
      drop(file, row.batch).catch(toastError);
    });

    function draw() {
      const [label, tone] = TOLD[row.state];
      tag.className = `tag ${tone}`;
      tag.textContent = label;
      const sent = ["taken", "duplicate"].includes(row.state) ? file.size : row.sent;
      const percent = file.size > 0 ? Math.min(100, (sent / file.size) * 100) : 100;
      filled.style.width = `${percent.toFixed(1)}%`;
      bar.setAttribute("aria-valuenow", String(Math.floor(percent)));
      bar.classList.toggle("is-unknown", row.state === "checking");
      size.textContent = UNDER_WAY.includes(row.state) ? `${bytes(sent)} of ${bytes(file.size)}` : bytes(file.size);
      stop.hidden = !UNDER_WAY.includes(row.state);
      fill(detail, row.path && el("p.path.muted", {}, row.path), row.error && errorBox(row.error, null));
      drawSummary();
    }
    rows.push(row);
    list.prepend(card);
    draw();
  }

  function drawSummary() {
    const left = rows.filter((row) => UNDER_WAY.includes(row.state)).length;
    const refused = rows.filter((row) => row.state === "refused").length;
    const parts = [left ? `${plural(left, "file")} to go` : `${plural(rows.length - refused, "file")} done`, refused && `${refused} refused`];
    summary.textContent = rows.length ? parts.filter(Boolean).join(", ") : "";
  }

  async function run() {
    if (running) return;
    running = true;
    for (let row = next(); row; row = next()) {
      try {
        const told = await send(row.file, {
          batch: row.batch,
          signal: row.stopper.signal,
          onstate: ({ state, sent }) => {
            row.state = state;
            row.sent = sent ?? row.sent;
            row.draw();
          },
        });
        Object.assign(row, { state: TOLD[told.state] ? told.state : "checking", path: told.path, error: told.error });
      } catch (error) {
        if (error.name === "AbortError") row.state = "stopped";
        else Object.assign(row, { state: "refused", error });
      }
      row.draw();
    }
    running = false;
    say(summary.textContent);
  }

  const next = () => rows.find((row) => row.state === "queued");

  picker.addEventListener("change", () => {
    for (const file of picker.files) add(file);
    // The same file may be chosen again.
    picker.value = "";
    run();
  });
  addEventListener("beforeunload", (event) => {
    if (rows.some((row) => UNDER_WAY.includes(row.state))) event.preventDefault();
  });

  async function look() {
    try {
      await canSend();
      if (!form.isConnected) fill(content, form, list);
    } catch (error) {
      fill(content, errorState(error, look));
    }
  }

  return {
    element,
    show({ reason }) {
      document.title = "Upload – Rushes";
      look();
      if (reason === "go") element.querySelector("h1").focus({ preventScroll: true });
    },
  };
}
