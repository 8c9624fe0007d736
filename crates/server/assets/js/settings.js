// @ts-check
// The day's settings: shows the caution as soon as another day is chosen, and fills in a suggestion on request.

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("#settings"));
const day = /** @type {HTMLInputElement | null} */ (document.querySelector("#given_on"));
const caution = /** @type {HTMLElement | null} */ (document.querySelector("#other-day-caution"));
const tick = /** @type {HTMLInputElement | null} */ (document.querySelector("#other_day"));
const showProducts = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-show-products]"));

if (form && day && caution && tick && showProducts) {
  const today = form.dataset.today ?? "";
  day.addEventListener("change", () => {
    const other = day.value !== "" && day.value !== today;
    caution.hidden = !other;
    tick.checked = false;
    // The vaccines in use depend on the day; the server knows which.
    if (day.validity.valid) showProducts.click();
  });
  showProducts.hidden = true;
}

for (const button of document.querySelectorAll("button[data-fill]")) {
  if (!(button instanceof HTMLButtonElement)) continue;
  const field = document.getElementById(button.dataset.fill ?? "");
  if (!(field instanceof HTMLInputElement)) continue;
  button.hidden = false;
  button.addEventListener("click", () => {
    field.value = button.dataset.value ?? "";
    field.focus();
  });
}

// A photo of the seal is sent as soon as it is chosen: one touch less with gloves.
const photoForm = document.querySelector("#seal-photo");
const photo = document.querySelector("#photo");
if (photoForm instanceof HTMLFormElement && photo instanceof HTMLInputElement) {
  photoForm.classList.add("one-touch");
  photo.addEventListener("change", () => {
    if (!photo.files || photo.files.length === 0) return;
    const sending = photoForm.querySelector("[data-sending]");
    if (sending instanceof HTMLElement) sending.hidden = false;
    photoForm.requestSubmit();
  });
}

// A hand scanner ends with Enter before the other fields are filled in: the seal is read first.
const seal = document.querySelector("#seal");
if (form && seal instanceof HTMLInputElement) {
  seal.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || seal.value === "") return;
    event.preventDefault();
    form.noValidate = true;
    form.requestSubmit();
  });
  // The separator of the code is a control key to a browser; it must neither act nor be lost.
  seal.addEventListener("keydown", (event) => {
    if (!event.ctrlKey || event.key !== "]") return;
    event.preventDefault();
    seal.setRangeText("|", seal.selectionStart ?? seal.value.length, seal.selectionEnd ?? seal.value.length, "end");
  });
}
