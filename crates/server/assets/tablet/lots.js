// @ts-check
// The venue's lots as the tablet carries them: how one stands on a day, with no network.

/**
 * @typedef {{ product: string, lot: string, vials: number, state: string, last_day: string | null,
 *   recalled_since: string | null, recall_reason: string | null, quarantined_since: string | null }} CarriedLot
 * @typedef {{ is: "good" | "recalled" | "expired" | "quarantined" | "not_on_hand" | "not_carried", lot: CarriedLot | null }} Standing
 */

/**
 * The worst that is to be said of a lot. What was carried in the morning is held against the day anew: a lot may have
 * ended since.
 * @param {CarriedLot[] | null} carried null if nothing was fetched yet
 * @param {{ product: string, lot: string, given_on: string }} vial as set for the day
 * @returns {Standing}
 */
export function standingOf(carried, { product, lot, given_on }) {
  if (carried === null) return { is: "not_carried", lot: null };
  const found = carried.find((one) => one.product === product && one.lot === lot) ?? null;
  // A venue that keeps no books of its stock has nothing on hand by them.
  if (!found) return { is: carried.some((one) => one.vials > 0) ? "not_on_hand" : "not_carried", lot: null };
  if (found.recalled_since !== null && found.recalled_since <= given_on) return { is: "recalled", lot: found };
  if (found.last_day !== null && found.last_day < given_on) return { is: "expired", lot: found };
  if (found.quarantined_since !== null && found.quarantined_since <= given_on) return { is: "quarantined", lot: found };
  return { is: found.vials > 0 ? "good" : "not_on_hand", lot: found };
}
