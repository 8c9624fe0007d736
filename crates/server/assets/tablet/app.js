// @ts-check
// The tablet: log in, the day's settings, coupon after coupon. What is recorded lies in the outbox before the page says
// so; whether there is a network decides only when it leaves.

import { Camera } from "./camera.js";
import { parse, usedName } from "./coupon.js";
import { mayBeForm, parseDraft, spelt } from "./draft.js";
import { contains, print, readFilter } from "./filter.js";
import { forgetThing, keepThing, thing } from "./keep.js";
import { deviceAt, makeDevice, seal, unseal } from "./keys.js";
import { standingOf } from "./lots.js";
import * as outbox from "./outbox.js";
import { choose, language, load, texts } from "./texts.js";

/** How long a login holds without the server: as long as a session does on it. */
const OFFLINE_MILLISECONDS_MAX = 12 * 60 * 60 * 1000;
/** The tablet's clock may be out by so much before it says so. */
const SKEW_MILLISECONDS_MAX = 2 * 60 * 1000;
/** A person does not type eighteen digits within this time; a scanner does. */
const SCANNER_MILLISECONDS = 700;
/** The page waits so long for what the server thinks, and then goes by what the tablet holds. */
const CHECK_MILLISECONDS_MAX = 3_000;
const CARRY_MILLISECONDS_MAX = 30_000;
const MINUTE_MILLISECONDS = 60_000;
/** A recall of the morning is on the tablet before noon, without anybody opening the page anew. */
const LOTS_AGAIN_MILLISECONDS = 5 * MINUTE_MILLISECONDS;

/**
 * @typedef {{ account: string, login: string, name: string, organisation: string, organisationName: string, facilityCode: string | null, csrf: string, confirmedAt: number, loggedOut: boolean }} Login
 * @typedef {{ day: string, given_on: string, product: string, lot: string, doctor: string, venue_name: string, givenAlready?: boolean }} Setting
 * @typedef {{ digits: string, by: string[], confidence: number, basis: "codes" | "twice" | "alone", input: string, strip: import("./camera.js").Reading["strip"] }} Read
 */

const now = {
  /** @type {Login | null} */ login: null,
  /** @type {Setting | null} */ setting: null,
  /** @type {Read | null} */ read: null,
  /** Settings whose lot must not be given, until a person decides. */ stopped: /** @type {Setting | null} */ (null),
  /** The form whose paper is being entered. */ draft: /** @type {import("./draft.js").Draft | null} */ (null),
  /** The record whose answer the result page waits for. */ shown: "",
  /** Whether the digits must be typed twice. */ conflict: false,
  /** What is being fetched for the day. */ carrying: Promise.resolve(),
};
/** @type {Camera | null} */
let camera = null;

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} [kind]
 * @returns {T}
 */
function at(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof (kind ?? HTMLElement))) throw new Error(`no #${id} on the page`);
  return /** @type {T} */ (element);
}

/**
 * @param {string} name
 * @param {string} text
 * @param {string} [className]
 */
