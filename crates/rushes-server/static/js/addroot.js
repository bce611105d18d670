// The form that registers a folder and scans it.

import { api } from "./api.js";
import { toast } from "./announce.js";
import { el, fill } from "./dom.js";
import { jobs } from "./jobstore.js";

let serial = 0;

/** The form; `onadded(name)` after the folder is registered. */
export function addRootForm({ onadded }) {
  serial += 1;
  const [pathId, nameId, scanId, errorId] = ["path", "name", "scan", "error"].map((part) => `add-root-${part}-${serial}`);
  const path = el("input", {
    id: pathId,
    name: "path",
    type: "text",
    required: true,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    placeholder: "/media/footage",
    "aria-describedby": errorId,
  });
  const name = el("input", { id: nameId, name: "name", type: "text", autocomplete: "off", placeholder: "taken from the path" });
  const scan = el("input", { id: scanId, name: "scan", type: "checkbox", checked: true });
  const error = el("div.form-error", { id: errorId, role: "alert", hidden: true });
  const submit = el("button.primary", { type: "submit" }, "Add folder");
  const form = el(
    "form.add-root",
    { "aria-label": "Add a folder", novalidate: true },
    el("div.field.is-wide", {}, el("label", { for: pathId }, "Folder on the computer that runs Rushes"), path),
    el("div.field", {}, el("label", { for: nameId }, "Name (optional)"), name),
    el("div.form-buttons", {}, el("label.check", { for: scanId }, scan, "Scan it now"), submit),
    error,
  );

  function fail(problem) {
    fill(
      error,
      el("p", {}, problem.message),
      problem.remedy && el("p.muted", {}, problem.remedy),
      problem.path && !problem.message.includes(problem.path) && el("p.path", {}, problem.path),
    );
    error.hidden = false;
    path.setAttribute("aria-invalid", "true");
    path.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    path.removeAttribute("aria-invalid");
    const wanted = path.value.trim();
    if (!wanted) return fail({ message: "Type the path of a folder.", remedy: "It starts with / (or a drive letter on Windows)." });
    submit.disabled = true;
    let added = null;
    try {
      const before = new Set((await api.roots()).map((root) => root.name));
      const answer = await api.addRoot(wanted, name.value.trim() || undefined);
      added = answer?.name ?? answer?.root?.name ?? (await api.roots()).find((root) => !before.has(root.name))?.name ?? null;
      if (scan.checked) {
        const started = await api.scan(added ? { roots: [added] } : {});
        jobs.put(started?.job);
      }
      toast(scan.checked ? `${added ?? wanted} is added; the scan has started.` : `${added ?? wanted} is added.`);
      path.value = "";
      name.value = "";
      onadded(added);
    } catch (problem) {
      fail(problem);
      if (added) onadded(added);
    } finally {
      submit.disabled = false;
    }
  });
  return form;
}
