// @ts-check
// Reads frames beside the page: QR code and bars by zxing, the printed line and the weighing by the reader that also
// runs on the server, built to WebAssembly. No frame leaves this file.

import { mayBeForm } from "./draft.js";
import { prepareZXingModule, readBarcodes } from "../vendor/zxing-wasm/es/reader/index.js";

const DECODING = {
  formats: /** @type {any} */ (["QRCode", "Codabar"]),
  tryHarder: true,
  tryRotate: true,
  tryInvert: false,
  maxNumberOfSymbols: 4,
  // Bars have no check character: as many rows must say the same.
  minLineCount: 3,
  // Start and stop letters would come along otherwise.
  textMode: /** @type {any} */ ("Plain"),
};

/** Texts that a QR code of a coupon has; of several codes, one like this is the coupon's. */
const COUPON = /^[0-9]{18}$/;

/** @type {Promise<Reader> | null} */
let ready = null;

class Reader {
  /** @param {any} calls */
  constructor(calls) {
    this.calls = calls;
  }

  static async load() {
    const address = new URL("./reader.wasm", import.meta.url);
    const decoder = new URL("../vendor/zxing-wasm/reader/zxing_reader.wasm", import.meta.url);
    // Without this the library would fetch its module from another host.
    const overrides = { locateFile: () => decoder.href };
    const [module] = await Promise.all([
      WebAssembly.instantiateStreaming(fetch(address)),
      prepareZXingModule({ overrides, fireImmediately: true }),
    ]);
    return new Reader(module.instance.exports);
  }

  /**
   * @param {(bytes: number) => number} room
   * @param {Uint8Array} bytes
   */
  write(room, bytes) {
    const start = room(bytes.length);
    new Uint8Array(this.calls.memory.buffer, start, bytes.length).set(bytes);
  }

  /**
   * @param {number} width
   * @param {number} height
   * @param {Uint8Array} grey
   * @param {string} qr
   * @param {string} bars
   * @param {number} takenAt
   */
  read(width, height, grey, qr, bars, takenAt) {
    this.write(this.calls.frame_room, grey);
    this.write(this.calls.qr_room, new TextEncoder().encode(qr));
    this.write(this.calls.bars_room, new TextEncoder().encode(bars));
    return this.reading(this.answer(this.calls.read(width, height, takenAt)), bars);
  }

  /** @param {number} length */
  answer(length) {
    return new TextDecoder().decode(new Uint8Array(this.calls.memory.buffer, this.calls.answer_start(), length));
  }

  /**
   * What becomes of typed digits, held against what the camera read of this coupon.
   * @param {string} digits
   */
  typed(digits) {
    this.write(this.calls.qr_room, new TextEncoder().encode(digits));
    return this.answer(this.calls.typed());
  }

  /**
   * @param {string} lines
   * @param {string} bars
   */
  reading(lines, bars) {
    /** @type {import("./camera.js").Reading} */
    const reading = {
      outcome: "nothing_found", digits: null, by: [], confidence: 0, bars: bars || null, conflict: [], strip: null, ocr: null, ocrConfidence: 0,
      session: 0, decision: { is: "looking", digits: null }, light: "even",
    };
    for (const line of lines.split("\n")) {
      const [name, ...values] = line.split(" ");
      if (name === "outcome") reading.outcome = values[0];
      if (name === "digits") reading.digits = values[0];
      if (name === "by") reading.by = values;
      if (name === "confidence") reading.confidence = Number(values[0]);
      if (name === "ocr") reading.ocr = values[0];
      if (name === "ocr_confidence") reading.ocrConfidence = Number(values[0]);
      if (name === "session") reading.session = Number(values[0]);
      if (name === "decision") reading.decision = { is: /** @type {any} */ (values[0]), digits: values[1] || null };
      if (name === "conflict") reading.conflict.push({ channel: values[0], digits: values[1] });
      if (name === "strip") {
        const [width, height] = values.map(Number);
        const pixels = new Uint8Array(this.calls.memory.buffer, this.calls.strip_start(), width * height).slice();
        reading.strip = { width, height, pixels };
      }
    }
    return reading;
  }
}

