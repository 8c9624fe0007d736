// @ts-check
// The camera: sends a frame about every second until the server has read a coupon, then hands that frame to the
// same form as a chosen photo, so that there is one way to the check. Nothing is kept between two coupons.

const BETWEEN_FRAMES_MILLISECONDS = 800;
/** Longest side of a frame that is sent, in pixels: more does not make the print more legible. */
const FRAME_SIDE_MAX = 1600;
const FRAME_QUALITY = 0.85;
/** Frames that must say the same before a reading of one code alone is handed on. */
const ALONE_FRAMES = 2;
/** Without a reading for so long the camera rests; it is warm and the battery small. */
const WAITING_MILLISECONDS_MAX = 120_000;

/** Shows the camera where there is one, and says what to do where there is none. */
export function watchCamera() {
  const panel = document.querySelector("#camera");
  if (!(panel instanceof HTMLElement)) return;
  panel.hidden = false;
  const start = panel.querySelector("[data-start]");
  const stop = panel.querySelector("[data-stop]");
  if (!(start instanceof HTMLButtonElement) || !(stop instanceof HTMLButtonElement)) return;
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
    start.hidden = true;
    say(panel, window.isSecureContext ? "none" : "insecure");
    return;
  }
  /** @type {Watch | null} */
  let watch = null;
  start.addEventListener("click", async () => {
    watch?.end();
    watch = new Watch(panel, start, stop);
    await watch.begin();
  });
  stop.addEventListener("click", () => watch?.end());
  window.addEventListener("pagehide", () => watch?.end());
}

/**
 * Puts one of the panel's sentences below the picture.
 * @param {HTMLElement} panel
 * @param {string} sentence the name of a data attribute
 */
function say(panel, sentence) {
  write(panel, panel.dataset[sentence] ?? "");
}

/**
 * @param {HTMLElement} panel
 * @param {string} text
 */
function write(panel, text) {
  const state = panel.querySelector(".camera-state");
  if (state && state.textContent !== text) state.textContent = text;
}

/** One wait for one coupon. */
class Watch {
  /**
   * @param {HTMLElement} panel
   * @param {HTMLButtonElement} start
   * @param {HTMLButtonElement} stop
   */
  constructor(panel, start, stop) {
    this.panel = panel;
    this.start = start;
    this.stop = stop;
    this.video = /** @type {HTMLVideoElement} */ (panel.querySelector("video"));
    this.finder = /** @type {HTMLElement} */ (panel.querySelector(".finder"));
    /** @type {MediaStream | null} */
    this.stream = null;
    this.ended = false;
    this.begun = performance.now();
    /** What was read so far, and in how many frames. */
    this.digits = "";
    this.times = 0;
  }

  async begin() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
    } catch (refusal) {
      const none = refusal instanceof DOMException && refusal.name !== "NotAllowedError";
      say(this.panel, none ? "none" : "refused");
      return;
    }
    if (this.ended) {
      this.end();
      return;
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    this.finder.hidden = false;
    this.start.hidden = true;
    this.stop.hidden = false;
    say(this.panel, "looking");
    while (!this.ended) {
      await this.look();
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_FRAMES_MILLISECONDS));
      if (performance.now() - this.begun > WAITING_MILLISECONDS_MAX) this.end();
    }
  }

  async look() {
    const frame = await this.frame();
    if (!frame || this.ended) return;
    let answer;
    try {
      const response = await fetch("/api/v1/coupons/readings", {
        method: "POST",
        headers: { "content-type": "image/jpeg", "x-csrf-token": this.panel.dataset.csrf ?? "", accept: "application/json" },
        body: frame,
        redirect: "error",
      });
      if (!response.ok) throw new Error(String(response.status));
      answer = await response.json();
    } catch {
      this.end();
      say(this.panel, "lost");
      return;
    }
    // A late answer after the end belongs to nobody.
    if (!this.ended) this.weigh(answer, frame);
  }

  /**
   * @param {{ digits: string | null, by: string[], reason: string | null }} answer
   * @param {Blob} frame
   */
  weigh(answer, frame) {
    if (!answer.digits) {
      const hint = this.panel.querySelector(`template[data-why="${answer.reason ?? ""}"]`);
      write(this.panel, hint instanceof HTMLTemplateElement ? hint.content.textContent ?? "" : this.panel.dataset.looking ?? "");
      return;
    }
    if (this.digits && this.digits !== answer.digits) {
      this.end();
      say(this.panel, "differs");
      return;
    }
    this.digits = answer.digits;
    this.times += 1;
    if (answer.by.length > 1 || this.times >= ALONE_FRAMES) {
      this.hand(frame);
    } else {
      say(this.panel, "comparing");
    }
  }

  /** @param {Blob} frame */
  hand(frame) {
    this.end();
    say(this.panel, "read");
    const form = document.querySelector("#photo-form");
    const photo = document.querySelector("#photo");
    if (!(form instanceof HTMLFormElement) || !(photo instanceof HTMLInputElement)) return;
    const files = new DataTransfer();
    files.items.add(new File([frame], "frame.jpg", { type: "image/jpeg" }));
    photo.files = files.files;
    form.requestSubmit();
  }

  /** @returns {Promise<Blob | null>} */
  async frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width || !height) return null;
    const scale = Math.min(1, FRAME_SIDE_MAX / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const context = canvas.getContext("2d");
    if (!context) return null;
    context.drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", FRAME_QUALITY));
  }

  end() {
    this.ended = true;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.finder.hidden = true;
    this.start.hidden = false;
    this.stop.hidden = true;
  }
}
