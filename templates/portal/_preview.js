// Shows the brand as it is typed: the form is sent into the frame, a moment after the last key.
const button = document.querySelector("[data-preview]");
const colour = /^(#[0-9a-f]{6})?$/i;
let timer;
const show = () => {
  const colours = [...button.form.querySelectorAll('[name^="colours."]')];
  if (!button.form.checkValidity() || !colours.every((field) => colour.test(field.value.trim()))) return;
  // A new frame, so that what was typed does not fill the browser's history.
  const frame = document.querySelector("iframe.preview");
  const fresh = frame.cloneNode();
  fresh.removeAttribute("src");
  frame.replaceWith(fresh);
  button.form.requestSubmit(button);
};
document.addEventListener("input", (event) => {
  if (event.target.form !== button.form) return;
  clearTimeout(timer);
  timer = setTimeout(show, 400);
});
