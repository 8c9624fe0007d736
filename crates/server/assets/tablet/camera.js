// @ts-check
// The camera: stays open between coupons, and hands the worker one frame after the other while a coupon is wanted.

/** Between two frames, so that a tablet stays cool. */
const BETWEEN_FRAMES_MILLISECONDS = 60;
/** Longest side of a frame that is read, in pixels: more does not make the print more legible. */
const FRAME_SIDE_MAX = 1600;

/**
 * @typedef {{ outcome: string, digits: string | null, by: string[], confidence: number, bars: string | null,
 *   conflict: { channel: string, digits: string }[], strip: { width: number, height: number, pixels: Uint8Array } | null,
 *   ocr: string | null, ocrConfidence: number, session: number,
 *   decision: { is: "looking" | "auto" | "confirm" | "conflict" | "no_read", digits: string | null },
 *   light: "even" | "glare" | "dark" | "blurred" }} Reading what the reader says of one frame, and of the coupon so far
 * @typedef {{ reading: Reading, channels: string[], strip: Reading["strip"], confidence: number, milliseconds: number }} Seen
 */

export class Camera {
  /**
   * @param {HTMLVideoElement} video
   * @param {(seen: Seen) => void} onSeen
   * @param {(text: string) => void} onForm the code of a disaster form is in view
   * @param {(why: string) => void} onFailure
   */
  constructor(video, onSeen, onForm, onFailure) {
    this.video = video;
    this.onSeen = onSeen;
    this.onForm = onForm;
    this.onFailure = onFailure;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** Counts up with every coupon: a frame of the one before is dropped, however late it is answered. */
    this.session = 0;
    this.wanted = false;
    /** What the reader's present session has shown; a new one begins with nothing. */
    this.coupon = { session: 0, channels: new Set(), strip: /** @type {Reading["strip"]} */ (null), confidence: 0 };
    /** @type {((typed: string) => void) | null} */
    this.onTyped = null;
    this.worker = new Worker(new URL("./reader-worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.answered(data);
    this.worker.onerror = () => this.onFailure("reader");
  }

  /** @returns {Promise<boolean>} */
  async open() {
    if (this.stream) return true;
    if (!navigator.mediaDevices?.getUserMedia) {
      this.onFailure(window.isSecureContext ? "none" : "insecure");
      return false;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
    } catch (refusal) {
      this.onFailure(refusal instanceof DOMException && refusal.name === "NotAllowedError" ? "refused" : "none");
      return false;
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    return true;
  }

  close() {
    this.rest();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  /** Begins with the next coupon. */
  look() {
    this.session += 1;
    this.wanted = true;
    this.worker.postMessage({ session: this.session, takenAt: performance.now() });
    void this.next();
  }

  /** Looks no more; what is still being read is nobody's. */
  rest() {
    this.session += 1;
    this.wanted = false;
  }

  async next() {
    const { session } = this;
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!this.wanted || !this.stream) return;
    if (!width || document.visibilityState !== "visible") {
      setTimeout(() => session === this.session && this.next(), 200);
      return;
    }
    const scale = Math.min(1, FRAME_SIDE_MAX / Math.max(width, height));
    const size = { resizeWidth: Math.round(width * scale), resizeHeight: Math.round(height * scale) };
    const frame = await createImageBitmap(this.video, size);
    if (session === this.session) this.worker.postMessage({ session, frame, takenAt: performance.now() }, [frame]);
    else frame.close();
  }

  /**
   * Holds typed digits against what was read of this coupon: `accepted`, `again`, `differs` or `refused`.
   * @param {string} digits
   * @returns {Promise<string>}
   */
  typed(digits) {
    return new Promise((resolve) => {
      this.onTyped = resolve;
      this.worker.postMessage({ session: this.session, typed: digits });
    });
  }

  /** @param {any} data */
  answered({ session, reading, form, milliseconds, failed, typed }) {
    if (typed !== undefined || (failed && this.onTyped)) {
      // A reader that does not work has read nothing that could be contradicted.
      this.onTyped?.(typed ?? "accepted");
      this.onTyped = null;
      return;
    }
    if (session !== this.session) return;
    if (failed) {
      this.onFailure("reader");
      return;
    }
    const lookOn = () => setTimeout(() => session === this.session && this.next(), BETWEEN_FRAMES_MILLISECONDS);
    if (form !== undefined) {
      this.onForm(form);
      lookOn();
      return;
    }
    if (reading.session !== this.coupon.session) this.coupon = { session: reading.session, channels: new Set(), strip: null, confidence: 0 };
    for (const channel of reading.by) this.coupon.channels.add(channel);
    if (reading.bars) this.coupon.channels.add("nw7");
    this.coupon.strip = reading.strip ?? this.coupon.strip;
    this.coupon.confidence = Math.max(this.coupon.confidence, reading.confidence);
    const { strip, confidence } = this.coupon;
    this.onSeen({ reading, channels: [...this.coupon.channels], strip, confidence, milliseconds });
    lookOn();
  }
}
