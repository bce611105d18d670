// Where the dashboard begins: the views, the routes, the keys for all of them.

import { api, onSignInNeeded } from "./api.js";
import { connection } from "./connection.js";
import { detailView } from "./detail.js";
import { doctorView } from "./doctor.js";
import { el, fill, takesText } from "./dom.js";
import { news } from "./events.js";
import { jobs } from "./jobstore.js";
import { jobsView } from "./jobs.js";
import { libraryView } from "./library.js";
import { rootsView } from "./roots.js";
import { again, go, href, otherwise, route, start } from "./router.js";
import { SearchBar } from "./searchbar.js";
import { buildBanner, buildShell } from "./shell.js";
import { showShortcuts } from "./shortcuts.js";
import { signInView } from "./signin.js";
import { emptyState, errorState } from "./states.js";
import { statsView } from "./stats.js";
import { uploadView } from "./upload.js";

const main = document.getElementById("main");

const searchBar = new SearchBar((text, { settled }) => {
  // Each finished search is a step that Back undoes; the letters in between are not.
  const typing = location.pathname === "/" && !settled;
  go(href("/", { q: text }), { replace: typing });
});

const library = libraryView({ searchBar });
route(/^\/$/, library);
route(/^\/asset\/(?<id>[^/]+)$/, detailView({ searchBar, library }));
route(/^\/roots\/?$/, rootsView());
route(/^\/jobs\/?$/, jobsView());
route(/^\/stats\/?$/, statsView());
route(/^\/doctor\/?$/, doctorView());
route(/^\/upload\/?$/, uploadView());
otherwise({
  element: el("section.page", {}, emptyState("search", "There is no such page", null, el("a.button.primary", { href: "/" }, "To the library"))),
  show: () => (document.title = "Not found – Rushes"),
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (takesText(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "/" && searchBar.element.isConnected) {
    event.preventDefault();
    searchBar.focus();
  } else if (event.key === "?") {
    event.preventDefault();
    showShortcuts();
  }
});

connection.addEventListener("found", () => (begun ? again() : begin()));
onSignInNeeded(() => askForToken());

let begun = false;
let asking = false;

function askForToken() {
  if (asking) return;
  asking = true;
  news.stop();
  document.getElementById("top").replaceChildren();
  const view = signInView({ onsignedin: () => location.reload() });
  fill(main, view.element);
  view.show();
}

async function begin() {
  let session;
  try {
    session = await api.session();
  } catch (error) {
    fill(main, errorState(error, begin));
    return; // where the server was away, "found" begins again
  }
  main.replaceChildren();
  if (session.needs_token && !session.signed_in) return askForToken();
  begun = true;
  buildShell({ searchBar, session });
  news.start();
  jobs.load();
  start();
}

buildBanner();
begin();
