// Sends files with the tus protocol (1.0.0): in parts, one file at a time, and
// on from where the server has it after a reload or a loss of network.

import { ApiError } from "./api.js";
import { connection } from "./connection.js";
import { keep, setting } from "./dom.js";

const UPLOADS = "/api/v1/uploads";
const PART_BYTES = 32 * 1024 * 1024;
const WAITS_SECS = [1, 2, 5, 10, 30];
const MEMORY = "uploads";
const MOST_REMEMBERED = 500;

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** What a file is known by when it is picked again. */
const keyOf = (file, batch) => JSON.stringify([file.name, file.size, file.lastModified, batch]);

function remembered() {
  try {
    const found = JSON.parse(setting(MEMORY, "[]"));
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

function remember(key, address) {
  const others = remembered().filter((entry) => entry[0] !== key);
  const all = address ? [...others, [key, address]] : others;
  keep(MEMORY, JSON.stringify(all.slice(-MOST_REMEMBERED)));
}

/** One request; fails with an `ApiError`, of status 0 where the server could not be reached. */
function ask(method, address, { headers = {}, body = null, onprogress, signal } = {}) {
  return new Promise((resolve, reject) => {
    // Unlike fetch, it tells how much of a body has gone.
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("Tus-Resumable", "1.0.0");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (onprogress) request.upload.addEventListener("progress", (event) => onprogress(event.loaded));
    const stop = () => request.abort();
    signal?.addEventListener("abort", stop);
    const ended = (settle, value) => {
      signal?.removeEventListener("abort", stop);
      settle(value);
    };
    request.addEventListener("load", () => {
      connection.found();
      if (request.status >= 200 && request.status < 300) return ended(resolve, request);
      let told = {};
      try {
        told = JSON.parse(request.responseText) ?? {};
      } catch {
        // an answer to HEAD has no body
      }
      ended(reject, new ApiError({ ...told, status: request.status }));
    });
    request.addEventListener("error", () => ended(reject, new ApiError({ detail: "Rushes cannot be reached." })));
    request.addEventListener("abort", () => ended(reject, new DOMException("no longer wanted", "AbortError")));
    request.send(body);
  });
}

/** Whether this server takes files; fails with its reason when not. */
export const canSend = () => ask("OPTIONS", UPLOADS);

const offsetOf = (request) => Number(request.getResponseHeader("Upload-Offset"));

async function begin(file, batch, signal) {
  const told = [["filename", file.name], ["filetype", file.type], ["lastModified", String(file.lastModified)], ["batch", batch]];
  const metadata = told.filter(([, value]) => value).map(([name, value]) => `${name} ${base64(value)}`);
  const headers = { "Upload-Length": String(file.size), "Upload-Metadata": metadata.join(",") };
  const request = await ask("POST", UPLOADS, { headers, signal });
  return new URL(request.getResponseHeader("Location"), location.origin).pathname;
}

/** Waits, or until the network is back. */
const wait = (secs, signal) =>
  new Promise((resolve, reject) => {
    const done = () => (clearTimeout(timer), removeEventListener("online", done), resolve());
    const timer = setTimeout(done, secs * 1000);
    addEventListener("online", done);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(new DOMException("no longer wanted", "AbortError"))), { once: true });
  });

// What goes by itself: no network, a server that ends or is busy.
const passes = (error) => error instanceof ApiError && [0, 408, 409, 423, 502, 503, 504].includes(error.status);

/**
 * Sends a file: what became of it, as `GET /api/v1/uploads/{id}` tells.
 * `onstate` hears of `{ state: "sending" | "waiting" | "checking", sent }`.
 */
export async function send(file, { batch = "", onstate, signal }) {
  const key = keyOf(file, batch);
  let address = remembered().find((entry) => entry[0] === key)?.[1] ?? null;
  let failures = 0;
  for (;;) {
    try {
      let offset = 0;
      if (address) {
        try {
          offset = offsetOf(await ask("HEAD", address, { signal }));
        } catch (error) {
          if (![404, 410].includes(error.status)) throw error;
          address = null;
        }
      }
      if (!address) {
        address = await begin(file, batch, signal);
        remember(key, address);
      }
      do {
        const from = offset;
        const part = file.slice(from, from + PART_BYTES);
        onstate({ state: from + part.size >= file.size ? "checking" : "sending", sent: from });
        const onprogress = (sent) => onstate({ state: from + sent >= file.size ? "checking" : "sending", sent: from + sent });
        const headers = { "Upload-Offset": String(from), "Content-Type": "application/offset+octet-stream" };
        offset = offsetOf(await ask("PATCH", address, { headers, body: part, onprogress, signal }));
        failures = 0;
      } while (offset < file.size);
      const told = JSON.parse((await ask("GET", address, { signal })).responseText);
      remember(key, null);
      return told;
    } catch (error) {
      if (!passes(error)) {
        if (error.name !== "AbortError") remember(key, null);
        throw error;
      }
      const secs = WAITS_SECS[Math.min(failures, WAITS_SECS.length - 1)];
      failures += 1;
      onstate({ state: "waiting", secs });
      await wait(secs, signal);
    }
  }
}

/** Ends an upload that nobody wants any longer. */
export async function drop(file, batch) {
  const key = keyOf(file, batch);
  const address = remembered().find((entry) => entry[0] === key)?.[1];
  remember(key, null);
  if (address) await ask("DELETE", address);
}
