// The icons: 16-unit line drawings, built as SVG nodes.

const NS = "http://www.w3.org/2000/svg";

const PATHS = {
  search: "M7 12.2A5.2 5.2 0 1 0 7 1.8a5.2 5.2 0 0 0 0 10.4ZM10.8 10.8 14.4 14.4",
  close: "M3.8 3.8l8.4 8.4M12.2 3.8l-8.4 8.4",
  back: "M9.8 3.2 5 8l4.8 4.8",
  next: "M6.2 3.2 11 8l-4.8 4.8",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1",
  moon: "M13.6 9.8A6 6 0 0 1 6.2 2.4a6 6 0 1 0 7.4 7.4Z",
  help: "M5.8 6A2.2 2.2 0 1 1 8 8.4v1.2M8 12.2v.1",
  folder: "M1.8 4.2v8.2h12.4V5.6H7.6L6.2 3.6H1.8Z",
  jobs: "M2.2 4h7M2.2 8h11.6M2.2 12h9",
  grid: "M2.2 2.2h4.6v4.6H2.2ZM9.2 2.2h4.6v4.6H9.2ZM2.2 9.2h4.6v4.6H2.2ZM9.2 9.2h4.6v4.6H9.2Z",
  stats: "M2.6 13.6V8.2M6.2 13.6V2.4M9.8 13.6V6M13.4 13.6V9.8",
  system: "M1.8 2.8h12.4v8H1.8ZM5.4 13.6h5.2",
  download: "M8 2v8M4.8 7 8 10.2 11.2 7M2.6 13.6h10.8",
  upload: "M8 10.4v-8M4.8 5.4 8 2.2 11.2 5.4M2.6 13.6h10.8",
  copy: "M5.4 5.4h8v8h-8ZM3 10.6h-.4v-8h8V3",
  offline: "M2 2l12 12M4.6 6.6A6 6 0 0 0 3 7.8M6.8 4.2A8.6 8.6 0 0 1 14.4 6.4M1.6 6.4a8 8 0 0 1 1.2-1M6 10.2a3 3 0 0 1 3.4-.4M8 13v.1",
  warn: "M8 2 14.6 13.4H1.4ZM8 6.4v3.2M8 11.4v.1",
  copies: "M5 5h8.6v8.6H5ZM2.4 11V2.4H11",
  still: "M1.8 2.8h12.4v10.4H1.8ZM1.8 10.6l3.4-3.2 3 2.8 2.4-2.2 3.6 3.2M11 5.8v.1",
  video: "M1.8 3.2h12.4v9.6H1.8ZM6.6 5.8v4.4L10.2 8Z",
  audio: "M2 6.6v2.8M5 4v8M8 2v12M11 4.8v6.4M14 6.6v2.8",
  play: "M5 3v10l8-5Z",
  pause: "M5 3v10M11 3v10",
  sound: "M2 6.2v3.6h2.6L8 12.8V3.2L4.6 6.2ZM10.4 5.8a3.2 3.2 0 0 1 0 4.4M12.2 4a5.6 5.6 0 0 1 0 8",
  muted: "M2 6.2v3.6h2.6L8 12.8V3.2L4.6 6.2ZM10.6 6.2l3.6 3.6M14.2 6.2l-3.6 3.6",
  larger: "M2.4 6V2.4H6M10 2.4h3.6V6M13.6 10v3.6H10M6 13.6H2.4V10",
  smaller: "M6 2.4V6H2.4M13.6 6H10V2.4M10 13.6V10h3.6M2.4 10H6v3.6",
  stepback: "M11.5 3.5v9L5.5 8ZM3.6 3.5v9",
  stepforward: "M4.5 3.5v9l6-4.5ZM12.4 3.5v9",
  zoom: "M7 12.2A5.2 5.2 0 1 0 7 1.8a5.2 5.2 0 0 0 0 10.4ZM10.8 10.8 14.4 14.4M7 4.8v4.4M4.8 7h4.4",
  check: "M2.8 8.6 6.2 12 13.2 4.4",
  retry: "M13.2 8a5.2 5.2 0 1 1-1.6-3.8M13.4 1.8v3.2h-3.2",
  plus: "M8 2.8v10.4M2.8 8h10.4",
  out: "M6.4 2.6H2.8v10.8h3.6M6.6 8h7M10.8 5 13.8 8l-3 3",
  calendar: "M2.2 3.4h11.6v10.2H2.2ZM2.2 6.6h11.6M5.2 1.8v2.8M10.8 1.8v2.8",
  fit: "M2.2 5.4V2.2h3.2M10.6 2.2h3.2v3.2M13.8 10.6v3.2h-3.2M5.4 13.8H2.2v-3.2",
  fillup: "M2.2 2.2h11.6v11.6H2.2ZM5 5l6 6M11 5l-6 6",
};

/** The icon of that name, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", PATHS[name] ?? PATHS.help);
  svg.append(path);
  return svg;
}
