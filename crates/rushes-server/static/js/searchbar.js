// The search field: filters become chips as they are finished, and keys and
// values are suggested while they are typed.

import { say } from "./announce.js";
import { el, fill } from "./dom.js";
import { icon } from "./icons.js";
import { asFilter, join, parse, split } from "./query.js";
import { suggest } from "./suggest.js";

const WORD_PAUSE_MS = 220;
const FILTER_PAUSE_MS = 800;

export class SearchBar {
  #filters = [];
  #told = "";
  #timer = null;
  #options = [];
  #chosen = -1;

  /** `onsearch(text, { settled })`: settled when a filter or Enter ended it. */
  constructor(onsearch) {
    this.onsearch = onsearch;
    this.chips = el("div.chips", { role: "list", "aria-label": "Filters in the search" });
    this.input = el("input", {
      id: "search",
      type: "text",
      role: "combobox",
      "aria-label": "Search",
      "aria-expanded": "false",
      "aria-controls": "suggestions",
      "aria-autocomplete": "list",
      "aria-describedby": "search-error",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
      enterkeyhint: "search",
      placeholder: "Search names, or kind:video duration:>10 date:2024",
    });
    this.clear = el("button.plain.small", { type: "button", "aria-label": "Clear the search", hidden: true, onclick: () => this.#clearAll() }, icon("close"));
    this.list = el("div.suggestions", { id: "suggestions", role: "listbox", "aria-label": "Suggestions", hidden: true });
    const field = el("div.search-field", { onclick: (event) => event.target === field && this.input.focus() }, icon("search"), this.chips, this.input, this.clear, el("kbd.search-key", { "aria-hidden": "true" }, "/"));
    this.element = el("search.search", {}, field, this.list);
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("focus", () => this.#offer());
    this.input.addEventListener("blur", () => {
      this.#close();
      this.#settle();
    });
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const at = Number(event.target.closest("[role=option]")?.dataset.at);
      if (Number.isInteger(at)) this.#take(this.#options[at]);
    });
  }

  /** The text of the whole search. */
  get text() {
    return join(this.#filters, this.input.value);
  }

  /** Shows a search that came from elsewhere, as from the address. */
  set text(value) {
    if (value === this.#told && (value === this.text || document.activeElement === this.input)) return;
    clearTimeout(this.#timer);
    const { filters, words } = parse(value);
    this.#filters = filters;
    this.input.value = words;
    this.#told = value;
    this.#draw();
  }

  /** Marks the field as wrong; the element `search-error` of the view says why. */
  set wrong(wrong) {
    this.element.classList.toggle("is-wrong", wrong);
    if (wrong) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  #typed() {
    const { value } = this.input;
    const parts = split(value);
    const ended = /\s$/.test(value);
    const done = ended ? parts : parts.slice(0, -1);
    const found = done.map(asFilter).filter(Boolean);
    if (found.length) {
      const rest = parts.filter((part, at) => !(asFilter(part) && (ended || at < parts.length - 1)));
      this.#filters.push(...found);
      this.input.value = rest.join(" ");
      this.#draw();
      this.#tell(true);
    } else {
      const last = parts.at(-1) ?? "";
      this.#draw();
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell(false), last.includes(":") ? FILTER_PAUSE_MS : WORD_PAUSE_MS);
    }
    this.#offer();
  }

  // Everything that is a filter becomes a chip.
  #settle() {
    clearTimeout(this.#timer);
    const { filters, words } = parse(this.input.value);
    if (filters.length) {
      this.#filters.push(...filters);
      this.input.value = words;
      this.#draw();
    }
    this.#tell(true);
  }

  #tell(settled) {
    clearTimeout(this.#timer);
    const { text } = this;
    if (text === this.#told) return;
    this.#told = text;
    this.onsearch(text, { settled });
  }

  #clearAll() {
    this.#filters = [];
    this.input.value = "";
    this.#draw();
    this.#tell(true);
    this.input.focus();
  }

  #remove(filter) {
    const at = this.#filters.indexOf(filter);
    this.#filters.splice(at, 1);
    this.#draw();
    say(`Filter ${filter.raw} removed`);
    const chips = this.chips.querySelectorAll("button");
    (chips[Math.min(at, chips.length - 1)] ?? this.input).focus();
    this.#tell(true);
  }

  #draw() {
    const shown = this.#filters.filter(({ key }) => key !== "sort");
    fill(
      this.chips,
      ...shown.map((filter) =>
        el(
          "span.chip-item",
          { role: "listitem" },
          el(
            `button.chip${filter.negated ? ".is-negated" : ""}`,
            { type: "button", "aria-label": `Remove the filter ${filter.raw}`, title: "Remove", onclick: () => this.#remove(filter) },
            el("span.chip-key", {}, `${filter.negated ? "not " : ""}${filter.key}`),
            el("span.chip-value", {}, filter.value),
            icon("close"),
          ),
        ),
      ),
    );
    this.chips.hidden = shown.length === 0;
    this.clear.hidden = shown.length === 0 && this.input.value === "";
    this.element.classList.toggle("has-text", !this.clear.hidden);
  }

  #key(event) {
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) return void this.#offer(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#choose((this.#chosen + step + this.#options.length + (this.#chosen < 0 && step < 0 ? 1 : 0)) % this.#options.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (open && this.#chosen >= 0) return this.#take(this.#options[this.#chosen]);
      this.#close();
      this.#settle();
    } else if (event.key === "Tab" && open && this.#chosen >= 0) {
      event.preventDefault();
      this.#take(this.#options[this.#chosen]);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (open) this.#close();
      else if (this.input.value || this.#filters.length) this.#clearAll();
      else this.input.blur();
    } else if (event.key === "Backspace" && this.input.selectionStart === 0 && this.input.selectionEnd === 0) {
      const filter = this.#filters.findLast(({ key }) => key !== "sort");
      if (!filter) return;
      event.preventDefault();
      this.#filters.splice(this.#filters.indexOf(filter), 1);
      this.input.value = `${filter.raw} ${this.input.value}`.trim();
      this.input.setSelectionRange(filter.raw.length, filter.raw.length);
      this.#draw();
      this.#offer();
    }
  }

