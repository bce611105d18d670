// Video and sound, under one bar of controls: what everybody expects of a
// player, and what an editor does: shuttle, exact frame steps, timecode.

import { downloadUrl, mediaUrl, previewUrl, refusalOf } from "./api.js";
import { el, fill } from "./dom.js";
import { clock, count } from "./format.js";
import { icon } from "./icons.js";
import { Shuttle } from "./shuttle.js";
import { seekBar, volume } from "./sliders.js";
import { againButton, damageOf, errorBox, refused } from "./states.js";
import { exactClock, frameAt, fromTimecode, numberOf, rateText, rational, timecode, timeOf } from "./time.js";

/** The player of an asset: `{ element, key(event), keyUp(event), destroy() }`. */
export function player(asset) {
  const video = asset.kind === "video";
  const stream = asset.probe?.streams?.find((item) => item.kind === "video" && !item.attached_picture);
  const rate = video ? (rational(asset.frame_rate_hz ?? stream?.frame_rate_hz) ?? null) : null;
  const exact = rate !== null && rate.num > 0 ? rate : null;
  const start = exact ? fromTimecode(asset.probe?.timecode, exact) : null;
  const length = numberOf(asset.duration_secs) ?? numberOf(stream?.duration_secs);
  const stated = stream?.frame_count?.frames ?? null;

  const media = el(video ? "video" : "audio", {
    preload: "metadata",
    playsinline: true,
    poster: video ? previewUrl(asset, "poster") : null,
    "aria-label": asset.name,
  });
  const picture = video ? null : soundPicture(asset, media, seek);
  const screen = el("div.screen", { class: video ? "" : "is-sound" }, picture, media);
  const trouble = el("div.screen-trouble", { hidden: true });

  const timeText = el("span.readout-now", { title: "Time" });
  const lengthText = el("span.readout-length", { title: "Length" });
  const codeText = el("span.readout-code", { title: start ? "Timecode of the file" : "Timecode from zero" });
  const frameText = el("span.readout-frame", { title: "Frame, from 0" });
  const speedText = el("span.readout-speed", { "aria-live": "polite" });
  const play = el("button.plain", { type: "button", onclick: () => shuttle.toggle() });
  const position = seekBar(media, { length, seek });
  const loudness = asset.has_audio === false ? null : volume(media);
  const whole = video && el("button.plain.whole", { type: "button", onclick: () => fullScreen() });
  const stepButton = (by, label, name, key) =>
    el("button.plain", { type: "button", "aria-label": label, title: `${label} (${key})`, onclick: () => step(by) }, icon(name));
  const transport = el(
    "div.transport",
    { role: "group", "aria-label": "Playback" },
    position.element,
    exact && stepButton(-1, "One frame back", "stepback", ","),
    play,
    exact && stepButton(1, "One frame on", "stepforward", "."),
    el("span.readout-main", {}, timeText, lengthText),
    exact && codeText,
    exact && frameText,
    speedText,
    el("span.transport-gap"),
    exact && el("span.readout-rate", { title: "Frames a second, exact" }, stream?.variable_rate ? `≈ ${rateText(asset.frame_rate_hz)}, variable` : `${rateText(`${exact.num}/${exact.den}`)}${exact.den > 1 ? ` (${exact.num}/${exact.den})` : ""}`),
    loudness?.mute,
    loudness?.range,
    whole,
  );
  const element = el("div.player", {}, screen, trouble, transport);

  let frame = 0;
  let target = null; // the frame that a step is on its way to
  let painting = 0;
  let watching = null;
  let held = false; // K is down

  const shuttle = new Shuttle(media, (speed) => {
    speedText.textContent = speed === 0 || speed === 1 ? "" : `${speed}×`;
    drawPlay();
  });

  function drawPlay() {
    const moving = shuttle.speed !== 0;
    play.setAttribute("aria-label", moving ? "Pause" : "Play");
    play.title = moving ? "Pause (K)" : "Play (L)";
    fill(play, icon(moving ? "pause" : "play"));
  }

  function lastFrame() {
    if (stated) return stated - 1;
    const secs = Number.isFinite(media.duration) ? media.duration : length;
    return secs && exact ? Math.max(0, Math.ceil(secs * exact.value - 1e-6) - 1) : Number.MAX_SAFE_INTEGER;
  }

  function step(by) {
    if (!exact) return;
    shuttle.stop();
    const to = Math.max(0, Math.min((target ?? frame) + by, lastFrame()));
    target = to;
    media.currentTime = timeOf(to, exact);
    show(to);
  }

  function seek(secs) {
    if (!Number.isFinite(secs)) return; // the length is not known yet
    target = null;
    // Going somewhere ends going backwards, which is a chain of seeks itself.
    if (shuttle.speed < 0) shuttle.stop();
    const end = Number.isFinite(media.duration) ? media.duration : Infinity;
    media.currentTime = Math.max(0, Math.min(secs, end));
  }

  function show(number) {
    frame = number;
    if (!exact) return;
    frameText.textContent = `frame ${count(number)}${stated ? ` of ${count(stated)}` : ""}`;
    frameText.dataset.frame = number;
    const first = start ?? { frames: 0, drop: false };
    codeText.textContent = timecode(first.frames + number, exact, first.drop);
  }

  function paint() {
    timeText.textContent = exactClock(media.currentTime);
    lengthText.textContent = Number.isFinite(media.duration) ? `/ ${clock(media.duration)}` : length ? `/ ${clock(length)}` : "";
    position.draw(clock(media.currentTime));
    picture?.style.setProperty("--part", String(media.duration > 0 ? media.currentTime / media.duration : 0));
    if (target === null && !watching && exact) show(Math.min(frameAt(media.currentTime, exact), lastFrame()));
  }

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (element.requestFullscreen) element.requestFullscreen().catch(() => {});
    else media.webkitEnterFullscreen?.(); // phones of Apple know it for videos only
  }

  function drawWhole() {
    if (!whole) return;
    const on = document.fullscreenElement !== null;
    const label = on ? "Leave full screen" : "Full screen";
    whole.setAttribute("aria-label", label);
    whole.title = `${label} (F)`;
    fill(whole, icon(on ? "smaller" : "larger"));
  }

  function loop() {
    paint();
    painting = media.paused && shuttle.speed === 0 ? 0 : requestAnimationFrame(loop);
  }

  // The browser says which frame it really shows, where it can.
  function watch() {
    if (!video || !exact || !media.requestVideoFrameCallback) return;
    const shown = (_now, { mediaTime }) => {
      if (target === null || frameAt(mediaTime, exact) === target) {
        target = null;
        show(Math.min(frameAt(mediaTime, exact), lastFrame()));
      }
      watching = media.requestVideoFrameCallback(shown);
    };
    watching = media.requestVideoFrameCallback(shown);
  }

  // The browser says the same of a file that it cannot have and of one that it cannot play.
  async function failed() {
    const code = media.error?.code ?? 0;
    if (code === MediaError.MEDIA_ERR_ABORTED || !media.getAttribute("src")) return;
    const refusal = await refusalOf(asset.id);
    if (!media.getAttribute("src")) return;
    if (refusal) explain(refused(refusal), { again: true });
    else if (code === MediaError.MEDIA_ERR_NETWORK) {
      explain({ what: "The file broke off while it was loaded", why: "the server or its disk stopped answering for a while" }, { again: true });
    } else explain(damageOf(asset) ?? (code === MediaError.MEDIA_ERR_DECODE ? unreadable() : unknownFormat()), { offer: true });
  }

  // It had begun, so the format is known.
  function unreadable() {
    return {
      what: "This browser could not decode all of it",
      why: "it came upon bytes that it makes nothing of",
      remedy: "Download the original and open it in another player; if that stops there too, the file is damaged.",
    };
  }

  function again() {
    trouble.hidden = true;
    element.classList.remove("is-unplayable");
    screen.hidden = false;
    transport.hidden = false;
    media.src = mediaUrl(asset.id);
    media.load();
  }

  // Of what could be decoded for a still of it, the browser lacks the format;
  // of anything else it is not known who is to blame.
  function unknownFormat() {
    const format = [asset.codec, asset.probe?.container?.name ?? asset.probe?.container?.format].filter(Boolean).join(" in ");
    const remedy = "Download the original and open it in a player that knows the format.";
    return previewUrl(asset, "poster") || previewUrl(asset, "waveform")
      ? { what: `This browser cannot play ${format || "this format"}`, why: "the format is not one of its own", remedy }
      : { what: `This browser could not play ${format || "this file"}`, why: "either the format is not one of its own, or the file is damaged", remedy };
  }

  /** In place of the picture; with a way to try `again`, or with the `offer` to download it. */
  function explain(error, { offer = false, again: retry = false } = {}) {
    shuttle.stop();
    trouble.hidden = false;
    const poster = previewUrl(asset, "poster");
    element.classList.add("is-unplayable");
    screen.hidden = true;
    transport.hidden = true;
    fill(
      trouble,
      poster && el("img.trouble-poster", { src: poster, alt: `Still of ${asset.name}` }),
      el(
        "div.trouble-text",
        {},
        errorBox(error, error.title ?? null),
        retry && againButton(again),
        offer && el("a.button.primary", { href: downloadUrl(asset.id), download: true }, icon("download"), "Download the original"),
      ),
    );
  }

  media.addEventListener("error", failed);
  // The readout names the first frame: once that is there, it is what is seen.
  // Browsers would keep the poster, another frame, until someone plays or seeks.
  media.addEventListener("loadeddata", () => media.removeAttribute("poster"));
  media.addEventListener("loadedmetadata", () => {
    paint();
    if (video && media.videoWidth === 0) {
      explain(damageOf(asset) ?? { what: `This browser cannot show the picture of ${asset.codec ?? "this format"}`, why: "it only knows the sound in this file", remedy: "Download the original and open it in a player that knows the format." }, { offer: true });
    }
  });
  media.addEventListener("timeupdate", paint);
  media.addEventListener("seeked", () => {
    // A frame callback may not come for a frame that is on screen already.
    if (target !== null && frameAt(media.currentTime, exact) === target) target = null;
    paint();
  });
  media.addEventListener("play", () => {
    target = null;
    painting ||= requestAnimationFrame(loop);
  });
  media.addEventListener("durationchange", paint);
  if (video) {
    media.addEventListener("click", () => shuttle.toggle());
    media.addEventListener("dblclick", fullScreen);
    document.addEventListener("fullscreenchange", drawWhole);
  }
  drawPlay();
  drawWhole();
  show(0);
  paint();
  if (asset.state === "present") {
    media.src = mediaUrl(asset.id);
    watch();
  } else {
    explain({ what: "This file is not there now", why: asset.state === "offline" ? "its disk is offline" : "it is gone from where it was", remedy: asset.state === "offline" ? "Connect the disk and scan its folder." : null });
  }

  function key(event) {
    if (element.classList.contains("is-unplayable")) return false;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const jump = event.shiftKey ? 1 : 5;
    const actions = {
      " ": () => shuttle.toggle(),
      k: () => {
        held = true;
        if (!event.repeat) shuttle.speed === 0 ? shuttle.forwards() : shuttle.stop();
      },
      l: () => (held ? step(1) : event.repeat || shuttle.forwards()),
      j: () => (held ? step(-1) : event.repeat || shuttle.backwards()),
      ",": () => step(-1),
      ".": () => step(1),
      ArrowLeft: () => seek(media.currentTime - jump),
      ArrowRight: () => seek(media.currentTime + jump),
      Home: () => seek(0),
      End: () => seek(media.duration),
      m: () => loudness?.toggle(),
      f: fullScreen,
    };
    if (!Object.hasOwn(actions, name)) return false;
    actions[name]();
    return true;
  }

  return {
    element,
    key,
    keyUp(event) {
      if (event.key.toLowerCase() === "k") held = false;
    },
    destroy() {
      document.removeEventListener("fullscreenchange", drawWhole);
      cancelAnimationFrame(painting);
      if (watching !== null) media.cancelVideoFrameCallback?.(watching);
      shuttle.stop();
      media.removeAttribute("src");
      media.load(); // lets go of the connection at once
    },
  };
}

function soundPicture(asset, media, seek) {
  const url = previewUrl(asset, "waveform");
  const cover = previewUrl(asset, "poster");
  const box = el("div.sound-picture", {}, cover && el("img.sound-cover", { src: cover, alt: "Cover" }));
  if (!url) return el("div.sound-picture", {}, cover ? box.firstChild : el("span.sound-glyph", {}, icon("audio")));
  const wave = el("div.wave", {}, el("img", { src: url, alt: "Waveform", draggable: "false" }), el("span.wave-needle"));
  wave.addEventListener("pointerdown", (event) => {
    if (!(media.duration > 0)) return;
    const area = wave.getBoundingClientRect();
    seek(Math.max(0, Math.min(1, (event.clientX - area.left) / area.width)) * media.duration);
  });
  box.append(wave);
  return box;
}
