// The list of keys.

import { panel } from "./dialog.js";
import { el } from "./dom.js";

const GROUPS = [
  ["Everywhere", [["/", "Search"], ["?", "These keys"], ["Esc", "Back, or close"]]],
  [
    "Library",
    [["← → ↑ ↓", "Move"], ["Page Up, Page Down", "A page"], ["Home, End", "First, last"], ["Enter", "Open"]],
  ],
  [
    "Asset",
    [["↑ ↓", "Previous, next result"], ["← →", "The same for stills"], ["I", "Show or hide the facts"], ["F", "Full screen"]],
  ],
  [
    "Player",
    [
      ["Space, K", "Play, pause"],
      ["J, L", "Backwards, forwards; again: faster"],
      ["K held with J, L", "One frame back, on"],
      [", and .", "One frame back, on"],
      ["← →", "5 s back, on; with Shift 1 s"],
      ["Home, End", "Start, end"],
      ["M", "Sound off, on"],
    ],
  ],
  ["Still", [["Z", "Whole picture, or 100 %"], ["+ and −", "Closer, further"]]],
];

/** Opens the list of keys. */
export function showShortcuts() {
  panel(
    "Keys",
    el(
      "div.keys",
      {},
      ...GROUPS.map(([title, keys]) =>
        el(
          "section",
          {},
          el("h3", {}, title),
          el("dl", {}, ...keys.map(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])),
        ),
      ),
    ),
  );
}
