// Building the page. Data only ever becomes text nodes and attribute values;
// nothing here, or anywhere else, parses HTML.

/**
 * An element: `el("button.primary", { type: "button", onclick }, "Add")`.
 * Functions become listeners, `true` an empty attribute; false, null and
 * undefined are left out. Children are elements, strings, or lists of both.
 */
export function el(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  append(element, children);
  return element;
}

function set(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (name.startsWith("on") && typeof value === "function") {
    element.addEventListener(name.slice(2), value);
  } else if (name === "class") {
    element.classList.add(...value.split(" ").filter(Boolean));
  } else if (name === "dataset") {
    Object.assign(element.dataset, value);
  } else if (name === "value" || name === "checked") {
    element[name] = value;
  } else {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** Adds children, leaving out null, undefined and false. */
export function append(element, children) {
  for (const child of children.flat(4)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** Puts these children in the place of all that were there. */
export function fill(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

/** Whether keys typed into this element are text, not commands. */
export function takesText(element) {
  if (!(element instanceof HTMLElement)) return false;
  if (element.isContentEditable || element.tagName === "TEXTAREA" || element.tagName === "SELECT") return true;
  return element.tagName === "INPUT" && !["checkbox", "radio", "button"].includes(element.type);
}

/** Whether the person asked for less motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Copies text; where the clipboard needs HTTPS, through a selection. */
export async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = el("textarea.hidden-text", { readonly: true, "aria-hidden": "true" });
  field.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  const before = document.activeElement;
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  before?.focus?.({ preventScroll: true });
  if (!copied) throw new Error("the browser did not allow it");
}

const memory = new Map();

/** A setting of this browser, a string; kept for the page where storage is denied. */
export function setting(name, fallback) {
  try {
    return localStorage.getItem(`rushes.${name}`) ?? memory.get(name) ?? fallback;
  } catch {
    return memory.get(name) ?? fallback;
  }
}

/** Keeps a setting of this browser. */
export function keep(name, value) {
  memory.set(name, String(value));
  try {
    localStorage.setItem(`rushes.${name}`, String(value));
  } catch {
    // kept in memory above
  }
}
