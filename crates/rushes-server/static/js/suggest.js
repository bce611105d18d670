// What to offer while a search is typed: filter keys with their help, then
// the values of a key, real ones from the catalogue where it knows them.

import { api } from "./api.js";
import { count } from "./format.js";
import { FILTERS, quoted } from "./query.js";

const MOST = 12;
const FRESH_MS = 60_000;
let totals = null;
let askedAt = 0;

async function known(name) {
  if (!totals || Date.now() - askedAt > FRESH_MS) {
    askedAt = Date.now();
    totals = api.stats().catch(() => null);
  }
  return (await totals)?.[name] ?? [];
}

/** Offers for the part being typed: `{ text, help, whole }`, whole ones end a filter. */
export async function suggest(part) {
  const negated = part.startsWith("-") ? "-" : "";
  const typed = part.slice(negated.length).toLowerCase();
  const colon = typed.indexOf(":");
  if (colon < 0) {
    return FILTERS.filter(({ key }) => key.startsWith(typed)).map(({ key, help }) => ({ text: `${negated}${key}:`, help, whole: false }));
  }
  const filter = FILTERS.find(({ key }) => key === typed.slice(0, colon));
  if (!filter) return [];
  const begun = typed.slice(colon + 1).replaceAll('"', "");
  const values = filter.from
    ? (await known(filter.from)).map(({ name, count: number }) => ({ value: name, help: count(number) }))
    : filter.values.map((value) => ({ value, help: filter.example ? "for example" : "" }));
  return values
    .filter(({ value }) => value && String(value).toLowerCase().startsWith(begun) && String(value).toLowerCase() !== begun)
    .slice(0, MOST)
    .map(({ value, help }) => ({ text: `${negated}${filter.key}:${quoted(value)}`, help, whole: true }));
}