  async #offer(all = false) {
    const upToCaret = this.input.value.slice(0, this.input.selectionStart ?? undefined);
    const part = /\s$/.test(upToCaret) ? "" : (split(upToCaret).at(-1) ?? "");
    if (!part && !all) return this.#close();
    const options = await suggest(part);
    if (document.activeElement !== this.input) return;
    this.#options = options.map((option) => ({ ...option, part }));
    if (!options.length) return this.#close();
    fill(
      this.list,
      ...this.#options.map((option, at) =>
        el(
          "div.suggestion",
          { role: "option", id: `suggestion-${at}`, "aria-selected": "false", dataset: { at } },
          el("span.suggestion-text", {}, option.text),
          option.help && el("span.suggestion-help", {}, option.help),
        ),
      ),
    );
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.#choose(-1);
  }

  #choose(at) {
    this.#chosen = at;
    [...this.list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
    if (at >= 0) {
      this.input.setAttribute("aria-activedescendant", `suggestion-${at}`);
      this.list.children[at]?.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  #take(option) {
    const caret = this.input.selectionStart ?? this.input.value.length;
    const before = this.input.value.slice(0, caret).slice(0, -option.part.length || undefined);
    const after = this.input.value.slice(caret);
    const inserted = option.text + (option.whole ? " " : "");
    this.input.value = before + inserted + after.trimStart();
    this.input.setSelectionRange(before.length + inserted.length, before.length + inserted.length);
    this.#typed();
  }

  #close() {
    this.list.hidden = true;
    this.#chosen = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}
