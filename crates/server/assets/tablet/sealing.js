// @ts-check
// Seals a queue that leaves the tablet as a file, for the server alone: nobody reads it on the way, not even this tablet.
//
// The format is told in `docs/tablet.md`; `tablet/sealed.rs` opens it.

import { hex } from "./keys.js";

const CURVE = { name: "ECDH", namedCurve: "P-256" };
const PURPOSE = "sesshu tablet-queue 2";
/** Bytes of an AES-256 key, and of the AES-GCM nonce that is drawn with it. */
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
/** Bytes of a key's name. */
const NAME_BYTES = 8;

/**
 * @param {string} text a file of version 1
 * @param {string} serverKey a point of P-256, uncompressed, as hexadecimal digits
 */
export async function sealQueue(text, serverKey) {
  const server = bytesOf(serverKey);
  const theirs = await crypto.subtle.importKey("raw", server, CURVE, false, []);
  // A pair for this file alone; its private half is forgotten with this call.
  const pair = await crypto.subtle.generateKey(CURVE, false, ["deriveBits"]);
  const ephemeral = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const secret = await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, pair.privateKey, KEY_BYTES * 8);
  const drawing = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const info = new Uint8Array([...new TextEncoder().encode(PURPOSE), ...ephemeral, ...server]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  const drawn = new Uint8Array(await crypto.subtle.deriveBits(how, drawing, (KEY_BYTES + NONCE_BYTES) * 8));
  const key = await crypto.subtle.importKey("raw", drawn.slice(0, KEY_BYTES), "AES-GCM", false, ["encrypt"]);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: drawn.slice(KEY_BYTES) }, key, new TextEncoder().encode(text));
  const name = new Uint8Array(await crypto.subtle.digest("SHA-256", server)).slice(0, NAME_BYTES);
  return { sesshu: "tablet-queue", version: 2, key: hex(name), ephemeral: hex(ephemeral), sealed: hex(sealed) };
}

/** @param {string} digits */
function bytesOf(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (two) => Number.parseInt(two, 16));
}
