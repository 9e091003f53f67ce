// Saves a line as soon as it is changed, one change after the other, and keeps what is typed in the other lines.
const said = document.querySelector("[data-said]");
const announce = (text) => { said.textContent = ""; requestAnimationFrame(() => { said.textContent = text; }); };
const selected = (form, ...values) => values.includes(form.elements.term?.value);
const complete = (form) => form.checkValidity()
  && !(selected(form, "other") && !form.elements.term_number.value)
  && !(selected(form, "until") && !form.elements.term_until.value);
let saving = Promise.resolve();
const save = async (line) => {
  if (!line.isConnected) return;
  const form = line.querySelector("[data-saves]");
  const content = () => String(new URLSearchParams(new FormData(form)));
  const sent = content();
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(sent) });
  if (answer.redirected && !new URL(answer.url).searchParams.has("done")) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const lines = [...line.parentElement.children], rows = [...page.querySelectorAll("[data-line]")];
  if (rows.length !== lines.length) return answer.ok ? location.reload() : form.requestSubmit();
  const fresh = rows[lines.indexOf(line)];
  announce((fresh.querySelector(".error") ?? page.querySelector("main > .notice"))?.textContent ?? "");
  // What was changed while this one was on its way is saved next.
  if (content() !== sent) return (form.elements.seen.value = fresh.querySelector("[name=seen]").value);
  const fields = [...line.querySelectorAll("input, select, button")], at = fields.indexOf(document.activeElement);
  line.replaceWith(fresh);
  ready(fresh);
  if (at >= 0) [...fresh.querySelectorAll("input, select, button")][at]?.focus();
};
const ready = (line) => { line.querySelector("[data-save]").hidden = true; };
for (const line of document.querySelectorAll("[data-line]")) ready(line);
document.addEventListener("change", (event) => {
  const line = event.target.closest("[data-line]");
  if (!line || !complete(event.target.form)) return;
  // A line that cannot be saved this way shows its button again.
  saving = saving.then(() => save(line)).catch(() => { line.querySelector("[data-save]").hidden = false; });
});

// The list shows what the field has; a product in it fills the field, and its terms are those to choose from.
const add = document.querySelector("[data-adds]");
const links = [...(add?.querySelectorAll("[data-product]") ?? [])];
const plain = (text) => text.trim().toLowerCase().normalize("NFC");
const narrow = () => {
  const typed = plain(add.elements.product.value);
  const chosen = links.find((link) => typed === plain(link.dataset.label) || typed === link.dataset.product);
  for (const link of links) {
    const text = `${plain(link.dataset.label)} ${link.dataset.product}`;
    link.parentElement.hidden = !chosen && !text.includes(typed);
    link.setAttribute("aria-current", link === chosen);
  }
  const terms = chosen?.dataset.terms ? chosen.dataset.terms.split(" ") : null;
  const term = add.elements.term;
  for (const option of term.options) option.hidden = option.disabled = terms !== null && !terms.includes(option.value);
  if (term.selectedOptions[0]?.disabled) term.value = [...term.options].find((option) => !option.disabled)?.value ?? "";
};
add?.elements.product.addEventListener("input", narrow);
add?.addEventListener("click", (event) => {
  const link = event.target.closest("[data-product]");
  // Terms that are not among those on the page come with it.
  const terms = link?.dataset.terms ? link.dataset.terms.split(" ") : [];
  if (!link || !terms.every((each) => [...add.elements.term.options].some((option) => option.value === each))) return;
  event.preventDefault();
  add.elements.product.value = link.dataset.label;
  narrow();
  add.elements.count.focus();
});
