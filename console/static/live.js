// Parts marked data-live come anew over server-sent events while the page is seen and not paused.
let paused = false;
let source = null;
let button = null;

function reading(part) {
  const chosen = document.getSelection();
  const marked = chosen !== null && !chosen.isCollapsed && part.contains(chosen.anchorNode);
  const typing = part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  return marked || typing;
}

// What was in focus, at and unfolded before stays so after: by its place in the part.
function place(part, selector) {
  return [...part.querySelectorAll(selector)];
}

function replace(part, html) {
  const focus = place(part, "a, button, summary").indexOf(document.activeElement);
  const at = place(part, "[data-row]").findIndex((row) => row.classList.contains("at"));
  const open = new Set(place(part, "details").flatMap((one, index) => (one.open ? [index] : [])));
  const across = place(part, ".scroll").map((one) => one.scrollLeft);
  part.innerHTML = html;
  place(part, "details").forEach((one, index) => { one.open = open.has(index); });
  place(part, ".scroll").forEach((one, index) => { one.scrollLeft = across[index] ?? 0; });
  if (at >= 0) place(part, "[data-row]")[at]?.classList.add("at");
  if (focus >= 0) place(part, "a, button, summary")[focus]?.focus({ preventScroll: true });
}

function take(event) {
  const { name, html } = JSON.parse(event.data);
  for (const part of document.querySelectorAll(`[data-live="${name}"]`)) if (!reading(part)) replace(part, html);
  tell("Live: pause");
}

function tell(words) {
  button.textContent = words;
  button.setAttribute("aria-pressed", String(paused));
}

function connect() {
  source?.close();
  source = null;
  if (paused || document.hidden) return;
  source = new EventSource(location.href);
  source.addEventListener("part", take);
  source.addEventListener("over", () => { source.close(); location.reload(); });
  source.addEventListener("error", () => { if (source?.readyState !== EventSource.OPEN) tell("Live: connecting…"); });
  source.addEventListener("open", () => tell("Live: pause"));
}

export function pause() {
  if (!button) return;
  paused = !paused;
  tell(paused ? "Paused: go live" : "Live: connecting…");
  connect();
}

export function live() {
  const first = document.querySelector("[data-live]");
  if (!first) return;
  button = document.createElement("button");
  button.className = "small live";
  button.type = "button";
  button.addEventListener("click", pause);
  tell("Live: connecting…");
  document.querySelector("h1")?.before(button);
  document.addEventListener("visibilitychange", connect);
  addEventListener("pagehide", () => source?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  connect();
}