/** @param {ImageData} picture */
function greyOf(picture) {
  const { data } = picture;
  const grey = new Uint8Array(data.length / 4);
  // Rec. 601, in thousandths.
  for (let from = 0, to = 0; to < grey.length; from += 4, to += 1) {
    grey[to] = (299 * data[from] + 587 * data[from + 1] + 114 * data[from + 2] + 500) / 1000;
  }
  return grey;
}

/**
 * Too dark, too bright or without any edge: what the reader cannot say, since it sees no line at all.
 * @param {Uint8Array} grey
 * @param {number} width
 */
function light(grey, width) {
  let bright = 0;
  let dark = 0;
  let steps = 0;
  let looked = 0;
  for (let place = 1; place < grey.length; place += 7) {
    if (place % width === 0) continue;
    looked += 1;
    if (grey[place] > 250) bright += 1;
    if (grey[place] < 40) dark += 1;
    if (Math.abs(grey[place] - grey[place - 1]) > 24) steps += 1;
  }
  if (bright > looked * 0.25) return "glare";
  if (dark > looked * 0.8) return "dark";
  if (steps < looked * 0.002) return "blurred";
  return "even";
}

/** @returns {Promise<Reader>} */
function loaded() {
  ready ??= Reader.load();
  return ready;
}

/**
 * @param {ImageData} picture
 * @param {number} takenAt
 */
async function read(picture, takenAt) {
  const reader = await loaded();
  const codes = await readBarcodes(picture, DECODING);
  const texts = (/** @type {string} */ format) => codes.filter((code) => code.isValid && code.format === format).map((code) => code.text.trim());
  const squares = texts("QRCode");
  // A form has the person's coupon printed or stuck on it: where its own code is in view, the form is meant.
  const form = squares.find(mayBeForm);
  if (form !== undefined) return { form };
  const qr = squares.find((text) => COUPON.test(text)) ?? squares[0] ?? "";
  const bars = texts("Codabar").map((text) => text.replace(/^[A-Da-d]|[A-Da-d]$/g, "")).find((text) => /^([0-9]{10}|[0-9]{18})$/.test(text)) ?? "";
  const grey = greyOf(picture);
  const reading = reader.read(picture.width, picture.height, grey, qr, bars, takenAt);
  const line = reading.ocr !== null || reading.strip !== null;
  return { ...reading, light: line || qr || bars ? "even" : light(grey, picture.width) };
}

/** @type {OffscreenCanvasRenderingContext2D | null} */
let canvas = null;

/** Each waits for the one before, so that a frame belongs to the coupon for which it was sent. */
let turn = Promise.resolve();

self.onmessage = (/** @type {MessageEvent} */ { data }) => {
  turn = turn.then(() => work(data));
};

/** @param {any} data */
async function work(data) {
  const { session, frame, takenAt, typed } = data;
  try {
    if (typed !== undefined) {
      self.postMessage({ session, typed: (await loaded()).typed(typed) });
      return;
    }
    if (!frame) {
      (await loaded()).calls.next_coupon(takenAt);
      return;
    }
    const begun = performance.now();
    canvas ??= new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    if (!canvas) throw new Error("no canvas");
    canvas.canvas.width = frame.width;
    canvas.canvas.height = frame.height;
    canvas.drawImage(frame, 0, 0);
    const picture = canvas.getImageData(0, 0, frame.width, frame.height);
    frame.close();
    const found = await read(picture, takenAt);
    if ("form" in found) {
      self.postMessage({ session, form: found.form });
      return;
    }
    self.postMessage({ session, reading: found, milliseconds: performance.now() - begun });
  } catch (error) {
    self.postMessage({ session, failed: String(error) });
  }
}
