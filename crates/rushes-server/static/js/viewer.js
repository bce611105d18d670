// A still: fitted to the stage, or closer up to its own pixels and beyond.

import { downloadUrl, mediaUrl, previewUrl, refusalOf } from "./api.js";
import { el, fill } from "./dom.js";
import { count, sentence } from "./format.js";
import { icon } from "./icons.js";
import { againButton, damageOf, errorBox, refused } from "./states.js";

// What browsers show by themselves; of anything else the preview is shown.
const SHOWN = new Set(["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp", "image/x-icon", "image/apng"]);
const CLOSEST = 16;

/** Whether browsers show this asset as a picture, moving ones too. */
export const isShown = (asset) => SHOWN.has(asset.mime ?? asset.probe?.container?.mime);

/** The viewer of a still: `{ element, key(event), destroy() }`. */
export function stillViewer(asset) {
  const image = el("img.still", { alt: asset.name, draggable: "false", decoding: "async" });
  const percent = el("output.zoom-percent", { "aria-label": "Zoom" });
  const button = (label, text, run, title = label) => el("button.plain", { type: "button", "aria-label": label, title, onclick: run }, text);
  const tools = el(
    "div.zoom-tools",
    { role: "group", "aria-label": "Zoom" },
    button("Further away", "−", () => zoomBy(1 / 1.5), "Further away (−)"),
    percent,
    button("Closer", "+", () => zoomBy(1.5), "Closer (+)"),
    button("Whole picture", "Fit", () => fit(), "Whole picture (Z)"),
    button("Pixel for pixel", "100 %", () => zoomTo(onePixel()), "Pixel for pixel (Z)"),
  );
  const note = el("p.stage-note", { hidden: true });
  const frame = el("div.still-frame", {}, image);
  const element = el("div.still-viewer", {}, frame, note, tools);

  // `scale` is CSS pixels per picture pixel; x and y move the centre.
  let scale = 1;
  let [x, y] = [0, 0];
  let fitted = true;
  let drag = null;

  const onePixel = () => 1 / (devicePixelRatio || 1);
  const size = () => [image.naturalWidth || asset.width_px || 1, image.naturalHeight || asset.height_px || 1];

  function fitScale() {
    const [width, height] = size();
    // A preview is small beside its original: it is shown as large as there is room.
    const most = tried === "poster" ? Infinity : Math.max(1, onePixel());
    return Math.min(frame.clientWidth / width, frame.clientHeight / height, most);
  }

  function draw() {
    const [width, height] = size();
    if (fitted) [scale, x, y] = [fitScale(), 0, 0];
    const limit = (part, room) => Math.max(-1, Math.min(1, part / Math.max(1e-6, room))) * room;
    x = limit(x, Math.max(0, (width * scale - frame.clientWidth) / 2));
    y = limit(y, Math.max(0, (height * scale - frame.clientHeight) / 2));
    image.style.width = `${width * scale}px`;
    image.style.height = `${height * scale}px`;
    image.style.transform = `translate(-50%, -50%) translate(${x}px, ${y}px)`;
    frame.classList.toggle("is-close", width * scale > frame.clientWidth + 1 || height * scale > frame.clientHeight + 1);
    frame.classList.toggle("is-pixels", tried === "original" && scale >= onePixel() * 3);
    percent.textContent = `${Math.round((scale / onePixel()) * 100)} %`;
  }

  function fit() {
    fitted = true;
    draw();
  }

  // The point under the pointer, or the centre, stays where it is.
  function zoomTo(next, atX = 0, atY = 0) {
    const least = Math.min(fitScale(), onePixel());
    const to = Math.max(least, Math.min(next, CLOSEST * onePixel()));
    x = atX - ((atX - x) * to) / scale;
    y = atY - ((atY - y) * to) / scale;
    scale = to;
    fitted = Math.abs(to - fitScale()) < 1e-6;
    draw();
  }

  const zoomBy = (factor, ...at) => zoomTo(scale * factor, ...at);
  const toggle = (...at) => (fitted ? zoomTo(Math.abs(fitScale() - onePixel()) < 1e-3 ? onePixel() * 2 : onePixel(), ...at) : fit());

  function pointOf(event) {
    const box = frame.getBoundingClientRect();
    return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  }

  frame.addEventListener("dblclick", (event) => toggle(...pointOf(event)));
  frame.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoomBy(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.002)), ...pointOf(event));
    },
    { passive: false },
  );
  frame.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || fitted) return;
    drag = { from: [event.clientX, event.clientY], at: [x, y] };
    frame.setPointerCapture(event.pointerId);
    frame.classList.add("is-dragged");
  });
  frame.addEventListener("pointermove", (event) => {
    if (!drag) return;
    x = drag.at[0] + event.clientX - drag.from[0];
    y = drag.at[1] + event.clientY - drag.from[1];
    draw();
  });
  const drop = () => {
    drag = null;
    frame.classList.remove("is-dragged");
  };
  frame.addEventListener("pointerup", drop);
  frame.addEventListener("pointercancel", drop);

  function trouble(error, again = false) {
    frame.replaceChildren(
      el(
        "div.trouble-text",
        {},
        errorBox(error, error.title ?? null),
        again && againButton(retry),
        asset.state === "present" && !again && el("a.button.primary", { href: downloadUrl(asset.id), download: true }, icon("download"), "Download the original"),
      ),
    );
    frame.classList.add("is-trouble");
    note.hidden = true;
    tools.hidden = true;
  }

  const format = asset.probe?.container?.name ?? asset.codec ?? "this format";
  const poster = previewUrl(asset, "poster");
  const direct = asset.state === "present" && isShown(asset);
  let tried = direct ? "original" : "poster";
  let refusal = null; // why the original cannot be had now

  function retry() {
    frame.replaceChildren(image);
    frame.classList.remove("is-trouble");
    note.hidden = true;
    tools.hidden = false;
    percent.hidden = false;
    tools.lastElementChild.hidden = false;
    tried = "original";
    refusal = null;
    image.removeAttribute("src");
    image.src = mediaUrl(asset.id);
  }

  function showPoster() {
    tried = "poster";
    // A share of the preview's own size would pass for one of the original's.
    percent.hidden = true;
    tools.lastElementChild.hidden = true;
    sayPreview();
    if (poster) image.src = poster;
    else trouble((asset.state === "present" && damageOf(asset)) || { what: asset.state === "present" ? `This browser cannot show ${format}` : "This file is not there now", why: "there is no preview of it", remedy: asset.state === "present" ? "Download the original and open it in a program that knows the format." : null });
  }

  // What is enlarged looks blurred: nobody should take that for the original.
  function sayPreview() {
    const px = Math.max(image.naturalWidth, image.naturalHeight);
    const size = asset.width_px && `${count(asset.width_px)} × ${count(asset.height_px)} px`;
    const known = [asset.probe?.container?.name ?? asset.codec, size].filter(Boolean).map((text) => `, ${text}`).join("");
    const why = {
      present: refusal ? `cannot be had now: ${refusal.message}` : damageOf(asset) ? "could not be read whole" : "is of a format that this browser cannot show",
      offline: "is on a disk that is offline",
    };
    fill(
      note,
      el("strong", {}, px > 0 ? `Preview, ${count(px)} px.` : "Preview."),
      ` The original${known}${known && ","} ${why[asset.state] ?? "is gone from where it was"}.`,
      refusal?.remedy && ` ${sentence(refusal.remedy)}`,
      refusal && againButton(retry),
    );
    note.hidden = false;
  }

  image.addEventListener("load", () => {
    image.classList.add("is-loaded");
    if (tried === "poster") sayPreview();
    draw();
  });
  image.addEventListener("error", async () => {
    if (!image.getAttribute("src")) return;
    if (tried === "original") refusal = await refusalOf(asset.id);
    if (!image.getAttribute("src")) return;
    if (tried === "original" && poster) showPoster();
    else if (refusal) trouble(refused(refusal), true);
    else trouble(damageOf(asset) ?? { what: "This picture could not be shown", why: "the browser could not decode it", remedy: "Download the original and open it in a program that knows the format." });
  });
  const observer = new ResizeObserver(() => draw());
  observer.observe(frame);

  return {
    element,
    attached() {
      draw();
      if (direct) image.src = mediaUrl(asset.id);
      else showPoster();
    },
    key(event) {
      if (event.key === "z" || event.key === "Z") toggle();
      else if (event.key === "+" || event.key === "=") zoomBy(1.5);
      else if (event.key === "-") zoomBy(1 / 1.5);
      else return false;
      return true;
    },
    destroy() {
      observer.disconnect();
      image.removeAttribute("src");
    },
  };
}
