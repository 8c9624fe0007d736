// @ts-check
// The outbox: a record is made, numbered, signed and sealed before anything else, and stays until the server has
// acknowledged it. Sending it again is safe: it keeps its id.

import { DONE, OUTBOX, all, drop, keepThing, nextNumber, put, settle, thing } from "./keep.js";
import { deviceAt, freshId, keepDevice, seal, sign, unseal } from "./keys.js";
import { sealQueue } from "./sealing.js";

/** Records in one sending; the server takes a hundred. */
const SENT_TOGETHER = 50;
const BETWEEN_TRIES_MILLISECONDS = 5_000;
/** A server that does not answer for so long is as good as none. */
const ANSWER_MILLISECONDS_MAX = 20_000;
/** Only one tab sends at a time. */
const LOCK = "sesshu-outbox";

/**
 * @typedef {{ id: string, account: string, login: string, organisation: string, sequence: number, madeAt: number,
 *   problem: { code: string, title: string, todo: string } | null, nonce: Uint8Array, sealed: ArrayBuffer }} Item
 * @typedef {{ account: string, login: string, organisation: string, csrf: string }} Login
 * @typedef {"unknown" | "reached" | "lost" | "logged_out" | "revoked"} Line
 */

/** How the server was found at the last try; what the browser thinks of its network is not asked, it is often wrong. */
export const line = { /** @type {Line} */ state: "unknown", skewMillis: 0, at: 0 };

/** @type {Set<() => void>} */
const listeners = new Set();
/** @param {() => void} listener */
export function onChange(listener) {
  listeners.add(listener);
}
function changed() {
  for (const listener of listeners) listener();
}

/**
 * Makes a record of a dose. When this answers, it is on the disk.
 * @param {Login} login
 * @param {{ coupon: string, given_on: string, product: string, lot: string, doctor: string, venue_name: string, input: string, basis: string }} dose
 * @param {string} [form] the paper form it is entered from: its number becomes the record's id, so that a sheet scanned
 *   twice is one record
 * @returns {Promise<string>} its id
 */
export async function record(login, dose, form) {
  const device = await deviceAt(login.organisation);
  if (!device) throw new Error("the tablet has no key for this venue");
  const madeAt = Date.now();
  const id = form ?? freshId(madeAt);
  // The number is used up first: one that is missing later is seen, one that is used twice would be worse.
  const sequence = await nextNumber(`sequence:${device.id}`);
  const statement = JSON.stringify({ id, device: device.id, sequence, account: login.account, made_at: madeAt, ...dose });
  const signed = { statement, signature: await sign(device, statement) };
  const sealed = await seal(login.account, id, signed);
  const { account, login: name, organisation } = login;
  await put(OUTBOX, { id, account, login: name, organisation, sequence, madeAt, problem: null, ...sealed });
  changed();
  return id;
}

/** @returns {Promise<Item[]>} everything that waits, oldest first, whoever entered it */
export async function waiting() {
  const items = await all(OUTBOX);
  return items.sort((one, other) => one.madeAt - other.madeAt || one.sequence - other.sequence);
}

/** Whether a record is on this tablet, waiting or acknowledged today, whoever entered it. @param {string} id */
export async function holds(id) {
  const kept = [...(await all(OUTBOX)), ...(await all(DONE))];
  return kept.some((item) => item.id === id);
}

/**
 * Opens what waits for a login.
 * @param {Login} login
 * @returns {Promise<{ item: Item, signed: { statement: string, signature: string } }[]>}
 */
async function openedFor(login) {
  const own = (await waiting()).filter((item) => item.account === login.account && item.organisation === login.organisation);
  return Promise.all(own.map(async (item) => ({ item, signed: await unseal(login.account, item.id, item) })));
}

/**
 * The receipts of what was acknowledged under a login today, newest first.
 * @param {Login} login
 */
export async function receipts(login) {
  const kept = (await all(DONE)).filter((item) => item.account === login.account);
  kept.sort((one, other) => other.at - one.at);
  return Promise.all(kept.map(async (item) => ({ id: item.id, at: item.at, ...(await unseal(login.account, item.id, item)) })));
}

/**
 * @param {Login} login
 * @param {string} id
 */
export async function receiptOf(login, id) {
  return (await receipts(login)).find((receipt) => receipt.id === id);
}

/** Forgets receipts of earlier days: the server has them. @param {number} since */
export async function forgetReceiptsBefore(since) {
  const old = (await all(DONE)).filter((item) => item.at < since);
  await drop(DONE, old.map((item) => item.id));
}

/** Set by the page: how to get a login's token anew. @type {{ again: (() => Promise<Login | null>) | null }} */
export const renewal = { again: null };

/**
 * Sends everything, also what was not taken before: by a person's word, since it may be taken by now.
 * @param {Login} login
 */
export async function sendAll(login) {
  for (const item of await waiting()) {
    if (item.account === login.account && item.problem) await put(OUTBOX, { ...item, problem: null });
  }
  await send(login);
}

/**
 * Sends what waits for a login, oldest first, until nothing does or the server is not to be had.
 * @param {Login} login
 */