function made(name, text, className = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** @param {string} view */
function show(view) {
  for (const section of document.querySelectorAll("main > section")) {
    if (section instanceof HTMLElement) section.hidden = section.id !== `view-${view}`;
  }
  at("top").hidden = now.login === null;
  if (view !== "scan") camera?.rest();
  window.scrollTo(0, 0);
}

/** Today in Japan, by the server's clock as far as it was seen. */
function today() {
  const at = new Date(Date.now() - outbox.line.skewMillis);
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Tokyo" }).format(at);
}

// Logging in ------------------------------------------------------------------------------------------------------

/**
 * Asks the server who is logged in; without it, the last login holds for a while.
 * @returns {Promise<"ready" | "logged_out" | "unreachable" | "not_a_venue" | "expired">}
 */
async function findLogin() {
  /** @type {Login | undefined} */
  const kept = await thing("login");
  let response = null;
  try {
    // Who has a login already is not kept waiting by a slow network; who has none has nothing better to wait for.
    const signal = AbortSignal.timeout(kept && !kept.loggedOut ? CHECK_MILLISECONDS_MAX : CARRY_MILLISECONDS_MAX);
    response = await fetch("/api/v1/tablet/day", { headers: { accept: "application/json" }, signal });
  } catch {
    outbox.stopped("lost");
  }
  if (response?.ok) {
    const day = await response.json();
    if (kept?.loggedOut && kept.csrf === day.csrf) {
      // Logged out without network: the server hears of it now. A new login has another token.
      await endSession(day.csrf);
      return "logged_out";
    }
    await welcome(day);
    return "ready";
  }
  if (response?.status === 401) {
    outbox.stopped("logged_out");
    if (kept) await keepThing("login", { ...kept, loggedOut: true });
    return "logged_out";
  }
  if (response?.status === 403) return "not_a_venue";
  if (!kept || kept.loggedOut) return "unreachable";
  if (Date.now() - kept.confirmedAt > OFFLINE_MILLISECONDS_MAX) return "expired";
  now.login = kept;
  now.setting = (await thing(`setting:${kept.account}`)) ?? null;
  return "ready";
}

/** @param {any} day the answer of the server */
async function welcome(day) {
  now.login = {
    account: day.account,
    login: day.login,
    name: day.name,
    organisation: day.organisation,
    organisationName: day.organisation_name,
    facilityCode: day.facility_code ?? null,
    csrf: day.csrf,
    confirmedAt: Date.now(),
    loggedOut: false,
  };
  outbox.line.skewMillis = Date.now() - Date.parse(day.now);
  outbox.reached();
  await keepThing("login", now.login);
  await outbox.keepQueueKey(day.queue_key);
  if (day.setting) {
    const { given_on, product, lot, doctor, venue_name } = day.setting;
    await setDay({ day: day.today, given_on, product, lot, doctor, venue_name });
  } else {
    const kept = await thing(`setting:${day.account}`);
    now.setting = kept ?? null;
    if (kept?.day === day.today) void tellSetting(kept);
  }
  now.carrying = carry(now.login);
}

/** Fetches what is needed without network: products, places, the coupons already used. @param {Login} login */
async function carry(login) {
  await carryLots(login);
  try {
    const get = async (/** @type {string} */ address) => {
      const response = await fetch(address, { signal: AbortSignal.timeout(CARRY_MILLISECONDS_MAX) });
      if (!response.ok) throw new Error(String(response.status));
      return response;
    };
    await keepThing("products", await (await get("/api/v1/products")).json());
    const places = await (await get("/api/v1/places")).json();
    await keepThing("places", Object.fromEntries(places.map((/** @type {any} */ place) => [place.code, place.name])));
    await keepThing(`used:${login.organisation}`, await (await get("/api/v1/tablet/used-coupons")).arrayBuffer());
  } catch {
    // What was carried before stays; the check says how old it is.
  }
}

/** Where the lots lie, and where alone they open. @param {Login} login */
function lotsName(login) {
  return `lots:${login.account}:${login.organisation}`;
}

/** Fetches the venue's lots; they are sealed as the outbox is, and gone at logout. @param {Login} login */
async function carryLots(login) {
  try {
    const response = await fetch("/api/v1/tablet/lots", { signal: AbortSignal.timeout(CARRY_MILLISECONDS_MAX) });
    if (!response.ok) return;
    const sealed = await seal(login.account, lotsName(login), await response.json());
    // Whoever logged out meanwhile left nothing behind.
    if (now.login?.account === login.account) await keepThing(lotsName(login), sealed);
  } catch {
    // What was carried before stays.
  }
}

/** How the lot that is set stands by what is carried. @param {Setting} setting */
async function standingOfLot(setting) {
  const name = now.login ? lotsName(now.login) : "";
  const sealed = await thing(name);
  const carried = now.login && sealed ? await unseal(now.login.account, name, sealed) : null;
  return standingOf(carried, setting);
}

/** @param {import("./lots.js").Standing} standing @param {Setting} setting */
function lotWords({ is, lot }, setting) {
  const words = {
    good: "",
    not_carried: "",
    recalled: texts.t("tablet-lot-recalled", { lot: setting.lot, day: lot?.recalled_since ?? "", reason: lot?.recall_reason ?? "" }),
    expired: texts.t("tablet-lot-expired", { lot: setting.lot, day: lot?.last_day ?? "" }),
    quarantined: texts.t("tablet-lot-quarantined", { lot: setting.lot, day: lot?.quarantined_since ?? "" }),
    not_on_hand: texts.t("tablet-lot-not-on-hand", { lot: setting.lot }),
  };
  return words[is];
}

async function begin() {
  const found = await findLogin();
  if (found !== "ready" || !now.login) {
    now.login = null;
    at("start-why").textContent = await startWords(found);
    show("start");
    return;
  }
  at("venue-name").textContent = now.login.organisationName;
  at("person-name").textContent = now.login.name;
  await outbox.forgetReceiptsBefore(Date.now() - OFFLINE_MILLISECONDS_MAX);
  void showQueueState();
  void outbox.send(now.login);
  if (!(await deviceAt(now.login.organisation))) show("name");
  else if (now.setting?.day !== today()) await showSettings();
  else await showScan();
}

/** @param {"logged_out" | "unreachable" | "not_a_venue" | "expired" | "ready"} found */
async function startWords(found) {
  const waits = await outbox.waiting();
  const why = {
    logged_out: texts.t("tablet-start-logged-out"),
    unreachable: texts.t("tablet-start-unreachable"),
    not_a_venue: texts.t("tablet-start-not-a-venue"),
    expired: texts.t("tablet-start-expired"),
    ready: "",
  }[found];
  if (waits.length === 0) return why;
  const logins = [...new Set(waits.map((item) => item.login))].join(", ");
  return `${why} ${texts.t("tablet-start-waits", { count: waits.length, logins, age: ageOf(waits[0].madeAt) })}`;
}

async function logOut() {
  if (!now.login) return;
  await keepThing("login", { ...now.login, loggedOut: true });
  await forgetThing(lotsName(now.login));
  camera?.close();
  camera = null;
  await endSession(now.login.csrf);
  now.login = null;
  now.setting = null;
  at("start-why").textContent = await startWords("logged_out");
  show("start");
}

/** @param {string} csrf */
async function endSession(csrf) {
  try {
    await fetch("/logout", { method: "POST", headers: { "x-csrf-token": csrf }, redirect: "manual" });
  } catch {
    // Without network this tablet has forgotten the login; the server is told at the next start.
  }
}

async function nameDevice() {
  if (!now.login) return;
  const name = at("device-name", HTMLInputElement).value.trim();
  if (!name) return;
  await makeDevice(now.login.organisation, name);
  await outbox.register(now.login);
  await begin();
}

// The day's settings ----------------------------------------------------------------------------------------------

/** @param {Setting} setting */
async function setDay(setting) {
  now.setting = setting;
  if (now.login) await keepThing(`setting:${now.login.account}`, setting);
}

async function showSettings() {
  if (!now.login) return;
  const day = today();
  const kept = now.setting?.day === day ? now.setting : null;
  await fillProducts("product", day, kept?.product ?? "");
  at("lot", HTMLInputElement).value = kept?.lot ?? "";
  at("doctor", HTMLInputElement).value = kept?.doctor ?? "";
  at("venue_name", HTMLInputElement).value = kept?.venue_name ?? now.login.organisationName.slice(0, at("venue_name", HTMLInputElement).maxLength);
  at("settings-lead").textContent = texts.t("settings-lead", { day });
  show("settings");
}

/**
 * Fills a list with the products in use on a day.
 * @param {string} id
 * @param {string} day
 * @param {string} chosen
 */
async function fillProducts(id, day, chosen) {
  // At the very first start the list is still on its way.
  if (!(await thing("products"))) await now.carrying;
  const products = /** @type {any[]} */ ((await thing("products")) ?? []);
  const used = products.filter((product) => product.used_from <= day && (!product.used_to || day <= product.used_to));
  const choices = used.map((product) => new Option(productName(product), product.key, false, product.key === chosen));
  at(id, HTMLSelectElement).replaceChildren(new Option(texts.t("choose"), ""), ...choices);
}

/** @param {any} product */
function productName(product) {
  return language() === "en" ? product.name_en : `${product.maker} · ${product.name_ja}`;
}

async function saveSettings() {
  const value = (/** @type {string} */ id) => at(id, id === "product" ? HTMLSelectElement : HTMLInputElement).value.trim();
  const day = today();
  const setting = { day, given_on: day, product: value("product"), lot: value("lot").normalize("NFKC").toUpperCase(), doctor: value("doctor"), venue_name: value("venue_name") };
  const standing = await standingOfLot(setting);
  if (standing.is === "recalled") showStop(setting, lotWords(standing, setting));
  else await takeSettings(setting);
}

/** @param {Setting} setting */
async function takeSettings(setting) {
  await setDay(setting);
  void tellSetting(setting);
  await showScan();
}

/**
 * The red page: nothing is read before somebody decides.
 * @param {Setting} setting
 * @param {string} why
 */
function showStop(setting, why) {
  now.stopped = setting;
  answerBox("stop-answer", "bad", texts.t("tablet-stop-title"), why);
  show("stop");
  signal("bad");
  at("stop-other").focus({ preventScroll: true });
}

async function chooseOtherLot() {
  await showSettings();
  at("lot", HTMLInputElement).value = "";
  at("lot").focus();
}

/** The doses are in arms already: they are recorded, whatever became of the lot since. */
async function takeGivenAlready() {
  if (now.stopped) await takeSettings({ ...now.stopped, givenAlready: true });
}

/** The server keeps the settings too, for the other pages of the same login. @param {Setting} setting */
async function tellSetting({ given_on, product, lot, doctor, venue_name }) {
  if (!now.login) return;
  const headers = { "content-type": "application/json", "x-csrf-token": now.login.csrf };
  const body = JSON.stringify({ given_on, product, lot, doctor, venue_name });
  try {
    await fetch("/api/v1/day-setting", { method: "PUT", headers, body });
  } catch {
    // It is told again at the next start with a network; each record carries its own settings.
  }
}

// Reading ---------------------------------------------------------------------------------------------------------

async function showScan() {
  if (!now.setting || now.setting.day !== today()) {
    await showSettings();
    return;
  }
  const { setting } = now;
  const standing = await standingOfLot(setting);
  const words = lotWords(standing, setting);
  if (standing.is === "recalled" && !setting.givenAlready) {
    showStop(setting, words);
    return;
  }
  at("lot-warning").textContent = words;
  at("lot-warning").hidden = words === "";
  // Nothing of the coupon before is left on the page that reads the next one.
  now.read = null;
  now.draft = null;
  now.shown = "";
  now.conflict = false;
  for (const id of ["line", "again", ...DRAFT_FIELDS]) at(id, HTMLInputElement).value = "";
  at("typed-trouble").textContent = "";
  at("line-count").textContent = "";
  at("again-field").hidden = true;
  await showStrip();
  show("scan");
  light([]);
  at("line").focus({ preventScroll: true });
  await startCamera();
}

async function showStrip() {
  const { setting } = now;
  if (!setting) return;
  const products = /** @type {any[]} */ ((await thing("products")) ?? []);
  const product = products.find((one) => one.key === setting.product);
  const parts = [
    ["field-given_on", setting.given_on],
    ["field-product", product ? productName(product) : setting.product],
    ["field-lot", setting.lot],
    ["field-doctor", setting.doctor],
    ["field-venue", setting.venue_name],
  ];
  at("setting-strip").replaceChildren(...parts.map(([id, text]) => pair(texts.t(id), text)));
}

/**
 * @param {string} term
 * @param {string} text
 */
function pair(term, text) {
  const both = document.createElement("div");
  both.append(made("dt", term), made("dd", text));
  return both;
}

async function startCamera() {
  at("hint").textContent = texts.t("tablet-hint-begin");
  camera ??= new Camera(at("video", HTMLVideoElement), seen, seenForm, cameraFailed);
  const opened = await camera.open();
  at("finder").hidden = !opened;
  at("lamps").hidden = !opened;
  if (opened && !at("view-scan").hidden) camera.look();
}

/** @param {string} why */
function cameraFailed(why) {
  const hints = { none: "tablet-camera-none", insecure: "tablet-camera-insecure", refused: "tablet-camera-refused", reader: "tablet-camera-reader" };
  at("hint").textContent = texts.t(hints[/** @type {keyof typeof hints} */ (why)] ?? hints.none);
}

/** @param {import("./camera.js").Seen} seen */
function seen({ reading, channels, strip, confidence }) {
  const { is, digits } = reading.decision;
  if (digits && (is === "auto" || is === "confirm")) {
    camera?.rest();
    const input = channels.includes("qr") ? "qr" : "ocr";
    void showCheck({ digits, by: channels, confidence, basis: is === "auto" ? "codes" : "alone", input, strip });
    return;
  }
  if (is === "conflict") {
    camera?.rest();
    askTwice("tablet-conflict");
    return;
  }
  light(channels);
  at("hint").textContent = is === "no_read" ? `${texts.t("tablet-hint-type")} ${hintFor(reading)}` : hintFor(reading);
}

/** The code of a form is in view: it is shown, or why it cannot be. @param {string} text */
async function seenForm(text) {
  const why = await openForm(text);
  if (!why || at("view-scan").hidden) return;
  light([]);
  at("hint").textContent = why;
}

/** What to do so that it can be read. @param {import("./camera.js").Reading} reading */
function hintFor(reading) {
  if (reading.outcome === "read" || reading.bars) return texts.t("tablet-hint-hold");
  if (reading.outcome === "line_unsure") return texts.t("tablet-hint-blurred");
  if (reading.outcome === "bad_check_digit") return texts.t("tablet-hint-not-possible");
  if (reading.outcome === "not_a_coupon_code") return texts.t("tablet-hint-other-code");
  if (reading.light === "glare") return texts.t("tablet-hint-glare");
  if (reading.light === "dark") return texts.t("tablet-hint-dark");
  if (reading.light === "blurred") return texts.t("tablet-hint-no-line");
  return texts.t("tablet-hint-too-far");
}

/** @param {string[]} channels */
function light(channels) {
  for (const lamp of at("lamps").querySelectorAll("li")) lamp.classList.toggle("lit", channels.includes(lamp.dataset.channel ?? ""));
}

/** After a contradiction nothing that was read counts any more: the digits are typed, twice. @param {"tablet-conflict" | "tablet-typed-differs"} why */
function askTwice(why) {
  now.conflict = true;
  signal("bad");
  light([]);
  at("hint").textContent = texts.t(why);
  at("again-field").hidden = false;
  at("line").focus();
}

/** What was typed, as a form's code would be: a hand scanner may have typed one, on whatever keyboard. */
function formCode() {
  return at("line", HTMLInputElement).value.normalize("NFKC").trim().toUpperCase();
}

/** @type {{ begun: number, quick: boolean }} */
const typing = { begun: 0, quick: false };

function typed() {
  const digits = at("line", HTMLInputElement).value.normalize("NFKC").replace(/[^0-9]/g, "");
  if (digits.length <= 1) typing.begun = performance.now();
  typing.quick = digits.length === 18 && performance.now() - typing.begun < SCANNER_MILLISECONDS;
  at("line-count").textContent = digits && !mayBeForm(formCode()) ? texts.t("typed-count", { count: digits.length }) : "";
}

async function submitTyped() {
  const field = at("line", HTMLInputElement);
  const again = at("again", HTMLInputElement);
  if (mayBeForm(formCode())) {
    const why = await openForm(formCode());
    at("typed-trouble").textContent = why ?? "";
    if (why) field.select();
    return;
  }
  const found = parse(field.value);
  if ("problem" in found) {
    at("typed-trouble").textContent = texts.t(found.problem, { got: found.got });
    field.select();
    return;
  }
  const { digits } = found.coupon;
  if (!now.conflict && camera && (await camera.typed(digits)) === "again") {
    // The camera read something else: the paper decides, looked at twice.
    camera.rest();
    askTwice("tablet-conflict");
    at("again").focus();
    return;
  }
  if (now.conflict) {
    const second = parse(again.value);
    if ("problem" in second || second.coupon.digits !== digits) {
      at("typed-trouble").textContent = texts.t("tablet-typed-differs");
      again.value = "";
      again.focus();
      return;
    }
  }
  const input = typing.quick && !now.conflict ? "scanner" : "keyed";
  void showCheck({ digits, by: [], confidence: 0, basis: now.conflict ? "twice" : "alone", input, strip: null });
}

// Checking --------------------------------------------------------------------------------------------------------

/** @param {Read} read */
async function showCheck(read) {
  const found = parse(read.digits);
  if ("problem" in found || !now.login || !now.setting) return;
  now.read = read;
  const { coupon } = found;
  const places = (await thing("places")) ?? {};
  const turn = coupon.turn === 0 ? texts.t("turn-open") : texts.t("turn-n", { turn: coupon.turn });
  at("check-parts").replaceChildren(...lineParts(coupon.digits));
  at("check-facts").replaceChildren(
    made("dt", texts.t("field-city")),
    made("dd", places[coupon.municipality] ?? texts.t("unknown-city")),
    made("dt", texts.t("field-turn")),
    made("dd", turn),
  );
  at("check-basis").textContent = basisWords(read);
  drawStrip(read.strip);
  const alone = read.basis === "alone";
  at("register").textContent = texts.t(alone ? "tablet-register-compared" : "check-register");
  at("check-findings").replaceChildren();
  answerBox("check-answer", "", texts.t("tablet-checking"), "");
  show("check");
  signal(alone ? "look" : "good");
  // Where a person has to compare, the first key pressed is "no".
  at(alone ? "leave" : "register").focus({ preventScroll: true });
  await tellWhatIsKnown(read, coupon);
}

/** The 18 digits as people compare them. @param {string} digits */
function lineParts(digits) {
  return [
    pair(texts.t("field-kind"), digits.slice(0, 1)),
    pair(texts.t("field-turn"), digits.slice(1, 2)),
    pair(texts.t("field-city_code"), digits.slice(2, 8)),
    pair(texts.t("field-number"), `${digits.slice(8, 13)} ${digits.slice(13)}`),
  ];
}

/** @param {Read} read */
function basisWords(read) {
  const channels = read.by.map((channel) => texts.t(`channel-${channel}`)).join("・");
  if (read.basis === "codes") return texts.t("tablet-agreed", { channels, percent: percentOf(read.confidence) });
  if (read.basis === "twice") return texts.t("check-twice");
  // No frame was sure of every digit by itself: the bars or the check digit told the rest.
  if (read.input === "ocr" && read.confidence === 0) return texts.t("tablet-completed");
  return channels ? texts.t("tablet-alone", { channels, percent: percentOf(read.confidence) }) : texts.t("check-alone");
}

/** Rounded down: what is nearly sure is not called sure. @param {number} confidence */
function percentOf(confidence) {
  return (Math.floor(confidence * 1000) / 10).toFixed(1);
}

/** @param {Read["strip"]} strip */
function drawStrip(strip) {
  const figure = at("check-strip");
  const canvas = figure.querySelector("canvas");
  figure.hidden = strip === null;
  if (!canvas || !strip) return;
  canvas.width = strip.width;
  canvas.height = strip.height;
  const picture = new ImageData(strip.width, strip.height);
  strip.pixels.forEach((light, place) => picture.data.set([light, light, light, 255], place * 4));
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
}

/**
 * What the server would answer; without it, what the tablet holds.
 * @param {Read} read
 * @param {import("./coupon.js").Coupon} coupon
 */
async function tellWhatIsKnown(read, coupon) {
  const { login, setting } = now;
  if (!login || !setting) return;
  const here = await recordedHere(login, coupon);
  let answer = null;
  try {
    const { given_on, product, lot } = setting;
    const headers = { "content-type": "application/json", accept: "application/json", "x-csrf-token": login.csrf };
    const body = JSON.stringify({ coupon: coupon.digits, given_on, product, lot });
    const signal = AbortSignal.timeout(CHECK_MILLISECONDS_MAX);
    const response = await fetch("/api/v1/checks", { method: "POST", headers, body, redirect: "error", signal });
    if (response.ok) answer = await response.json();
  } catch {
    outbox.stopped("lost");
  }
  // The nurse may be at the next coupon by now.
  if (now.read !== read) return;
  if (here) {
    answerBox("check-answer", "twice", texts.t("tablet-recorded-here"), texts.t("tablet-recorded-here-means"));
  } else if (answer) {
    const would = `${texts.t("check-would")}: ${texts.t(`answer-${answer.answer}`)}`;
    answerBox("check-answer", colourTone(answer.colour), texts.t(`before-${answer.colour}`), would);
  } else {
    await tellFromFilter(login, coupon);
  }
  if (answer) at("check-findings").replaceChildren(...answer.reasons.map(reasonItem));
  else await tellLot(setting);
}

/** What the server would say of the lot, by what is carried. @param {Setting} setting */
async function tellLot(setting) {
  const standing = await standingOfLot(setting);
  const words = lotWords(standing, setting);
  const colour = standing.is === "recalled" ? "red" : "amber";
  at("check-findings").replaceChildren(...(words ? [reasonItem({ colour, ja: words, en: words })] : []));
}

/**
 * @param {Login} login
 * @param {import("./coupon.js").Coupon} coupon
 */
async function tellFromFilter(login, coupon) {
  const bytes = await thing(`used:${login.organisation}`);
  const filter = bytes ? readFilter(bytes) : null;
  if (!filter) {
    answerBox("check-answer", "wait", texts.t("tablet-offline"), texts.t("tablet-offline-nothing"));
  } else if (await contains(filter, usedName(coupon))) {
    answerBox("check-answer", "bad", texts.t("tablet-offline-used"), texts.t("tablet-offline-used-means", { age: ageOf(filter.at) }));
  } else {
    answerBox("check-answer", "wait", texts.t("tablet-offline"), texts.t("tablet-offline-unused", { age: ageOf(filter.at) }));
  }
}

/** The colour before the shot. @param {string} colour */
function colourTone(colour) {
  const tones = { green: "good", amber: "warn" };
  return tones[/** @type {keyof typeof tones} */ (colour)] ?? "bad";
}

/** A reason comes in the server's words. @param {{ colour: string, ja: string, en: string }} reason */
function reasonItem(reason) {
  const item = made("li", "", reason.colour === "red" ? "finding bad" : "finding warn");
  const text = document.createElement("p");
  text.append(made("strong", reason[language()]));
  item.append(text);
  return item;
}

/** The one large word's colour. @param {string} answer */
function tone(answer) {
  const tones = { normal: "good", out_of_residence: "away", interview_only: "talk", pending: "wait", already_recorded: "twice" };
  return tones[/** @type {keyof typeof tones} */ (answer)] ?? "bad";
}

/** @param {{ code: string, day?: string }} finding */
function findingItem(finding) {
  const item = made("li", "", "finding warn");
  const text = document.createElement("p");
  text.append(made("strong", texts.t(`finding-${finding.code}`, { day: finding.day ?? "—" })));
  text.append(made("span", texts.t(`finding-${finding.code}.venue`)));
  item.append(text);
  return item;
}

/**
 * @param {string} id
 * @param {string} className
 * @param {string} word
 * @param {string} means
 */
function answerBox(id, className, word, means) {
  const box = at(id);
  box.className = `answer ${["result-answer", "stop-answer"].includes(id) ? "huge" : "small-answer"} ${className}`;
  box.replaceChildren(made("p", word, "answer-word"), made("p", means));
}

// From paper ------------------------------------------------------------------------------------------------------

/** Why a code is none, in words. */
const DRAFT_REFUSALS = {
  draft_not_a_draft: "tablet-draft-not-a-draft",
  draft_check: "tablet-draft-check",
  draft_version: "tablet-draft-version",
  draft_field: "tablet-draft-field",
};
/** What stands in a code, in words. */
const DRAFT_PARTS = {
  form: "tablet-draft-form",
  city: "field-city_code",
  coupon: "field-number",
  venue: "draft-venue-code",
  day: "field-given_on",
  product: "field-product",
  lot: "field-lot",
};

/** Emptied before the next paper or coupon. */
const DRAFT_FIELDS = ["draft-line", "draft-given_on", "draft-lot", "draft-doctor", "draft-venue_name"];

/**
 * Shows what a form's code says, to be compared with the paper; answers why that cannot be.
 * @param {string} text
 * @returns {Promise<string | null>}
 */
async function openForm(text) {
  const read = await parseDraft(text);
  if ("refusal" in read) {
    const { code, version = "", field = "" } = read.refusal;
    const told = texts.t(DRAFT_REFUSALS[code], { version, field: texts.t(DRAFT_PARTS[/** @type {keyof typeof DRAFT_PARTS} */ (field)] ?? "") });
    return code === "draft_check" ? told : `${told} ${texts.t("tablet-draft-by-hand")}`;
  }
  if (await outbox.holds(read.draft.form)) return texts.t("tablet-draft-before");
  // A frame that was read while the last one was being shown.
  if (!at("view-scan").hidden) await showDraft(read.draft);
  return null;
}

/** @param {import("./draft.js").Draft} draft */
async function showDraft(draft) {
  const { login } = now;
  if (!login) return;
  now.draft = draft;
  const other = draft.venue !== null && draft.venue !== login.facilityCode;
  at("draft-other-venue").hidden = !other;
  at("draft-other-venue").textContent = other ? texts.t("draft-other-venue", { code: draft.venue ?? "" }) : "";
  at("draft-printed").hidden = draft.coupon === null;
  at("draft-line-field").hidden = draft.coupon !== null;
  at("draft-line", HTMLInputElement).required = draft.coupon === null;
  const places = (await thing("places")) ?? {};
  at("draft-parts").replaceChildren(...(draft.coupon ? lineParts(draft.coupon) : []));
  at("draft-city").textContent = draft.coupon ? (places[draft.coupon.slice(2, 8)] ?? texts.t("unknown-city")) : "";
  const day = at("draft-given_on", HTMLInputElement);
  day.max = today();
  day.value = draft.on ?? "";
  await fillProducts("draft-product", draft.on ?? today(), draft.product ?? "");
  const name = at("draft-venue_name", HTMLInputElement);
  name.value = login.organisationName.slice(0, name.maxLength);
  at("draft-lot", HTMLInputElement).value = draft.lot ?? "";
  at("draft-compared", HTMLInputElement).checked = false;
  at("draft-trouble").textContent = "";
  show("draft");
  signal("look");
  at(draft.coupon === null ? "draft-line" : "draft-doctor").focus({ preventScroll: true });
}

/** The day on the paper is another one: its products are. */
async function changeDraftDay() {
  const chosen = at("draft-product", HTMLSelectElement).value;
  await fillProducts("draft-product", at("draft-given_on", HTMLInputElement).value || today(), chosen);
}

async function registerDraft() {
  const { login, draft } = now;
  if (!login || !draft) return;
  const value = (/** @type {string} */ id) => at(`draft-${id}`, id === "product" ? HTMLSelectElement : HTMLInputElement).value.trim();
  // What was printed stays as it was printed, even if its check digit is wrong; what is typed can be typed again.
  const found = draft.coupon ? { coupon: { digits: draft.coupon } } : parse(value("line"));
  if ("problem" in found) {
    at("draft-trouble").textContent = texts.t(found.problem, { got: found.got });
    at("draft-line").focus();
    return;
  }
  const lot = spelt(value("lot"));
  if (!lot) {
    at("draft-trouble").textContent = texts.t(DRAFT_REFUSALS.draft_field, { field: texts.t(DRAFT_PARTS.lot) });
    at("draft-lot").focus();
    return;
  }
  // One tap, one record.
  now.draft = null;
  const { digits } = found.coupon;
  const facts = { given_on: value("given_on"), product: value("product"), lot, doctor: value("doctor"), venue_name: value("venue_name") };
  await keepDose(login, { coupon: digits, ...facts, input: "paper", basis: "alone" }, draft.form);
}

// Recording -------------------------------------------------------------------------------------------------------

async function register() {
  const { login, setting, read } = now;
  if (!login || !setting || !read) return;
  // One tap, one record: a second tap finds nothing to record.
  now.read = null;
  if (setting.day !== today()) {
    await showSettings();
    return;
  }
  const { given_on, product, lot, doctor, venue_name } = setting;
  await keepDose(login, { coupon: read.digits, given_on, product, lot, doctor, venue_name, input: read.input, basis: read.basis });
}

/**
 * Puts a dose into the outbox, shows that it is there, and sends.
 * @param {Login} login
 * @param {Parameters<typeof outbox.record>[1]} dose
 * @param {string} [form] the number of the paper form it was written on
 */
async function keepDose(login, dose, form) {
  let id;
  try {
    id = await outbox.record(login, dose, form);
  } catch {
    answerBox("result-answer", "bad", texts.t("tablet-not-kept"), texts.t("tablet-not-kept-means"));
    signal("bad");
    show("result");
    return;
  }
  await remember(login, dose.coupon);
  now.shown = id;
  answerBox("result-answer", "wait", texts.t("tablet-kept"), texts.t("tablet-kept-means"));
  at("result-findings").replaceChildren();
  show("result");
  at("next-person").focus({ preventScroll: true });
  await outbox.send(login);
}

/** Shows the server's answer once it is there, if its record is still the one on the page. */
async function showReceipt() {
  const { login, shown } = now;
  if (!login || !shown || at("view-result").hidden) return;
  const found = await outbox.receiptOf(login, shown);
  if (!found || now.shown !== shown) return;
  const { receipt } = found;
  now.shown = "";
  const told = texts.t("tablet-receipt", { number: receipt.receipt_number });
  answerBox("result-answer", tone(receipt.answer), texts.t(`answer-${receipt.answer}`), told);
  at("result-findings").replaceChildren(...receipt.findings.map(findingItem));
  signal(receipt.answer === "normal" ? "good" : "look");
}

/** Prints, not numbers, of what was recorded on this tablet. @param {Login} login */
function hereName(login) {
  return `here:${login.organisation}`;
}

/** The tablet's own salt for them. */
async function ownSalt() {
  const kept = await thing("salt");
  if (kept) return kept;
  const salt = crypto.getRandomValues(new Uint8Array(16));
  await keepThing("salt", salt);
  return salt;
}

/**
 * @param {Login} login
 * @param {string} digits
 */
async function remember(login, digits) {
  const found = parse(digits);
  if ("problem" in found) return;
  const own = (await print(await ownSalt(), usedName(found.coupon))).toString(16);
  const kept = (await thing(hereName(login))) ?? { day: "", prints: [] };
  const prints = kept.day === today() ? kept.prints : [];
  await keepThing(hereName(login), { day: today(), prints: [...prints, own] });
}

/**
 * @param {Login} login
 * @param {import("./coupon.js").Coupon} coupon
 */
async function recordedHere(login, coupon) {
  const kept = await thing(hereName(login));
  if (!kept || kept.day !== today()) return false;
  return kept.prints.includes((await print(await ownSalt(), usedName(coupon))).toString(16));
}

// The queue -------------------------------------------------------------------------------------------------------

/** @param {number} since */
function ageOf(since) {
  const minutes = Math.max(0, Math.floor((Date.now() - since) / MINUTE_MILLISECONDS));
  return minutes < 120 ? texts.t("tablet-minutes", { count: minutes }) : texts.t("tablet-hours", { count: Math.floor(minutes / 60) });
}

async function showQueueState() {
  const waits = await outbox.waiting();
  const button = at("open-queue");
  const stuck = waits.some((item) => item.problem) || outbox.line.state === "revoked" || outbox.line.state === "logged_out";
  button.classList.toggle("waits", waits.length > 0);
  button.classList.toggle("stuck", waits.length > 0 && stuck);
  button.textContent = waits.length === 0 ? texts.t("tablet-all-sent") : texts.t("tablet-waits", { count: waits.length, age: ageOf(waits[0].madeAt) });
  if (!at("view-queue").hidden) await fillQueue();
}

function lineWords() {
  const words = {
    unknown: texts.t("tablet-line-unknown"),
    reached: texts.t("tablet-line-reached"),
    lost: texts.t("tablet-line-lost"),
    logged_out: texts.t("tablet-line-logged-out"),
    revoked: texts.t("tablet-line-revoked"),
  }[outbox.line.state];
  const out = Math.abs(outbox.line.skewMillis);
  if (out < SKEW_MILLISECONDS_MAX) return words;
  return `${words} ${texts.t("tablet-skew", { minutes: Math.round(out / MINUTE_MILLISECONDS) })}`;
}

async function fillQueue() {
  const waits = await outbox.waiting();
  at("queue-line").textContent = lineWords();
  at("queue-login").hidden = outbox.line.state !== "logged_out";
  at("queue-list").replaceChildren(...waits.map(queueItem));
  if (!now.login) return;
  const done = await outbox.receipts(now.login);
  at("done-list").replaceChildren(...done.map(doneItem));
}

/** @param {number} at */
function timeOf(at) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" }).format(at);
}

