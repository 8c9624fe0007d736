// @ts-check
// Reading a coupon: the camera, the photo that is sent when chosen, and the field a scanner types into.

import { watchCamera } from "./camera.js";

const DIGITS = 18;
/** A person does not type eighteen digits within this time; a scanner does. */
const SCANNER_MILLISECONDS = 700;

watchField();
watchPhoto();
watchCamera();

/** Counts the digits while they are typed, tells a scanner from a person, and forgets nothing by itself. */
function watchField() {
  const field = document.querySelector("#line");
  const count = document.querySelector("#line-count");
  const way = document.querySelector("#typed-form input[name=way]");
  if (!(field instanceof HTMLInputElement) || !(way instanceof HTMLInputElement)) return;
  let begun = 0;
  field.addEventListener("input", () => {
    const digits = digitsIn(field.value);
    if (digits.length <= 1) begun = performance.now();
    const quick = digits.length === DIGITS && performance.now() - begun < SCANNER_MILLISECONDS;
    way.value = quick ? "scanner" : "keyed";
    if (count instanceof HTMLElement) {
      count.textContent = digits ? (count.dataset.count ?? "").replace("{count}", String(digits.length)) : "";
    }
  });
  // What was refused is chosen whole, so that the next scan replaces it instead of joining it.
  if (field.value) field.select();
  // A scanner types wherever the focus is: a digit that would go nowhere goes into the field.
  document.addEventListener("keydown", (event) => {
    const nowhere = event.target === document.body || event.target instanceof HTMLElement && event.target.id === "main";
    if (nowhere && /^[0-9]$/.test(event.key)) field.focus();
  });
}

/** @param {string} text */
function digitsIn(text) {
  return text.normalize("NFKC").replace(/[^0-9]/g, "");
}

/** Sends a photo as soon as it is chosen: one touch less with gloves. */
function watchPhoto() {
  const form = document.querySelector("#photo-form");
  const photo = document.querySelector("#photo");
  if (!(form instanceof HTMLFormElement) || !(photo instanceof HTMLInputElement)) return;
  // The label becomes the one large button; the field stays for the keyboard.
  form.classList.add("one-touch");
  photo.addEventListener("change", () => {
    if (!photo.files || photo.files.length === 0) return;
    const sending = form.querySelector("[data-sending]");
    if (sending instanceof HTMLElement) sending.hidden = false;
    form.requestSubmit();
  });
}