export async function send(login) {
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    let current = login;
    let renewed = false;
    for (;;) {
      const batch = (await openedFor(current)).filter(({ item }) => item.problem === null).slice(0, SENT_TOGETHER);
      if (batch.length === 0) return;
      const outcome = await sendBatch(current, batch);
      if (outcome === "again" && !renewed) {
        renewed = true;
        const found = await renewal.again?.();
        if (!found || found.account !== current.account) return;
        current = found;
        continue;
      }
      if (outcome !== "done") return;
    }
  });
}

/**
 * @param {Login} login
 * @param {{ item: Item, signed: { statement: string, signature: string } }[]} batch
 * @returns {Promise<"done" | "stopped" | "again">}
 */
async function sendBatch(login, batch) {
  const device = await deviceAt(login.organisation);
  if (!device) return "stopped";
  if (!device.registered && !(await register(login))) return "stopped";
  const body = { device: device.id, sent_at: Date.now(), records: batch.map(({ signed }) => signed) };
  const response = await call(login, "/api/v1/tablet/records", body);
  if (response === null) return stopped("lost");
  if (response.status === 401) return stopped("logged_out");
  if (response.status === 403 || response.status === 404) return refusedAsAWhole(login, await problemOf(response));
  if (!response.ok) return stopped("lost");
  const answer = await response.json();
  line.skewMillis = Date.now() - Date.parse(answer.now);
  reached();
  for (const [place, { item }] of batch.entries()) await settleOne(item, answer.records[place]);
  changed();
  return "done";
}

/**
 * @param {Login} login
 * @param {{ code: string }} problem
 * @returns {Promise<"stopped" | "again">}
 */
async function refusedAsAWhole(login, problem) {
  if (problem.code === "csrf") return "again";
  if (problem.code === "device_revoked") return stopped("revoked");
  if (problem.code === "device_unknown") {
    const device = await deviceAt(login.organisation);
    if (device) await keepDevice(login.organisation, { ...device, registered: false });
    return "again";
  }
  return stopped("lost");
}

/**
 * @param {Item} item
 * @param {{ receipt: any, problem: any } | undefined} answer
 */
async function settleOne(item, answer) {
  if (answer?.receipt) {
    const kept = await seal(item.account, item.id, { receipt: answer.receipt, sequence: item.sequence });
    await settle({ id: item.id, account: item.account, at: item.madeAt, ...kept });
  } else if (answer?.problem && answer.problem.status < 500) {
    const { code, title, todo } = answer.problem;
    await put(OUTBOX, { ...item, problem: { code, title, todo } });
  }
}

/**
 * Makes the tablet known at the venue.
 * @param {Login} login
 */
export async function register(login) {
  const device = await deviceAt(login.organisation);
  if (!device) return false;
  const { id, name, publicKey } = device;
  const response = await call(login, "/api/v1/tablet/devices", { id, name, public_key: publicKey });
  if (response === null || !response.ok) return false;
  const known = await response.json();
  await keepDevice(login.organisation, { ...device, registered: true });
  if (known.revoked_at) {
    stopped("revoked");
    return false;
  }
  return true;
}

/**
 * @param {{ csrf: string }} login
 * @param {string} address
 * @param {unknown} body
 * @returns {Promise<Response | null>} null if the server was not to be had
 */
async function call(login, address, body) {
  const headers = { "content-type": "application/json", accept: "application/json", "x-csrf-token": login.csrf };
  const signal = AbortSignal.timeout(ANSWER_MILLISECONDS_MAX);
  try {
    return await fetch(address, { method: "POST", headers, body: JSON.stringify(body), redirect: "error", signal });
  } catch {
    return null;
  }
}

/** @param {Response} response */
async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return { code: "" };
  }
}

export function reached() {
  line.state = "reached";
  line.at = Date.now();
}

/**
 * @param {Line} state
 * @returns {"stopped"}
 */
export function stopped(state) {
  line.state = state;
  changed();
  return "stopped";
}

/**
 * Tries again and again, at every sign that it may work now.
 * @param {() => Login | null} who
 */
export function keepSending(who) {
  const now = () => {
    const login = who();
    if (login) void send(login);
  };
  window.addEventListener("online", now);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && now());
  setInterval(now, BETWEEN_TRIES_MILLISECONDS);
}

/** Keeps the server's key, to which files are sealed. @param {string} key */
export async function keepQueueKey(key) {
  await keepThing("queue-key", key);
}

/**
 * The queue of a login as a file, sealed for the server: for a desk that has a network when this tablet will not see one
 * again. Null before the server's key was fetched; then nothing leaves.
 * @param {Login} login
 * @returns {Promise<Blob | null>}
 */
export async function asFile(login) {
  const key = await thing("queue-key");
  if (!key) return null;
  const device = await deviceAt(login.organisation);
  const records = (await openedFor(login)).map(({ signed }) => signed);
  const content = { sesshu: "tablet-queue", version: 1, device: device?.id, device_name: device?.name, records };
  return new Blob([JSON.stringify(await sealQueue(JSON.stringify(content), key), null, 1)], { type: "application/json" });
}
