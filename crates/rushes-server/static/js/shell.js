// What surrounds every view: navigation, search, activity, theme, and the
// banner while the server is away.

import { api } from "./api.js";
import { toastError } from "./announce.js";
import { connection } from "./connection.js";
import { el, fill } from "./dom.js";
import { plural } from "./format.js";
import { icon } from "./icons.js";
import { jobs } from "./jobstore.js";
import { listed, share } from "./progress.js";
import { showShortcuts } from "./shortcuts.js";

const PLACES = [
  ["/", "Library", "grid"],
  ["/roots", "Folders", "folder"],
  ["/upload", "Upload", "upload"],
  ["/jobs", "Jobs", "jobs"],
  ["/stats", "Totals", "stats"],
  ["/doctor", "System", "system"],
];

/** Builds the header; `session` decides whether there is a way to sign out. */
export function buildShell({ searchBar, session }) {
  const links = PLACES.map(([path, label, name]) => el("a.place", { href: path }, icon(name), el("span", {}, label)));
  const activity = el("a.activity", { href: "/jobs", hidden: true });
  const theme = el("button.plain", { type: "button", onclick: () => (window.rushesTheme.toggle(), drawTheme()) });
  const drawTheme = () => {
    const dark = window.rushesTheme.current() === "dark";
    const label = dark ? "Use the light theme" : "Use the dark theme";
    theme.setAttribute("aria-label", label);
    theme.title = label;
    fill(theme, icon(dark ? "sun" : "moon"));
  };
  drawTheme();
  window.rushesTheme.onSystemChange(drawTheme);
  const help = el("button.plain.help", { type: "button", "aria-label": "Keys", title: "Keys (?)", onclick: showShortcuts }, icon("help"));
  const leave = el("button.plain", { type: "button", "aria-label": "Sign out", title: "Sign out", hidden: !session.needs_token, onclick: signOut }, icon("out"));

  fill(
    document.getElementById("top"),
    el("a.brand", { href: "/", "aria-label": "Rushes, to the library" }, el("img", { src: "/static/favicon.svg", alt: "", width: "20", height: "20" }), el("span", {}, "Rushes")),
    el("nav.places", { "aria-label": "Views" }, ...links),
    searchBar.element,
    el("div.top-tools", {}, activity, theme, help, leave),
  );

  async function signOut() {
    try {
      await api.signOut();
      location.assign("/");
    } catch (error) {
      toastError(error);
    }
  }

  function drawActivity() {
    const active = jobs.active();
    activity.hidden = active.length === 0;
    if (!active.length) return;
    const away = !connection.reachable;
    // One that waits for another has no share of its own.
    const running = active.filter((job) => job.state === "running");
    const told = running.find((job) => share(job) !== null) ?? running[0] ?? active[0];
    const part = away ? null : share(told);
    const label = `${plural(active.length, "job")} ${running.length ? "running" : "queued"}${away ? " when last asked" : ""}`;
    const percent = part === null ? null : Math.floor(part * 100);
    activity.setAttribute("aria-label", percent === null ? label : `${label}, ${percent} %`);
    activity.title = active.map((job) => job.title).join("\n");
    let ring = activity.querySelector(".ring");
    if (!ring) {
      ring = el("span.ring");
      fill(activity, ring, el("span.activity-text"));
    }
    ring.classList.toggle("is-unknown", part === null && !away);
    ring.style.setProperty("--part", String(part ?? (away ? 0 : 0.25)));
    activity.querySelector(".activity-text").textContent = away ? "not known now" : percent === null ? (active.map(listed).find(Boolean) ?? active[0].title) : `${percent} %`;
  }
  jobs.addEventListener("change", drawActivity);
  connection.addEventListener("lost", drawActivity);
  connection.addEventListener("found", drawActivity);

  document.addEventListener("rushes:route", (event) => {
    for (const link of links) {
      const here = link.pathname === "/" ? event.detail.path === "/" : event.detail.path.startsWith(link.pathname);
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  });
}

/** Builds the banner that shows while the server cannot be reached. */
export function buildBanner() {
  const banner = document.getElementById("banner");
  const text = el("span", {});
  const box = el(
    "div.banner",
    { role: "alert" },
    icon("offline"),
    el("strong", {}, "Rushes cannot be reached."),
    text,
    el("button.small", { type: "button", onclick: () => connection.tryNow() }, "Try now"),
  );
  let ticking = null;
  const tick = () => {
    const secs = connection.nextTryAt === null ? 0 : Math.max(0, Math.ceil((connection.nextTryAt - Date.now()) / 1000));
    text.textContent = secs > 0 ? `Trying again in ${secs} s.` : "Trying…";
  };
  const show = () => {
    if (!box.isConnected) banner.append(box);
    clearInterval(ticking);
    ticking = setInterval(tick, 500);
    tick();
  };
  connection.addEventListener("lost", show);
  connection.addEventListener("waiting", tick);
  connection.addEventListener("trying", tick);
  connection.addEventListener("found", () => {
    clearInterval(ticking);
    box.remove();
  });
  if (!connection.reachable) show();
}
