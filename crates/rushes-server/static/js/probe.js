// The probe in readable form: picture, sound, time, place, camera, tags.

import { el } from "./dom.js";
import { bitRate, captured, count, offset, plural } from "./format.js";
import { exactClock, numberOf, rateText, rational } from "./time.js";

const BASES = { stated: "stated by the header", counted: "counted", estimated: "worked out" };
const CHANNELS = { 1: "mono", 2: "stereo" };

/** The groups of an asset's probe. */
export function probeGroups(asset, group, copyButton) {
  const { probe } = asset;
  if (!probe) return [];
  const streams = probe.streams ?? [];
  const pictures = streams.filter(({ kind, attached_picture: cover }) => (kind === "still" || kind === "video") && !cover);
  const sounds = streams.filter(({ kind }) => kind === "audio");
  const others = streams.filter(({ kind, attached_picture: cover }) => !["still", "video", "audio"].includes(kind) || cover);
  const number = (list, at, title) => (list.length > 1 ? `${title} ${at + 1} of ${list.length}` : title);
  return [
    agreementGroup(probe.agreement, group),
    ...pictures.map((stream, at) => group(number(pictures, at, "Picture"), pictureRows(stream, asset, at))),
    ...sounds.map((stream, at) => group(number(sounds, at, "Sound"), soundRows(stream))),
    group("Time", timeRows(probe, asset)),
    placeGroup(probe.gps, group, copyButton),
    group("Camera", cameraRows(probe.camera ?? {})),
    group("Container", [
      ["Format", probe.container?.name || probe.container?.format],
      ["Media type", probe.container?.mime],
      ["Bit rate", bitRate(probe.container?.bit_rate_bps)],
    ]),
    others.length > 0 && group("Other streams", others.map((stream) => [`${stream.index}`, otherText(stream)])),
    group("Description", descriptionRows(probe)),
    embeddedGroup(probe.tags, group),
  ];
}

function agreementGroup(agreement, group) {
  if (!agreement || agreement.agrees || !agreement.differences?.length) return null;
  return group("Does not agree", [], el("ul.differences", {}, ...agreement.differences.map((text) => el("li", {}, text))));
}

function pictureRows(stream, asset, at) {
  const upright = at === 0 && asset.width_px ? [asset.width_px, asset.height_px] : null;
  const stored = stream.width_px ? `${stream.width_px} × ${stream.height_px}` : null;
  const shown = upright ? `${upright[0]} × ${upright[1]}` : stored;
  const megapixels = stream.kind === "still" && stream.width_px ? `, ${((stream.width_px * stream.height_px) / 1e6).toFixed(1)} MP` : "";
  const turn = [stream.rotation_degrees ? `${stream.rotation_degrees}° clockwise` : null, stream.mirrored ? "mirrored" : null].filter(Boolean).join(", ");
  const color = stream.color ?? {};
  const rate = rational(stream.frame_rate_hz);
  return [
    ["Size", shown && `${shown}${megapixels}`],
    ["Stored as", stored !== shown ? stored : null],
    ["Turned", turn],
    ["Codec", codecText(stream)],
    ["Bit depth", stream.bit_depth && `${stream.bit_depth} bit`],
    ["Pixel format", stream.pixel_format],
    ["Frame rate", rate && rate.num > 0 && el("span", {}, rateText(stream.frame_rate_hz), rate.den > 1 && el("span.fact-hint", {}, `exactly ${stream.frame_rate_hz}`), stream.variable_rate && el("span.fact-hint", {}, "variable, this is the average"))],
    ["Frames", stream.frame_count && el("span", {}, count(stream.frame_count.frames), el("span.fact-hint", {}, BASES[stream.frame_count.basis] ?? ""))],
    ["Pixel shape", stream.sample_aspect && stream.sample_aspect !== "1" ? stream.sample_aspect.replace("/", ":") : null],
    ["Picture shape", stream.display_aspect?.replace("/", ":")],
    ["HDR", color.hdr],
    ["Colour", [color.primaries, color.transfer, color.matrix].filter(Boolean).join(" · "), "primaries · transfer · matrix"],
    ["Range", { tv: "limited", pc: "full" }[color.range] ?? color.range],
    ["ICC profile", color.icc_profile],
    ["Bit rate", bitRate(stream.bit_rate_bps)],
    ["Language", stream.language],
    ["Title", stream.title],
  ];
}

