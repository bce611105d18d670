// Everything known about an asset, in readable form.

import { el } from "./dom.js";
import { bytes, captured, moment, offset, plural, words } from "./format.js";
import { icon } from "./icons.js";
import { only } from "./query.js";
import { assetHref, href } from "./router.js";
import { errorBox } from "./states.js";
import { probeGroups } from "./probe.js";
import { tree } from "./tree.js";

const STATES = { present: "Present", offline: "Offline", gone: "Gone" };
const TONES = { present: "is-good", offline: "is-away", gone: "is-bad" };

/** A group that can be folded: a title and rows of name and value; null when nothing is in it. */
export function group(title, rows, ...more) {
  const shown = rows.filter((row) => row && row[1] !== null && row[1] !== undefined && row[1] !== "" && row[1] !== false);
  const extra = more.filter(Boolean);
  if (!shown.length && !extra.length) return null;
  return el(
    "details.group",
    { open: true },
    el("summary", {}, title),
    shown.length > 0 && el("dl.fact-list", {}, ...shown.map(([name, value, hint]) => el("div", { title: hint }, el("dt", {}, name), el("dd", {}, value)))),
    ...extra,
  );
}

/** The groups of an asset. `oncopy(text, what)` copies. */
export function facts(asset, { query, oncopy }) {
  const copyButton = (text, what) =>
    el("button.plain.small", { type: "button", "aria-label": `Copy ${what}`, title: `Copy ${what}`, onclick: () => oncopy(text, words(what)) }, icon("copy"));
  const link = (key, value) => value && el("a", { href: href("/", { q: only(key, value) }) }, value);
  return [
    errorBox(asset.error),
    errorBox(asset.preview_error, "No preview of this file could be made"),
    group("File", [
      ["Name", el("span.path", {}, asset.name)],
      ["Size", bytes(asset.size_bytes), `${asset.size_bytes} bytes`],
      ["Captured", capturedText(asset)],
      ["Modified", moment(asset.modified)],
      ["Added", moment(asset.added)],
      ["Folder", link("root", asset.root)],
      ["Batch", link("batch", asset.batch)],
      ["Live Photo", asset.live_photo_partner ? el("a", { href: assetHref(asset.live_photo_partner, query) }, `its ${asset.kind === "video" ? "still" : "video"}`) : asset.live ? "yes" : null],
    ]),
    ...probeGroups(asset, group, copyButton),
    tagGroup(asset),
    group(`Places${asset.places?.length > 1 ? `, ${asset.places.length}` : ""}`, [], asset.places?.length > 0 && el("ul.places-list", {}, ...asset.places.map((place) => placeItem(place, copyButton)))),
    group("Identity", hashRows(asset, copyButton)),
    asset.sidecars?.length > 0 && group("Sidecars", asset.sidecars.map((sidecar) => [sidecar.kind, el("span.path", {}, sidecar.path)])),
    asset.events?.length > 0 &&
      group("History", [], el("ol.history", {}, ...asset.events.slice(0, 200).map((event) => el("li", {}, el("time.number", { datetime: event.at }, moment(event.at)), el("strong", {}, words(event.kind)), event.detail && (typeof event.detail === "object" ? tree(event.detail) : el("span.path", {}, event.detail)))))),
    rawGroup(asset, copyButton),
  ].filter(Boolean);
}

function capturedText(asset) {
  if (!asset.captured) return null;
  const created = asset.probe?.created;
  const zone = offset(asset.captured);
  const hint = created && `${created.source}, confidence ${created.confidence}`;
  return el("span", {}, captured(asset.captured, true), zone && ` ${zone}`, hint && el("span.fact-hint", {}, hint));
}

function tagGroup(asset) {
  const tags = asset.tags ?? [];
  if (!tags.length) return null;
  return group("Tags", [], el("div.tags", {}, ...tags.map((tag) => el("a.chip", { href: href("/", { q: only("tag", tag) }) }, tag))));
}

function placeItem(place, copyButton) {
  return el(
    "li",
    {},
    el("div.place-head", {}, el(`span.tag.${TONES[place.state] ?? "is-plain"}`, {}, STATES[place.state] ?? place.state), el("strong", {}, place.root), copyButton(place.path, "the path")),
    el("p.path", {}, place.path),
    el("p.muted.small-text", {}, `${bytes(place.size_bytes)}, modified ${moment(place.modified)}, first seen ${moment(place.first_seen).slice(0, 10)}, last seen ${moment(place.last_seen)}`),
  );
}

function hashRows(asset, copyButton) {
  const row = (name, value) => value && [name, el("span.hash", {}, el("code", {}, value), copyButton(value, name))];
  return [
    row("BLAKE3", asset.blake3) ?? ["BLAKE3", el("span.muted", {}, "not yet known")],
    row("XXH3-128", asset.xxh3_128),
    row("Fingerprint", asset.fingerprint),
    ["Asset", el("span.hash", {}, el("code", {}, String(asset.id)), copyButton(String(asset.id), "the asset's number"))],
  ];
}

function rawGroup(asset, copyButton) {
  if (!asset.probe) return null;
  const text = JSON.stringify(asset.probe, null, 2);
  const streams = asset.probe.streams?.length ?? 0;
  const body = el("div.raw-body");
  const details = el("details.group.raw", {}, el("summary", {}, "Raw probe"), body);
  // A probe may be long: its text is laid out when someone looks.
  details.addEventListener("toggle", () => {
    if (!details.open || body.hasChildNodes()) return;
    body.append(
      el("div.raw-head", {}, el("span.muted", {}, plural(streams, "stream")), copyButton(text, "the probe")),
      el("pre", { tabindex: "0" }, el("code", {}, text)),
    );
  });
  return details;
}
