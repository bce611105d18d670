// One cell of the grid: picture, badges, name; scrubbing over the strip.

import { previewUrl } from "./api.js";
import { el, fill } from "./dom.js";
import { badgeClock, bytes, captured, splitName } from "./format.js";
import { icon } from "./icons.js";
import { numberOf } from "./time.js";

const KINDS = { still: "Still", video: "Video", audio: "Audio" };

/** An empty cell, to be shown rows in turn. */
export function newCell() {
  const image = el("img", { alt: "", decoding: "async", draggable: "false" });
  const parts = {
    image,
    glyph: el("span.cell-glyph"),
    strip: el("span.cell-strip", { hidden: true }),
    needle: el("span.cell-needle", { hidden: true }),
    marks: el("span.cell-marks"),
    time: el("span.cell-time"),
    stem: el("span.cell-stem"),
    tail: el("span.cell-tail"),
    meta: el("span.cell-meta"),
  };
  const picture = el("span.cell-picture", {}, parts.glyph, image, parts.strip, parts.needle, parts.marks, parts.time);
  const link = el(
    "a.cell-link",
    { tabindex: "-1", draggable: "false" },
    picture,
    el("span.cell-name", {}, parts.stem, parts.tail),
    parts.meta,
  );
  const element = el("div.cell", { role: "gridcell" }, link);
  const cell = { element, link, picture, ...parts, row: undefined, index: -1, strips: null };
  image.addEventListener("load", () => image.classList.add("is-loaded"));
  image.addEventListener("error", () => element.classList.add("without-picture"));
  picture.addEventListener("pointermove", (event) => scrub(cell, event));
  picture.addEventListener("pointerleave", () => rest(cell));
  return cell;
}

/** Shows a row in a cell; undefined is one that is still on its way. */
export function showRow(cell, row, address) {
  const same = cell.row === row && row !== undefined;
  if (same) return;
  const before = cell.row;
  cell.row = row;
  rest(cell);
  cell.element.classList.toggle("is-waiting", !row);
  if (!row) {
    clear(cell);
    return;
  }
  const [stem, tail] = splitName(row.name);
  cell.stem.textContent = stem;
  cell.tail.textContent = tail;
  cell.meta.textContent = metaText(row);
  cell.link.href = address;
  cell.link.setAttribute("aria-label", spoken(row));
  cell.link.title = row.name;
  showPicture(cell, row, before);
  const secs = numberOf(row.duration_secs);
  cell.time.textContent = secs === null ? "" : badgeClock(secs);
  cell.time.hidden = secs === null;
  fill(cell.marks, ...marksOf(row));
}

function clear(cell) {
  cell.link.removeAttribute("href");
  cell.link.removeAttribute("title");
  cell.link.setAttribute("aria-label", "Loading");
  for (const part of [cell.stem, cell.tail, cell.meta, cell.time]) part.textContent = "";
  cell.time.hidden = true;
  cell.marks.replaceChildren();
  cell.glyph.replaceChildren();
  cell.image.removeAttribute("src");
  cell.image.classList.remove("is-loaded");
  cell.element.classList.remove("without-picture", "is-away", "is-sound");
}

function showPicture(cell, row, before) {
  const sound = row.kind === "audio";
  const url = previewUrl(row, "poster") ?? (sound ? previewUrl(row, "waveform") : null);
  cell.element.classList.toggle("is-away", row.state !== "present");
  cell.element.classList.toggle("is-sound", sound && !previewUrl(row, "poster"));
  if (before && before.id === row.id && cell.image.getAttribute("src") === url) return;
  cell.element.classList.toggle("without-picture", !url);
  fill(cell.glyph, icon(row.error ? "warn" : row.kind));
  // Leaving the old picture until the new one is here would show a wrong one.
  cell.image.classList.remove("is-loaded");
  if (url) cell.image.src = url;
  else cell.image.removeAttribute("src");
}

