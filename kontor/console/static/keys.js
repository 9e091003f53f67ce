// Keyboard shortcuts: / search, j and k next and previous row, Enter open, . pause, g + letter go to page, ? help.
import { pause } from "./live.js";

const PAGES = {
  o: ["", "overview"], j: ["/jobs", "jobs"], d: ["/dead", "dead jobs"], b: ["/bulk", "bulk actions"], q: ["/queues", "queues"],
  s: ["/schedules", "schedules"], w: ["/workers", "workers"], i: ["/instances", "instances"], m: ["/mail", "mail"],
  r: ["/reconciliation", "reconciliation"], a: ["/accounts", "accounts"], u: ["/audit", "audit"], p: ["/people", "settings (admins)"],
};
const KEYS = [["/", "search"], ["j k", "next and previous row"], ["Enter", "open the row"], [".", "pause or resume updates"], ["?", "this help"]];

let prefixed = false;

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
  const node = document.createElement(name);
  node.textContent = text;
  node.append(...children);
  return node;
}

function help() {
  if (document.querySelector("dialog")) return;
  const list = element("dl");
  list.className = "keys";
  const entries = [...KEYS, ...Object.entries(PAGES).map(([key, [, label]]) => [`g ${key}`, label])];
  for (const [keys, label] of entries) {
    const term = element("dt");
    for (const key of keys.split(" ")) term.append(element("kbd", key), " ");
    list.append(term, element("dd", label));
  }
  const close = element("button", "Close");
  const dialog = element("dialog", "", element("h2", "Keyboard shortcuts"), list, close);
  dialog.setAttribute("aria-label", "Keyboard shortcuts");
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
  const page = prefixed ? PAGES[event.key] : undefined;
  prefixed = false;
  if (page) location.assign(`/console${page[0]}`);
  else if (event.key in SINGLE) SINGLE[event.key]();
  else {
    prefixed = event.key === "g";
    return;
  }
  event.preventDefault();
}

export function keys() {
  document.addEventListener("keydown", pressed);
  const theme = document.querySelector("[data-theme-choice]");
  theme?.addEventListener("change", () => theme.form.submit());
  // Chosen before this script was here.
  if (theme && theme.value !== document.documentElement.dataset.theme) theme.form.submit();
  if (location.hash === "#search") document.querySelector("[data-search]")?.focus();
}
