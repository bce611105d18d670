// What Rushes runs on, what it misses, and the check of the catalogue.

import { api } from "./api.js";
import { toastError } from "./announce.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { jobs } from "./jobstore.js";
import { go, href } from "./router.js";
import { errorState, skeleton } from "./states.js";
import { words } from "./format.js";
import { tree } from "./tree.js";

export function doctorView() {
  const body = el("div.doctor", {});
  const percent = el("select", { id: "read-data" }, ...[[0, "the catalogue only"], [10, "and read 10 % of the data"], [100, "and read all data"]].map(([value, label]) => el("option", { value }, label)));
  const start = el("button.primary", { type: "submit" }, icon("check"), "Check");
  const form = el(
    "form.check-form",
    { "aria-label": "Check the catalogue" },
    el("label", { for: "read-data" }, "Prove the catalogue against the disk:"),
    percent,
    start,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    start.disabled = true;
    try {
      const answer = await api.check(Number(percent.value));
      jobs.put(answer?.job);
      go(href("/jobs", { job: answer?.job?.id }));
    } catch (error) {
      toastError(error);
    } finally {
      start.disabled = false;
    }
  });
  const element = el(
    "section.page",
    { "aria-labelledby": "doctor-title" },
    el("header.page-head", {}, el("h1", { id: "doctor-title", tabindex: "-1" }, "System")),
    el("section.card", {}, form),
    body,
  );

  async function load() {
    if (!body.hasChildNodes()) fill(body, skeleton(6));
    try {
      draw(await api.doctor());
    } catch (error) {
      fill(body, errorState(error, load));
    }
  }

  function draw(report) {
    const { libraries, protections, missing, ...rest } = report ?? {};
    const entries = Object.entries(rest);
    const plain = entries.filter(([, value]) => value === null || typeof value !== "object");
    const nested = entries.filter(([, value]) => value !== null && typeof value === "object");
    fill(
      body,
      plain.length > 0 && el("section.card", {}, el("h2", {}, "Rushes"), tree(Object.fromEntries(plain))),
      named("Libraries", libraries, ({ name, version }) => [name, version]),
      named("Protection", protections, ({ name, holds, detail }) => [name, el("span", {}, el(`span.tag.${holds ? "is-good" : "is-warn"}`, {}, holds ? "holds" : "does not hold"), detail && detail !== "holds" && el("span.muted.doctor-detail", {}, detail))]),
      named("Missing", missing, ({ what, remedy }) => [what, remedy], "Nothing is missing."),
      ...nested.map(([name, value]) => el("section.card", {}, el("h2", {}, words(name)), tree(value))),
    );
  }

  function named(title, list, row, none = null) {
    if (!Array.isArray(list) || (!list.length && !none)) return null;
    const rows = list.map((item) => {
      const [name, value] = row(item);
      return el("div", {}, el("dt", {}, name), el("dd", {}, value));
    });
    return el("section.card", {}, el("h2", {}, title), rows.length ? el("dl.tree", {}, ...rows) : el("p.muted", {}, none));
  }

  return {
    element,
    show({ reason }) {
      document.title = "System – Rushes";
      load();
      if (reason === "go") element.querySelector("h1").focus({ preventScroll: true });
    },
  };
}
