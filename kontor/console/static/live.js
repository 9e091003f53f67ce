// Refreshes elements marked data-live over server-sent events while the page is visible and not paused.
let paused = false;
let source = null;
let button = null;

function inUse(part) {
  const chosen = document.getSelection();
  const marked = chosen !== null && !chosen.isCollapsed && part.contains(chosen.anchorNode);
  const typing = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  return marked || typing;
}

// Focus, current row, open details and scroll position are restored by their index within the element.
function elements(part, selector) {
  return [...part.querySelectorAll(selector)];
}

function replace(part, html) {
  const focus = elements(part, "a, button, summary").indexOf(document.activeElement);
  const at = elements(part, "[data-row]").findIndex((row) => row.classList.contains("at"));
  const open = new Set(elements(part, "details").flatMap((one, index) => (one.open ? [index] : [])));
  const across = elements(part, ".scroll").map((one) => one.scrollLeft);
  part.innerHTML = html;
  elements(part, "details").forEach((one, index) => { one.open = open.has(index); });
  elements(part, ".scroll").forEach((one, index) => { one.scrollLeft = across[index] ?? 0; });
  if (at >= 0) elements(part, "[data-row]")[at]?.classList.add("at");
  if (focus >= 0) elements(part, "a, button, summary")[focus]?.focus({ preventScroll: true });
}

function update(event) {
  const { name, html } = JSON.parse(event.data);
  for (const part of document.querySelectorAll(`[data-live="${name}"]`)) if (!inUse(part)) replace(part, html);
  setLabel("Pause updates");
}

function setLabel(text) {
  button.textContent = text;
  button.setAttribute("aria-pressed", String(paused));
}

function connect() {
  source?.close();
  source = null;
  if (paused || document.hidden) return;
  source = new EventSource(location.href);
  source.addEventListener("part", update);
  source.addEventListener("over", () => { source.close(); location.reload(); });
  source.addEventListener("error", () => { if (source?.readyState !== EventSource.OPEN) setLabel("Connecting…"); });
  source.addEventListener("open", () => setLabel("Pause updates"));
}

export function pause() {
  if (!button) return;
  paused = !paused;
  setLabel(paused ? "Resume updates" : "Connecting…");
  connect();
}

export function live() {
  const first = document.querySelector("[data-live]");
  if (!first) return;
  button = document.createElement("button");
  button.className = "small live";
  button.type = "button";
  button.addEventListener("click", pause);
  setLabel("Connecting…");
  document.querySelector("h1")?.before(button);
  document.addEventListener("visibilitychange", connect);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  connect();
}
