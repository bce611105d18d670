// The HTTP API: requests, errors as the server explains them, addresses.

import { connection } from "./connection.js";

const BASE = "/api/v1";
const PATIENCE_MS = 30_000;

/** An answer that is not a success, in the server's own words. */
export class ApiError extends Error {
  constructor({ status = 0, kind = "unavailable", title, detail, remedy, path }) {
    super(detail || title || `the server answered ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.kind = kind;
    this.remedy = remedy ?? null;
    this.path = path ?? null;
  }
}

const signInListeners = new Set();

/** Calls back when the server wants a token. */
export const onSignInNeeded = (listener) => signInListeners.add(listener);

async function request(method, path, { query, body, signal } = {}) {
  const url = new URL(BASE + path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  const deadline = AbortSignal.timeout(PATIENCE_MS);
  let response;
  let text;
  try {
    response = await fetch(url, {
      method,
      headers: {
        accept: "application/json, application/problem+json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      credentials: "same-origin",
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw new DOMException("no longer wanted", "AbortError");
    connection.lost();
    throw new ApiError({
      detail: "Rushes cannot be reached.",
      remedy: "See that rushes serve is running; this page goes on by itself when it is back.",
      cause: error,
    });
  }
  connection.found();
  const value = parse(text);
  if (response.ok) return value;
  if (response.status === 401 && path !== "/session") signInListeners.forEach((listener) => listener());
  throw new ApiError({ ...(value && typeof value === "object" ? value : {}), status: response.status });
}

function parse(text) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const part = encodeURIComponent;

export const api = {
  count: async (query) => (await request("GET", "/search", { query: { query, limit: 1, exact_total: true } })).total,
  search: (query, { offset, limit, signal }) => request("GET", "/search", { query: { query, offset, limit }, signal }),
  asset: (id, signal) => request("GET", `/assets/${part(id)}`, { signal }),
  stats: (signal) => request("GET", "/stats", { signal }),
  doctor: (signal) => request("GET", "/doctor", { signal }),
  roots: async (signal) => (await request("GET", "/paths", { signal }))?.roots ?? [],
  addRoot: (path, name) => request("POST", "/paths", { body: name ? { path, name } : { path } }),
  removeRoot: (name) => request("DELETE", `/paths/${part(name)}`),
  scan: (options) => request("POST", "/scan", { body: options }),
  check: (percent) => request("POST", "/check", { body: percent ? { read_data_percent: percent } : {} }),
  batches: async (signal) => (await request("GET", "/batches", { signal }))?.batches ?? [],
  jobs: async (signal) => (await request("GET", "/jobs", { query: { limit: 200 }, signal }))?.jobs ?? [],
  job: (id, signal) => request("GET", `/jobs/${part(id)}`, { signal }),
  cancelJob: (id) => request("POST", `/jobs/${part(id)}/cancel`),
  retryJob: (id) => request("POST", `/jobs/${part(id)}/retry`),
  session: () => request("GET", "/session"),
  signIn: (token) => request("POST", "/session", { body: { token } }),
  signOut: () => request("DELETE", "/session"),
};

/** Where an asset's bytes are. */
export const mediaUrl = (id) => `${BASE}/assets/${part(id)}/media`;

/** Why the server does not give an asset's bytes now, as an `ApiError`; null when it does. */
export async function refusalOf(id) {
  try {
    const response = await fetch(mediaUrl(id), {
      headers: { range: "bytes=0-0", accept: "application/problem+json" },
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    connection.found();
    // Of an empty file there is no first byte.
    if (response.ok || response.status === 416) {
      response.body?.cancel();
      return null;
    }
    return new ApiError({ ...parse(await response.text()), status: response.status });
  } catch {
    connection.lost();
    return new ApiError({ detail: "Rushes cannot be reached.", remedy: "See that rushes serve is running." });
  }
}

/** Where its bytes are offered for saving. */
export const downloadUrl = (id) => `${mediaUrl(id)}?download=1`;

/** Where its poster, strip or waveform is; null while that is not made yet. */
export function previewUrl(row, name) {
  const preview = row?.preview;
  if (!preview?.[name]) return null;
  return `${BASE}/assets/${part(row.id)}/${name}?v=${part(preview.version ?? "")}`;
}

export const eventsUrl = `${BASE}/events`;
