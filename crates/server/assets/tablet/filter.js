// @ts-check
// The coupons already used in the venue's city, as a binary fuse filter: "surely not", or "probably".
//
// The bytes are told in `tablet/used.rs`. The hashing is that of the crate `xorf` (fuse with arity 3, 8-bit prints), and
// the browser flows hold both against each other.

const MAGIC = "SUC1";
const MASK_64 = (1n << 64n) - 1n;

/** @typedef {{ salt: Uint8Array, at: number, count: number, seed: bigint, length: number, mask: number, all: number, prints: Uint8Array }} Filter */

/**
 * @param {ArrayBuffer} bytes
 * @returns {Filter | null} null for another version
 */
export function readFilter(bytes) {
  if (bytes.byteLength < 32 || new TextDecoder().decode(new Uint8Array(bytes, 0, 4)) !== MAGIC) return null;
  const view = new DataView(bytes);
  const salt = new Uint8Array(bytes, 4, 16);
  // Microseconds; half a century of them fit into a float exactly enough for a clock.
  const at = Number(view.getBigInt64(20, true)) / 1000;
  const count = view.getUint32(28, true);
  if (count === 0) return { salt, at, count, seed: 0n, length: 0, mask: 0, all: 0, prints: new Uint8Array() };
  return {
    salt,
    at,
    count,
    seed: view.getBigUint64(32, true),
    length: view.getUint32(40, true),
    mask: view.getUint32(44, true),
    all: view.getUint32(48, true),
    prints: new Uint8Array(bytes, 52),
  };
}

/**
 * Whether a coupon was probably used when the filter was made.
 * @param {Filter} filter
 * @param {string} name as `usedName` makes it
 */
export async function contains(filter, name) {
  if (filter.count === 0) return false;
  const hash = mix((await print(filter.salt, name)) + filter.seed);
  const wanted = Number((hash ^ (hash >> 32n)) & 0xffn);
  const first = Number((hash * BigInt(filter.all)) >> 64n);
  const second = ((first + filter.length) ^ (Number((hash >> 18n) & 0xffffffffn) & filter.mask)) >>> 0;
  const third = ((first + 2 * filter.length) ^ (Number(hash & 0xffffffffn) & filter.mask)) >>> 0;
  return wanted === (filter.prints[first] ^ filter.prints[second] ^ filter.prints[third]);
}

/**
 * The first eight bytes of SHA-256 over salt and name.
 * @param {Uint8Array} salt
 * @param {string} name
 */
export async function print(salt, name) {
  const text = new TextEncoder().encode(name);
  const bytes = new Uint8Array(salt.length + text.length);
  bytes.set(salt);
  bytes.set(text, salt.length);
  const hash = await crypto.subtle.digest("SHA-256", bytes);
  return new DataView(hash).getBigUint64(0, true);
}

/**
 * The finish of MurmurHash3.
 * @param {bigint} key
 */
function mix(key) {
  let hash = key & MASK_64;
  hash = ((hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn) & MASK_64;
  hash = ((hash ^ (hash >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK_64;
  return hash ^ (hash >> 33n);
}
