// @ts-check
// The check before recording: a second press of the button while the first is under way does nothing.
// (The server would answer it with the same record; this only keeps the page calm.)

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
