// Parts marked data-live are fetched anew every five seconds while the page is seen and not paused.
const EVERY = 5000;

let paused = false;

function reading() {
  const chosen = document.getSelection();
  return chosen !== null && !chosen.isCollapsed;
}

async function refresh() {
  if (paused || document.hidden || reading()) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (other && !part.contains(document.activeElement)) part.replaceChildren(...other.childNodes);
  }
}

function button() {
  const made = document.createElement("button");
  made.className = "small live";
  made.type = "button";
  const tell = () => {
    made.textContent = paused ? "Paused: go live" : "Live: pause";
    made.setAttribute("aria-pressed", String(paused));
  };
  made.addEventListener("click", () => {
    paused = !paused;
    tell();
  });
  tell();
  return made;
}

export function live() {
  if (!document.querySelector("[data-live]")) return;
  document.querySelector("h1")?.before(button());
  setInterval(refresh, EVERY);
}