function codecText(stream) {
  const level = stream.level > 0 ? `level ${levelText(stream)}` : null;
  return [stream.codec, stream.profile, level].filter(Boolean).join(", ");
}

// H.264 counts 41 for level 4.1, HEVC 123 for level 4.1.
function levelText({ codec, level }) {
  if (codec === "h264") return (level / 10).toFixed(1);
  if (codec === "hevc") return (level / 30).toFixed(1);
  return String(level);
}

function soundRows(stream) {
  const layout = stream.channel_layout ?? CHANNELS[stream.channels];
  return [
    ["Codec", codecText(stream)],
    ["Channels", [stream.channels, layout].filter(Boolean).join(", ")],
    ["Sample rate", stream.sample_rate_hz && `${Number((stream.sample_rate_hz / 1000).toFixed(3))} kHz`],
    ["Bit depth", stream.bit_depth && `${stream.bit_depth} bit`],
    ["Sample format", stream.sample_format],
    ["Bit rate", bitRate(stream.bit_rate_bps)],
    ["Language", stream.language],
    ["Title", stream.title],
  ];
}

function timeRows(probe, asset) {
  const secs = numberOf(probe.duration_secs);
  const { created } = probe;
  return [
    ["Duration", secs !== null && el("span", {}, exactClock(secs), probe.duration_secs.includes("/") && el("span.fact-hint", {}, `exactly ${probe.duration_secs} s`))],
    ["Timecode", probe.timecode],
    // Where the catalogue took its time from this, it stands with the file.
    ["Made", created && created.at !== asset.captured && `${captured(created.at, true)} ${offset(created.at) ?? ""}`.trim()],
    ["By", created && created.at !== asset.captured && `${created.source}, confidence ${created.confidence}`],
  ];
}

function placeGroup(gps, group, copyButton) {
  if (!gps) return null;
  const { latitude_degrees: latitude, longitude_degrees: longitude, altitude_m: altitude } = gps;
  const decimal = `${latitude.toFixed(6)}, ${longitude.toFixed(6)}`;
  return group("Place", [
    ["Position", `${sexagesimal(latitude, "N", "S")}, ${sexagesimal(longitude, "E", "W")}`],
    ["Decimal", el("span.hash", {}, decimal, copyButton(decimal, "the position"))],
    ["Height", Number.isFinite(altitude) ? `${Math.round(altitude)} m` : null],
  ]);
}

function sexagesimal(degrees, positive, negative) {
  const tenths = Math.round(Math.abs(degrees) * 36000);
  const two = (value) => String(value).padStart(2, "0");
  const secs = (tenths % 600) / 10;
  return `${Math.floor(tenths / 36000)}°${two(Math.floor(tenths / 600) % 60)}′${secs.toFixed(1).padStart(4, "0")}″ ${degrees < 0 ? negative : positive}`;
}

function cameraRows(camera) {
  return [
    ["Make", camera.make],
    ["Model", camera.model],
    ["Lens", camera.lens],
    ["Software", camera.software],
  ];
}

function otherText(stream) {
  const kind = stream.attached_picture ? "cover picture" : stream.kind;
  return [kind, stream.codec, stream.language, stream.title].filter(Boolean).join(", ");
}

function descriptionRows(probe) {
  const rating = probe.rating === -1 ? "rejected" : probe.rating > 0 ? `${"★".repeat(probe.rating)} (${plural(probe.rating, "star")})` : null;
  return [
    ["Title", probe.title],
    ["Text", probe.description],
    ["Keywords", probe.keywords?.join(", ")],
    ["Rating", rating],
    ["Content id", probe.content_identifier],
  ];
}

function embeddedGroup(tags, group) {
  const entries = Object.entries(tags ?? {});
  if (!entries.length) return null;
  const made = group(`Embedded tags, ${entries.length}`, entries.map(([name, value]) => [name, el("span.path", {}, value)]));
  made.open = entries.length <= 8;
  return made;
}
