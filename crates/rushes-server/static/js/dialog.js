// Dialogs: a question before something that cannot be taken back, and plain
// panels. The <dialog> element brings the focus trap, Escape and the backdrop.

import { el } from "./dom.js";
import { icon } from "./icons.js";

function open(dialog) {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus({ preventScroll: true });
  });
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog) dialog.close("");
  });
  dialog.showModal();
}

/** Asks; true when the person agreed. */
export function confirm({ title, text, action, details = null }) {
  return new Promise((resolve) => {
    const dialog = el(
      "dialog.dialog",
      { "aria-labelledby": "dialog-title" },
      el(
        "div.dialog-body",
        {},
        el("h2", { id: "dialog-title" }, title),
        details && el("p.path", {}, details),
        el("p", {}, text),
        el(
          "div.form-buttons",
          {},
          el("button", { type: "button", autofocus: true, onclick: () => dialog.close("") }, "Cancel"),
          el("button.danger", { type: "button", onclick: () => dialog.close("yes") }, action),
        ),
      ),
    );
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    open(dialog);
  });
}

/** Shows content under a title until it is closed. */
export function panel(title, ...content) {
  const dialog = el(
    "dialog.dialog.is-wide",
    { "aria-labelledby": "dialog-title" },
    el(
      "div.dialog-body",
      {},
      el(
        "header.dialog-head",
        {},
        el("h2", { id: "dialog-title" }, title),
        el("button.plain", { type: "button", "aria-label": "Close", onclick: () => dialog.close("") }, icon("close")),
      ),
      ...content,
    ),
  );
  open(dialog);
  return dialog;
}
