// The form that asks for the token.

import { api } from "./api.js";
import { el } from "./dom.js";

/** The sign-in view; `onsignedin()` after the server took the token. */
export function signInView({ onsignedin }) {
  const token = el("input", { id: "token", name: "token", type: "password", autocomplete: "current-password", required: true, "aria-describedby": "token-error token-help" });
  const error = el("p.form-error", { id: "token-error", role: "alert", hidden: true });
  const submit = el("button.primary", { type: "submit" }, "Sign in");
  const form = el(
    "form.sign-in.card",
    { "aria-labelledby": "sign-in-title", novalidate: true },
    el("h1", { id: "sign-in-title" }, "Sign in to Rushes"),
    el("p.muted", { id: "token-help" }, "The token was printed when the server was first started for more than this computer."),
    el("div.field", {}, el("label", { for: "token" }, "Token"), token),
    error,
    el("div.form-buttons", {}, submit),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    error.hidden = true;
    submit.disabled = true;
    try {
      await api.signIn(token.value.trim());
      token.value = "";
      onsignedin();
    } catch (problem) {
      error.textContent = problem.status === 401 || problem.status === 403 ? "That is not the token." : [problem.message, problem.remedy].filter(Boolean).join(" ");
      error.hidden = false;
      token.select();
    } finally {
      submit.disabled = false;
    }
  });
  return {
    element: el("section.page.is-centred", {}, form),
    show() {
      document.title = "Sign in – Rushes";
      token.focus();
    },
  };
}
