// What screen readers hear, and the short messages in the corner.

import { el } from "./dom.js";
import { icon } from "./icons.js";

let pending = null;

/** Says this to screen readers; of several in a moment only the last. */
export function say(text) {
  clearTimeout(pending);
  pending = setTimeout(() => {
    document.getElementById("live").textContent = text;
  }, 120);
}

/** Shows a short message. Errors stay until they are closed. */
export function toast(text, { error = false, remedy = null } = {}) {
  const close = () => box.remove();
  const box = el(
    `div.toast${error ? ".is-error" : ""}`,
    { role: error ? "alert" : "status" },
    el("div.toast-text", {}, el("p", {}, text), remedy && el("p.muted", {}, remedy)),
    el("button.plain.small", { type: "button", "aria-label": "Close the message", onclick: close }, icon("close")),
  );
  const region = document.getElementById("toasts");
  region.append(box);
  while (region.children.length > 4) region.firstElementChild.remove();
  if (!error) setTimeout(close, 5000);
}

/** Shows what failed, why, and what to do about it. */
export function toastError(error) {
  if (error?.name === "AbortError") return;
  toast(error.message, { error: true, remedy: error.remedy });
}
