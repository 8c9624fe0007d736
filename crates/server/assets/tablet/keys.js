// @ts-check
// The tablet's keys. None of them can be taken out of the browser: WebCrypto makes them so and keeps them so.

import { keepThing, thing } from "./keep.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const SIGNING = { name: "ECDSA", hash: "SHA-256" };
/** Bytes of an AES-GCM nonce, made anew for each sealing. */
const NONCE_BYTES = 12;

/** @param {ArrayBuffer | Uint8Array} bytes */
export function hex(bytes) {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * An id in order of time: a UUID of version 7 (RFC 9562).
 * @param {number} millis
 */
export function freshId(millis) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let rest = millis;
  for (let place = 5; place >= 0; place -= 1) {
    bytes[place] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const digits = hex(bytes);
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join("-");
}

/**
 * @typedef {{ id: string, name: string, publicKey: string, privateKey: CryptoKey, registered: boolean }} Device
 */

/**
 * The tablet as one venue knows it; none before it was named there.
 * @param {string} organisation
 * @returns {Promise<Device | undefined>}
 */
export function deviceAt(organisation) {
  return thing(`device:${organisation}`);
}

/**
 * @param {string} organisation
 * @param {string} name as it is written on its back
 * @returns {Promise<Device>}
 */
export async function makeDevice(organisation, name) {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  const publicKey = hex(await crypto.subtle.exportKey("raw", pair.publicKey));
  const device = { id: freshId(Date.now()), name, publicKey, privateKey: pair.privateKey, registered: false };
  await keepDevice(organisation, device);
  return device;
}

/**
 * @param {string} organisation
 * @param {Device} device
 */
export function keepDevice(organisation, device) {
  return keepThing(`device:${organisation}`, device);
}

/**
 * r and s, 64 bytes as hexadecimal digits.
 * @param {Device} device
 * @param {string} statement
 */
export async function sign(device, statement) {
  return hex(await crypto.subtle.sign(SIGNING, device.privateKey, new TextEncoder().encode(statement)));
}

/**
 * The key of one login's outbox. Another login on the same tablet has another.
 * @param {string} account
 * @returns {Promise<CryptoKey>}
 */
async function sealingKey(account) {
  const name = `key:${account}`;
  const kept = await thing(name);
  if (kept) return kept;
  const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await keepThing(name, made);
  return made;
}

/**
 * @typedef {{ nonce: Uint8Array, sealed: ArrayBuffer }} Sealed
 */

/**
 * Seals a value for a login; `place` is where it will lie, and it opens nowhere else.
 * @param {string} account
 * @param {string} place
 * @param {unknown} value
 * @returns {Promise<Sealed>}
 */
export async function seal(account, place, value) {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const text = new TextEncoder().encode(JSON.stringify(value));
  const how = { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(place) };
  return { nonce, sealed: await crypto.subtle.encrypt(how, await sealingKey(account), text) };
}

/**
 * @param {string} account
 * @param {string} place
 * @param {Sealed} sealed
 * @returns {Promise<any>}
 */
export async function unseal(account, place, { nonce, sealed }) {
  const how = { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(place) };
  const text = await crypto.subtle.decrypt(how, await sealingKey(account), sealed);
  return JSON.parse(new TextDecoder().decode(text));
}
