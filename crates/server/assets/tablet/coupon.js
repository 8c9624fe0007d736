// @ts-check
// The 18 digits of a coupon, as far as they tell something by themselves. The server says the same with more behind it.

/** Full-width digits as Japanese keyboards type them, and what scanners and people put between. */
const BETWEEN = /[\s\-－‐ー・]/g;
const WEIGHTS = [6, 5, 4, 3, 2];

/**
 * @typedef {{ digits: string, kind: number, turn: number, municipality: string, number: string }} Coupon
 */

/**
 * @param {string} typed
 * @returns {{ coupon: Coupon } | { problem: "tablet-digits-empty" | "tablet-digits-length" | "tablet-digits-other" | "tablet-digits-check", got: number }}
 */
export function parse(typed) {
  const digits = typed.normalize("NFKC").replace(BETWEEN, "");
  const got = digits.length;
  if (got === 0) return { problem: "tablet-digits-empty", got };
  if (!/^[0-9]+$/.test(digits)) return { problem: "tablet-digits-other", got };
  if (got !== 18) return { problem: "tablet-digits-length", got };
  const municipality = digits.slice(2, 8);
  if (checkDigit(municipality.slice(0, 5)) !== Number(municipality[5])) return { problem: "tablet-digits-check", got };
  return { coupon: { digits, kind: Number(digits[0]), turn: Number(digits[1]), municipality, number: digits.slice(8) } };
}

/**
 * The check digit of a municipality's code (JIS X 0402).
 * @param {string} five
 */
export function checkDigit(five) {
  const sum = WEIGHTS.reduce((all, weight, place) => all + weight * Number(five[place]), 0);
  return (11 - (sum % 11)) % 10;
}

/**
 * What the filter of used coupons knows it by.
 * @param {Coupon} coupon
 */
export function usedName(coupon) {
  return `${coupon.municipality}${coupon.turn}${coupon.number}`;
}
