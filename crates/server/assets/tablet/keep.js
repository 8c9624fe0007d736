// @ts-check
// What the tablet keeps: one IndexedDB, in which everything that names a coupon is sealed.

const NAME = "sesshu-tablet";
const VERSION = 1;
/** One value by name: keys, the day's carry. */
export const THINGS = "things";
/** Records that the server has not acknowledged, by their id. */
export const OUTBOX = "outbox";
/** Receipts of today's acknowledged records, by the record's id. */
export const DONE = "done";

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

/** @returns {Promise<IDBDatabase>} */
function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(THINGS);
      request.result.createObjectStore(OUTBOX, { keyPath: "id" });
      request.result.createObjectStore(DONE, { keyPath: "id" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/**
 * Does `work` in one transaction: all of it is kept, or nothing. Answers once it is on the disk.
 * @template T
 * @param {string[]} stores
 * @param {"readonly" | "readwrite"} mode
 * @param {(transaction: IDBTransaction) => T} work
 * @returns {Promise<T>}
 */
async function within(stores, mode, work) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(stores, mode, { durability: "strict" });
    /** @type {T} */
    let result;
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
    result = work(transaction);
  });
}

/**
 * @param {string} name
 * @returns {Promise<any>} undefined if there is nothing of that name
 */
export async function thing(name) {
  const request = await within([THINGS], "readonly", (transaction) => transaction.objectStore(THINGS).get(name));
  return request.result;
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export async function keepThing(name, value) {
  await within([THINGS], "readwrite", (transaction) => void transaction.objectStore(THINGS).put(value, name));
}

/**
 * The next number of that name, from 1; never given out twice, not even to two tabs.
 * @param {string} name
 * @returns {Promise<number>}
 */
export async function nextNumber(name) {
  const counted = { number: 0 };
  await within([THINGS], "readwrite", (transaction) => {
    const things = transaction.objectStore(THINGS);
    const kept = things.get(name);
    kept.onsuccess = () => {
      counted.number = (kept.result ?? 0) + 1;
      things.put(counted.number, name);
    };
  });
  return counted.number;
}

/**
 * @param {string} name
 */
export async function forgetThing(name) {
  await within([THINGS], "readwrite", (transaction) => void transaction.objectStore(THINGS).delete(name));
}

/**
 * @param {string} store
 * @returns {Promise<any[]>}
 */
export async function all(store) {
  const request = await within([store], "readonly", (transaction) => transaction.objectStore(store).getAll());
  return request.result;
}

/**
 * @param {string} store
 * @param {{ id: string }} item
 */
export async function put(store, item) {
  await within([store], "readwrite", (transaction) => void transaction.objectStore(store).put(item));
}

/**
 * Takes an acknowledged record out of the outbox and keeps its receipt, both or neither.
 * @param {{ id: string }} receipt
 */
export async function settle(receipt) {
  await within([OUTBOX, DONE], "readwrite", (transaction) => {
    transaction.objectStore(OUTBOX).delete(receipt.id);
    transaction.objectStore(DONE).put(receipt);
  });
}

/**
 * @param {string} store
 * @param {string[]} ids
 */
export async function drop(store, ids) {
  await within([store], "readwrite", (transaction) => {
    for (const id of ids) transaction.objectStore(store).delete(id);
  });
}
