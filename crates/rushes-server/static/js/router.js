// Views by address, through the history API.

const routes = [];
let current = null;
let missing = null;

/** A view at a path: `route(/^\/roots$/, view)`; groups become `params`. */
export const route = (pattern, view) => routes.push({ pattern, view });

/** The view for every other path. */
export const otherwise = (view) => (missing = view);

/** The text of the search in the address. */
export const queryOf = (url = location.href) => new URL(url, location.origin).searchParams.get("q") ?? "";

/** An address with its search text. */
export function href(path, { q, ...more } = {}) {
  const params = new URLSearchParams();
  if (q) params.set("q", q);
  for (const [name, value] of Object.entries(more)) {
    if (value !== undefined && value !== null && value !== "") params.set(name, value);
  }
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

export const assetHref = (id, q) => href(`/asset/${encodeURIComponent(id)}`, { q });

/** Goes to an address. */
export function go(url, { replace = false, state = null } = {}) {
  const before = location.pathname + location.search;
  if (replace || url === before) history.replaceState(state, "", url);
  else history.pushState({ ...state, from: before }, "", url);
  render("go");
}

/** Back to where this page came from, or to `fallback` when it came from elsewhere. */
export function back(fallback) {
  if (history.state?.from?.split("?")[0] === new URL(fallback, location.origin).pathname) history.back();
  else go(fallback);
}

/** Shows what the address says; `reason` is "load", "go" or "pop". */
export function render(reason) {
  const found = routes.find(({ pattern }) => pattern.test(location.pathname));
  const view = found?.view ?? missing;
  const params = found?.pattern.exec(location.pathname)?.groups ?? {};
  const decoded = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decode(value)]));
  const same = view === current;
  if (!same) current?.hide?.();
  current = view;
  const main = document.getElementById("main");
  if (!same) {
    for (const child of main.children) child.hidden = child !== view.element;
    if (view.element.parentNode !== main) main.append(view.element);
    view.element.hidden = false;
  }
  document.dispatchEvent(new CustomEvent("rushes:route", { detail: { path: location.pathname, reason } }));
  view.show({ params: decoded, q: queryOf(), search: new URL(location.href).searchParams, reason, same });
}

function decode(text) {
  try {
    return decodeURIComponent(text ?? "");
  } catch {
    return text;
  }
}

/** Shows the current view again, as after the server came back. */
export const again = () => current && render("again");

export function start() {
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => render("pop"));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (/^\/(api|static|openapi\.json|health)/.test(link.pathname) || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  render("load");
}
