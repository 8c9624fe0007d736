// @ts-check
// The check before recording. The first thing to do has the focus, without the page jumping away from
// the digits that are to be looked at. A second press of the button while the first is under way does nothing.
// (The server would answer it with the same record; this only keeps the page calm.)

const first = document.querySelector("[data-first]");
if (first instanceof HTMLElement) first.focus({ preventScroll: true });

const form = document.querySelector("#register");
if (form instanceof HTMLFormElement) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  // Coming back by the browser's button, the page is to be sent again if need be.
  window.addEventListener("pageshow", () => {
    sent = false;
  });
}
