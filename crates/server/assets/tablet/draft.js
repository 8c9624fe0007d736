// @ts-check
// The code of a disaster form (予診票の控え): what is known of a dose that was written on paper.
//
// The format is told in `domain/src/drafts.rs`; `domain/tests/draft_codes.json` holds both parsers against each other.

import { checkDigit } from "./coupon.js";

const PREFIX = "SESSHU";
const VERSION = "1";
/** Longest text that is looked at, in bytes. */
const TEXT_BYTES_MAX = 512;
const LOT_LENGTH_MAX = 20;
/** Full-width digits are made narrow before; these are what people put between digits. */
const BETWEEN = /[\s\-－‐ー・]/g;

/**
 * @typedef {{ form: string, city: string, coupon: string | null, venue: string | null, on: string | null, product: string | null, lot: string | null }} Draft
 * @typedef {{ code: "draft_not_a_draft" | "draft_check" | "draft_version" | "draft_field", version?: string, field?: string }} Refusal
 */

/** Whether a text may be a form's code: then nothing else is tried with it. @param {string} text */
export function mayBeForm(text) {
  return text.startsWith(PREFIX);
}

/**
 * @param {string} text as the code holds it
 * @returns {Promise<{ draft: Draft } | { refusal: Refusal }>}
 */
export async function parseDraft(text) {
  const end = text.lastIndexOf("/");
  if (!mayBeForm(text) || new TextEncoder().encode(text).length > TEXT_BYTES_MAX || end < 0) return { refusal: { code: "draft_not_a_draft" } };
  if (text.slice(end + 1) !== (await checkOf(text.slice(0, end)))) return { refusal: { code: "draft_check" } };
  const [version, ...fields] = text.slice(PREFIX.length).split("/");
  if (version !== VERSION) return { refusal: { code: "draft_version", version } };
  // Seven fields and the check.
  if (fields.length < 8) return wrong("form");
  const [form, city, coupon, venue, on, product, lot] = fields;
  const draft = {
    form: formId(form),
    city: municipality(city),
    coupon: optional(coupon, (value) => digitsOf(value, 18)),
    venue: optional(venue, (value) => digitsOf(value, 10)),
    on: optional(on, dayOf),
    product: optional(product, productOf),
    lot: optional(lot, lotOf),
  };
  for (const [field, value] of Object.entries(draft)) {
    if (value === undefined) return wrong(field === "on" ? "day" : field);
  }
  const read = /** @type {Draft} */ (draft);
  // The parsers forgive what people type; a code of ours is written in one way only.
  return (await textOf(read)) === text ? { draft: read } : wrong("form");
}

/** @param {string} field @returns {{ refusal: Refusal }} */
function wrong(field) {
  return { refusal: { code: "draft_field", field } };
}

/** @param {Draft} draft */
async function textOf({ form, city, coupon, venue, on, product, lot }) {
  const body = [
    `${PREFIX}${VERSION}`,
    form.replaceAll("-", "").toUpperCase(),
    city,
    coupon ?? "",
    venue ?? "",
    (on ?? "").replaceAll("-", ""),
    (product ?? "").toUpperCase().replaceAll("_", "-"),
    escaped(lot ?? ""),
  ].join("/");
  return `${body}/${await checkOf(body)}`;
}

/** The first 32 bits of SHA-256. @param {string} body */
async function checkOf(body) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body));
  return Array.from(new Uint8Array(hash, 0, 4), twoDigits).join("");
}

/** @param {number} byte */
function twoDigits(byte) {
  return byte.toString(16).padStart(2, "0").toUpperCase();
}

/**
 * Null for what is not known yet, undefined for what cannot be.
 * @param {string} text
 * @param {(text: string) => string | undefined} read
 */
function optional(text, read) {
  return text === "" ? null : read(text);
}

/** @param {string} text */
function formId(text) {
  const hex = text.toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) return undefined;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/**
 * @param {string} text
 * @param {number} length
 */
function digitsOf(text, length) {
  const digits = text.normalize("NFKC").replace(BETWEEN, "");
  return digits.length === length && /^[0-9]+$/.test(digits) ? digits : undefined;
}

/** @param {string} text */
function municipality(text) {
  const digits = digitsOf(text, 6);
  return digits && checkDigit(digits.slice(0, 5)) === Number(digits[5]) ? digits : undefined;
}

/** @param {string} text */
function dayOf(text) {
  if (!/^[0-9]{8}$/.test(text)) return undefined;
  const day = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`;
  const read = new Date(`${day}T00:00:00Z`);
  // A day that does not exist becomes another one, or none.
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(day) ? day : undefined;
}

/** @param {string} text */
function productOf(text) {
  const key = text.toLowerCase().replaceAll("-", "_");
  return /^[a-z0-9_]{1,40}$/.test(key) ? key : undefined;
}

/** What is not a capital, a digit, a hyphen or a full stop goes as `%` and the byte. @param {string} lot */
function escaped(lot) {
  const letter = (/** @type {number} */ byte) => (/[A-Z0-9.-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${twoDigits(byte)}`);
  return Array.from(new TextEncoder().encode(lot), letter).join("");
}

/** @param {string} text */
function lotOf(text) {
  /** @type {number[]} */
  const bytes = [];
  for (let place = 0; place < text.length; place += 1) {
    if (text[place] !== "%") {
      bytes.push(...new TextEncoder().encode(text[place]));
      continue;
    }
    const digits = text.slice(place + 1, place + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(digits)) return undefined;
    bytes.push(Number.parseInt(digits, 16));
    place += 2;
  }
  try {
    const written = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
    return spelt(written);
  } catch {
    return undefined;
  }
}

/**
 * A lot in the spelling in which lots are compared; undefined if it is none.
 * @param {string} typed
 */
export function spelt(typed) {
  const lot = typed.normalize("NFKC").toUpperCase().normalize("NFKC").trim();
  const length = Array.from(lot).length;
  return length >= 1 && length <= LOT_LENGTH_MAX && !/\p{Cc}/u.test(lot) ? lot : undefined;
}
