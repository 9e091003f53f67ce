// Keyboard: / search, j and k move through rows, Enter opens, . pauses, g and a letter goes to a page, ? tells all this.
import { pause } from "./live.js";

const PAGES = {
  o: ["", "overview"], j: ["/jobs", "jobs"], d: ["/dead", "dead jobs"], b: ["/bulk", "bulk actions"], q: ["/queues", "queues"],
  s: ["/schedules", "schedules"], w: ["/workers", "workers"], i: ["/instances", "instances"], m: ["/mail", "mail"],
  r: ["/reconciliation", "what is missing"], a: ["/accounts", "accounts"], u: ["/audit", "audit"], p: ["/people", "people (admins)"],
};
const KEYS = [["/", "search"], ["j k", "next and previous row"], ["Enter", "open the row"], [".", "pause or go live"], ["?", "this help"]];

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
  next.querySelector("a, button, summary")?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function element(name, text = "", ...children) {
  const made = document.createElement(name);
  made.textContent = text;
  made.append(...children);
  return made;
}

function help() {
  if (document.querySelector("dialog")) return;
  const list = element("dl");
  list.className = "keys";
  const entries = [...KEYS, ...Object.entries(PAGES).map(([key, [, words]]) => [`g ${key}`, words])];
  for (const [keys, words] of entries) {
    const term = element("dt");
    for (const key of keys.split(" ")) term.append(element("kbd", key), " ");
    list.append(term, element("dd", words));
  }
  const close = element("button", "Close");
  const dialog = element("dialog", "", element("h2", "Keys"), list, close);
  dialog.setAttribute("aria-label", "Keys");
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function search() {
  const field = document.querySelector("[data-search]");
  if (field) field.focus();
  else location.assign("/console/jobs#search");
}

const SINGLE = { "/": search, j: () => move(1), k: () => move(-1), ".": pause, "?": help };

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const there = going ? PAGES[event.key] : undefined;
  going = false;
  if (there) location.assign(`/console${there[0]}`);
  else if (event.key in SINGLE) SINGLE[event.key]();
  else {
    going = event.key === "g";
    return;
  }
  event.preventDefault();
}

export function keys() {
  document.addEventListener("keydown", pressed);
  document.querySelector("[data-theme-choice]")?.addEventListener("change", (event) => event.target.form.submit());
  if (location.hash === "#search") document.querySelector("[data-search]")?.focus();
}