/** @param {import("./outbox.js").Item} item */
function queueItem(item) {
  const line = made("li", "", "record");
  const what = document.createElement("div");
  what.append(made("p", texts.t("tablet-queue-item", { number: item.sequence, login: item.login, age: ageOf(item.madeAt) })));
  if (item.problem) what.append(made("p", `${item.problem.title} — ${item.problem.todo}`, "error"));
  line.append(made("p", timeOf(item.madeAt), "record-time"), what);
  return line;
}

/** @param {{ at: number, sequence: number, receipt: any }} done */
function doneItem(done) {
  const line = made("li", "", "record");
  const { receipt_number: receipt, answer } = done.receipt;
  const text = texts.t("tablet-done-item", { number: done.sequence, receipt, answer: texts.t(`answer-${answer}`) });
  line.append(made("p", timeOf(done.at), "record-time"), made("p", text));
  return line;
}

async function saveQueue() {
  if (!now.login) return;
  const link = document.createElement("a");
  const file = await outbox.asFile(now.login);
  if (!file) {
    at("queue-line").textContent = texts.t("tablet-queue-no-key");
    return;
  }
  link.href = URL.createObjectURL(file);
  link.download = `sesshu-tablet-${today()}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

// Sound and touch -------------------------------------------------------------------------------------------------

const SIGNALS = {
  good: { tones: [880], shake: [60] },
  look: { tones: [660, 660], shake: [60, 60, 60] },
  bad: { tones: [220, 196], shake: [250, 80, 250] },
};
/** @type {AudioContext | null} */
let speaker = null;

/** @param {keyof typeof SIGNALS} kind */
function signal(kind) {
  const { tones, shake } = SIGNALS[kind];
  // A browser that has not been touched yet lets nothing shake or sound.
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(shake);
  if (at("sound").getAttribute("aria-pressed") !== "true" || !navigator.userActivation?.hasBeenActive) return;
  speaker ??= new AudioContext();
  const context = speaker;
  tones.forEach((frequency, place) => {
    const tone = new OscillatorNode(context, { frequency });
    const volume = new GainNode(context, { gain: 0.2 });
    tone.connect(volume).connect(context.destination);
    const start = context.currentTime + place * 0.18;
    tone.start(start);
    tone.stop(start + 0.12);
  });
}

function switchSound() {
  const button = at("sound");
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
}

// Starting --------------------------------------------------------------------------------------------------------

/** Makes the page start without network, and says when a newer one waits. */
async function installWorker() {
  if (!("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.register("/tablet/worker.js", { scope: "/tablet" });
  const offer = () => {
    if (registration.waiting && navigator.serviceWorker.controller) at("update").hidden = false;
  };
  offer();
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", offer));
  at("take-update").addEventListener("click", () => registration.waiting?.postMessage("take-over"));
  let reloading = !navigator.serviceWorker.controller;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (!reloading) location.reload();
    reloading = true;
  });
}

/**
 * @param {string} id
 * @param {() => unknown} act
 */
function onClick(id, act) {
  at(id).addEventListener("click", () => void act());
}

/**
 * @param {string} id
 * @param {() => unknown} act
 */
function onSubmit(id, act) {
  at(id).addEventListener("submit", (event) => {
    event.preventDefault();
    void act();
  });
}

function listen() {
  onClick("start-again", begin);
  onSubmit("name-form", nameDevice);
  onSubmit("settings-form", saveSettings);
  onClick("change-settings", showSettings);
  onSubmit("typed-form", submitTyped);
  at("line").addEventListener("input", typed);
  onClick("register", register);
  onSubmit("draft-form", registerDraft);
  onClick("draft-leave", showScan);
  at("draft-given_on").addEventListener("change", () => void changeDraftDay());
  onClick("leave", showScan);
  onClick("stop-other", chooseOtherLot);
  onClick("stop-given", takeGivenAlready);
  onClick("next-person", showScan);
  onClick("log-out", logOut);
  onClick("sound", switchSound);
  onClick("open-queue", async () => {
    show("queue");
    await fillQueue();
  });
  onClick("queue-send", () => now.login && outbox.sendAll(now.login));
  onClick("queue-file", saveQueue);
  onClick("queue-back", begin);
  onClick("other-language", async () => {
    await choose(language() === "ja" ? "en" : "ja");
    await begin();
  });
  // A scanner types wherever the focus is: what begins a coupon's or a form's code and would go nowhere goes into the field.
  document.addEventListener("keydown", (event) => {
    const elsewhere = !(event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement);
    if (elsewhere && !at("view-scan").hidden && /^[0-9S]$/.test(event.key)) at("line").focus();
  });
  outbox.onChange(() => {
    void showQueueState();
    void showReceipt();
  });
  outbox.renewal.again = async () => ((await findLogin()) === "ready" ? now.login : null);
  outbox.keepSending(() => now.login);
  setInterval(() => now.login && void showQueueState(), MINUTE_MILLISECONDS / 2);
  setInterval(() => now.login && void carryLots(now.login), LOTS_AGAIN_MILLISECONDS);
  window.addEventListener("online", () => now.login && void carryLots(now.login));
}

await load();
listen();
void navigator.storage?.persist?.();
void installWorker();
await begin();
