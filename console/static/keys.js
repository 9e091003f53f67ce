// Keyboard: / search, j and k move through rows, Enter opens, g and a letter goes to a page, ? tells all this.
const PAGES = { o: "", j: "/jobs", d: "/dead", q: "/queues", s: "/schedules", w: "/workers", i: "/instances", m: "/mail", a: "/audit", b: "/bulk", p: "/people" };
const HELP = ["/  search", "j k  next and previous row", "Enter  open the row", ...Object.entries(PAGES).map(([key, path]) => `g ${key}  ${path.slice(1) || "overview"}`)];

let going = false;

function typing(target) {
  return target instanceof HTMLElement && target.closest("input, select, textarea, dialog") !== null;
}

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.findIndex((row) => row.classList.contains("at"));
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  if (!next) return;
  rows[at]?.classList.remove("at");
  next.classList.add("at");
  next.querySelector("a")?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function help() {
  const dialog = document.createElement("dialog");
  const list = document.createElement("pre");
  list.textContent = HELP.join("\n");
  dialog.append(list);
  dialog.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function search() {
  const field = document.querySelector("[data-search]");
  if (field) field.focus();
  else location.assign("/console/jobs");
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (going && event.key in PAGES) location.assign(`/console${PAGES[event.key]}`);
  else if (event.key === "/") search();
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "?") help();
  else {
    going = event.key === "g";
    return;
  }
  going = false;
  event.preventDefault();
}

export function keys() {
  document.addEventListener("keydown", pressed);
  document.querySelector("[data-theme-choice]")?.addEventListener("change", (event) => event.target.form.submit());
}
