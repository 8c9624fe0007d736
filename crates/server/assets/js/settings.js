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