function marksOf(row) {
  const marks = [];
  if (row.error) {
    marks.push(el("span.mark.is-error", { title: [row.error.what, row.error.why].filter(Boolean).join(": ") }, icon("warn"), "Error"));
  }
  if (row.state === "offline") marks.push(el("span.mark.is-away", { title: "Its disk is not there now" }, icon("offline"), "Offline"));
  if (row.state === "gone") marks.push(el("span.mark.is-away", { title: "No longer where it was" }, "Gone"));
  if (row.live) marks.push(el("span.mark", { title: "Live Photo" }, "LIVE"));
  if (row.hdr) marks.push(el("span.mark", { title: row.hdr }, "HDR"));
  if (row.copies > 1) marks.push(el("span.mark", { title: `${row.copies} copies` }, icon("copies"), String(row.copies)));
  return marks;
}

function metaText(row) {
  const size = row.width_px && row.height_px ? `${row.width_px}×${row.height_px}` : null;
  const parts = [row.captured ? captured(row.captured).slice(0, 10) : null, size ?? bytes(row.size_bytes), row.codec];
  return parts.filter(Boolean).join("  ");
}

function spoken(row) {
  const secs = numberOf(row.duration_secs);
  return [
    row.name,
    KINDS[row.kind] ?? row.kind,
    secs === null ? null : badgeClock(secs),
    row.captured ? captured(row.captured) : null,
    row.hdr ? `HDR ${row.hdr}` : null,
    row.live ? "Live Photo" : null,
    row.copies > 1 ? `${row.copies} copies` : null,
    row.state === "present" ? null : row.state,
    row.error ? `error: ${row.error.what}` : null,
  ]
    .filter(Boolean)
    .join(", ");
}

// The strip is one picture of equal tiles, row by row. It is loaded when the
// pointer first comes, and then only moved.
function scrub(cell, event) {
  const { row } = cell;
  const url = row && event.pointerType !== "touch" ? previewUrl(row, "strip") : null;
  if (!url) return;
  const box = cell.picture.getBoundingClientRect();
  cell.at = Math.max(0, Math.min(0.9999, (event.clientX - box.left) / box.width));
  if (cell.strips?.url !== url) {
    const image = new Image();
    cell.strips = { url, image, ready: false };
    const mine = cell.strips;
    image.addEventListener("load", () => {
      mine.ready = true;
      if (cell.strips === mine && cell.at !== null) showTile(cell);
    });
    image.src = url;
  } else if (cell.strips.ready) {
    showTile(cell);
  }
}

function showTile(cell) {
  const { strip_tiles: tiles, strip_columns: columns } = cell.row.preview;
  if (!(tiles > 0 && columns > 0)) return;
  const rows = Math.ceil(tiles / columns);
  const { image, url } = cell.strips;
  const aspect = image.naturalWidth / columns / (image.naturalHeight / rows);
  const [boxWidth, boxHeight] = [cell.picture.clientWidth, cell.picture.clientHeight];
  const filled = cell.picture.closest(".is-filled") !== null;
  const wide = aspect > boxWidth / boxHeight;
  const width = Math.round(wide === filled ? boxHeight * aspect : boxWidth);
  const height = Math.round(wide === filled ? boxHeight : boxWidth / aspect);
  const tile = Math.min(tiles - 1, Math.floor(cell.at * tiles));
  const { style } = cell.strip;
  style.width = `${width}px`;
  style.height = `${height}px`;
  style.left = `${Math.round((boxWidth - width) / 2)}px`;
  style.top = `${Math.round((boxHeight - height) / 2)}px`;
  style.backgroundImage = `url("${url}")`;
  style.backgroundSize = `${width * columns}px ${height * rows}px`;
  style.backgroundPosition = `${-width * (tile % columns)}px ${-height * Math.floor(tile / columns)}px`;
  cell.needle.style.transform = `translateX(${Math.round(cell.at * boxWidth)}px)`;
  cell.strip.hidden = false;
  cell.needle.hidden = false;
  const secs = numberOf(cell.row.duration_secs);
  if (secs !== null) cell.time.textContent = badgeClock(secs * cell.at);
}

function rest(cell) {
  cell.at = null;
  if (cell.strip.hidden && cell.strips === null) return;
  cell.strip.hidden = true;
  cell.needle.hidden = true;
  cell.strip.style.backgroundImage = "none";
  if (cell.strips && !cell.strips.ready) cell.strips.image.src = "";
  if (cell.strips && !cell.strips.ready) cell.strips = null;
  const secs = numberOf(cell.row?.duration_secs);
  if (secs !== null) cell.time.textContent = badgeClock(secs);
}
