// The grid: any number of results through a few rows of recycled cells.
// Rows lie absolutely on a canvas as tall as all of them.

import { newCell, showRow } from "./cell.js";
import { el } from "./dom.js";
import { Scroller } from "./scroll.js";

const GAP_PX = 10;
const CAPTION_PX = 40;
const SHAPE = 0.64; // height of a picture's box over its width
const OVERSCAN = 2; // rows kept above and below what is visible
const SETTLE_MS = 90;

export class Grid {
  #results = null;
  #rows = new Map(); // row number -> { element, cells }
  #spare = [];
  #columns = 1;
  #cellHeight = 200;
  #cellWidth = 200;
  #pad = 16;
  #current = 0;
  #settle = null;
  #width = 0;

  /** `addressOf(row)` is where a row leads; `onopen(row, index)` when it is opened. */
  constructor({ addressOf, onopen, onview, size = 220 }) {
    this.addressOf = addressOf;
    this.onopen = onopen;
    this.onview = onview;
    this.size = size;
    this.canvas = el("div.grid-canvas", { role: "presentation" });
    this.element = el("div.grid", { role: "grid", "aria-label": "Results", "aria-readonly": "true" }, this.canvas);
    this.scroller = new Scroller(this.element, this.canvas, (moved) => this.#moved(moved));
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("click", (event) => this.#click(event));
    this.element.addEventListener("focusin", (event) => {
      const index = Number(event.target.closest?.(".cell")?.dataset.index);
      if (Number.isInteger(index)) this.#setCurrent(index);
    });
    this.changed = () => this.update();
    new ResizeObserver(() => this.#resized()).observe(this.element);
  }

  /** The results that are shown. */
  get results() {
    return this.#results;
  }

  get total() {
    return this.#results?.total ?? 0;
  }

  /** Shows these results, from the top. */
  show(results) {
    if (this.#results === results) return;
    this.#results?.removeEventListener("change", this.changed);
    this.#results = results;
    results.addEventListener("change", this.changed);
    this.#current = 0;
    this.#layout();
    this.scroller.to(0);
  }

  /** How wide a cell is meant to be. */
  resize(size) {
    const anchor = this.#firstVisible();
    this.size = size;
    this.#layout();
    this.scroller.to(this.#topOf(anchor) - this.#pad);
  }

  /** Draws what has come in since. */
  update() {
    this.#layout();
    this.#draw();
  }

  /** Place and focus, to be restored later. */
  get memory() {
    return { top: this.scroller.position, current: this.#current };
  }

  /** Goes back to a place; with `index`, to where that one is visible, and focuses it. */
  restore({ top, current }, focus) {
    this.#layout();
    this.scroller.to(top);
    this.#setCurrent(Math.min(current, Math.max(0, this.total - 1)));
    this.reveal(this.#current);
    if (focus) this.focus(this.#current);
  }

  /** Moves the focus to a result, wherever it is. */
  focus(index) {
    if (this.total === 0) return;
    const target = Math.max(0, Math.min(index, this.total - 1));
    this.#setCurrent(target);
    this.reveal(target);
    this.#draw();
    this.#cellOf(target)?.link.focus({ preventScroll: true });
  }

  /** Scrolls just so far that a result is visible. */
  reveal(index) {
    const top = this.#topOf(index);
    const bottom = top + this.#cellHeight;
    const from = this.scroller.position;
    const height = this.element.clientHeight;
    if (top - this.#pad < from) this.scroller.to(top - this.#pad);
    else if (bottom + this.#pad > from + height) this.scroller.to(bottom + this.#pad - height);
  }

  #rowHeight() {
    return this.#cellHeight + GAP_PX;
  }

  #topOf(index) {
    return this.#pad + Math.floor(index / this.#columns) * this.#rowHeight();
  }

  #firstVisible() {
    return Math.max(0, Math.ceil((this.scroller.position - this.#pad) / this.#rowHeight()) * this.#columns);
  }

  #layout() {
    const width = this.element.clientWidth;
    if (width === 0) return;
    this.#width = width;
    this.#pad = width < 560 ? 8 : 16;
    const inner = width - 2 * this.#pad;
    const columns = Math.max(width < 560 ? 2 : 1, Math.floor((inner + GAP_PX) / (this.size + GAP_PX)));
    this.#cellWidth = Math.floor((inner - GAP_PX * (columns - 1)) / columns);
    this.#cellHeight = Math.round(this.#cellWidth * SHAPE) + CAPTION_PX;
    if (columns !== this.#columns) {
      for (const row of [...this.#rows.values(), ...this.#spare]) row.element.remove();
      this.#rows.clear();
      this.#spare = [];
      this.#columns = columns;
    }
    const { style } = this.element;
    style.setProperty("--columns", columns);
    style.setProperty("--pad", `${this.#pad}px`);
    style.setProperty("--picture-height", `${Math.round(this.#cellWidth * SHAPE)}px`);
    style.setProperty("--cell-height", `${this.#cellHeight}px`);
    const rows = Math.ceil((this.#results?.total ?? this.#placeholders()) / columns);
    this.element.setAttribute("aria-rowcount", this.#results?.total === null ? -1 : rows);
    this.element.setAttribute("aria-colcount", columns);
    this.element.setAttribute("aria-busy", String(this.#results?.total === null));
    this.scroller.height = rows * this.#rowHeight() - GAP_PX + 2 * this.#pad;
  }

  #placeholders() {
    return this.#columns * Math.max(2, Math.ceil(this.element.clientHeight / this.#rowHeight()));
  }

  #resized() {
    if (this.element.clientWidth === 0) return;
    if (this.element.clientWidth === this.#width) return this.#draw();
    const anchor = this.#firstVisible();
    this.#layout();
    this.scroller.to(this.scroller.position > this.#pad ? this.#topOf(anchor) - this.#pad : 0);
  }

  #moved(moved) {
    this.#draw(Math.abs(moved) > this.element.clientHeight / 2);
  }

  // While the view flies past, nothing is asked for until it settles.
  #draw(flying = false) {
    if (!this.#results || this.#width === 0) return;
    const known = this.#results.total !== null;
    const total = known ? this.#results.total : this.#placeholders();
    const from = this.scroller.position - this.#pad;
    const last = Math.ceil(total / this.#columns) - 1;
    const first = Math.max(0, Math.floor(from / this.#rowHeight()) - OVERSCAN);
    const end = Math.min(last, Math.floor((from + this.element.clientHeight) / this.#rowHeight()) + OVERSCAN);
    for (const [number, row] of this.#rows) {
      // The row with the focus stays, or the focus would be lost.
      const held = number <= last && row.element.contains(document.activeElement);
      if ((number < first || number > end) && !held) this.#release(number, row);
    }
    for (let number = first; number <= end; number += 1) if (!this.#rows.has(number)) this.#place(number);
    for (const [number, row] of this.#rows) this.#fillRow(number, row, total);
    const indexes = [first * this.#columns, Math.min(total, (end + 1) * this.#columns) - 1];
    clearTimeout(this.#settle);
    if (flying) this.#settle = setTimeout(() => this.#results?.want(...indexes), SETTLE_MS);
    else this.#results.want(...indexes);
    this.onview?.();
  }

  #release(number, row) {
    this.#rows.delete(number);
    row.element.hidden = true;
    for (const cell of row.cells) showRow(cell, undefined);
    this.#spare.push(row);
  }

  #place(number) {
    const row = this.#spare.pop() ?? this.#newRow();
    row.element.hidden = false;
    this.#rows.set(number, row);
    row.element.setAttribute("aria-rowindex", number + 1);
  }

  #newRow() {
    const cells = Array.from({ length: this.#columns }, newCell);
    cells.forEach((cell, column) => cell.element.setAttribute("aria-colindex", column + 1));
    const element = el("div.grid-row", { role: "row" }, ...cells.map((cell) => cell.element));
    this.canvas.append(element);
    return { element, cells };
  }

  #fillRow(number, row, total) {
    row.element.style.transform = `translateY(${this.scroller.place(this.#pad + number * this.#rowHeight())}px)`;
    row.cells.forEach((cell, column) => {
      const index = number * this.#columns + column;
      const outside = index >= total;
      cell.element.hidden = outside;
      cell.index = index;
      cell.element.dataset.index = index;
      const data = outside ? undefined : this.#results.get(index);
      showRow(cell, data, data ? this.addressOf(data) : null);
      cell.link.tabIndex = index === this.#current && !outside ? 0 : -1;
    });
  }

  #cellOf(index) {
    return this.#rows.get(Math.floor(index / this.#columns))?.cells[index % this.#columns];
  }

  #setCurrent(index) {
    const before = this.#cellOf(this.#current);
    if (before) before.link.tabIndex = -1;
    this.#current = index;
    const now = this.#cellOf(index);
    if (now) now.link.tabIndex = 0;
  }

  #click(event) {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const index = Number(event.target.closest?.(".cell")?.dataset.index);
    const row = Number.isInteger(index) ? this.#results?.get(index) : null;
    if (!row) return;
    event.preventDefault();
    this.#setCurrent(index);
    this.onopen(row, index);
  }

  key(event) {
    if (event.altKey || event.metaKey) return;
    const page = this.#columns * Math.max(1, Math.floor(this.element.clientHeight / this.#rowHeight()) - 1);
    const rowStart = this.#current - (this.#current % this.#columns);
    const target = {
      ArrowLeft: this.#current - 1,
      ArrowRight: this.#current + 1,
      ArrowUp: this.#current - this.#columns < 0 ? this.#current : this.#current - this.#columns,
      ArrowDown: this.#down(),
      PageUp: Math.max(this.#current % this.#columns, this.#current - page),
      PageDown: this.#current + page,
      Home: event.ctrlKey ? rowStart : 0,
      End: event.ctrlKey ? rowStart + this.#columns - 1 : this.total - 1,
    }[event.key];
    if (target === undefined || this.total === 0) return;
    event.preventDefault();
    this.focus(target);
  }

  #down() {
    const below = this.#current + this.#columns;
    const lastRow = Math.floor((this.total - 1) / this.#columns);
    return Math.floor(this.#current / this.#columns) < lastRow ? below : this.#current;
  }
}
