// Keeps the list as it is on the server: rows that changed are replaced, and what had the focus has it again.
const said = document.querySelector("[data-said]");
const shown = document.querySelector("[data-watched]");
const place = (element) => {
  const row = element?.closest("[data-offer]");
  return row && { offer: row.dataset.offer, to: element.getAttribute("href") ?? element.form?.getAttribute("action") };
};
const focus = ({ offer, to }) => {
  const row = shown.querySelector(`[data-offer="${offer}"]`);
  const same = [...(row?.querySelectorAll("a, button") ?? [])].find((each) => (each.getAttribute("href") ?? each.form?.getAttribute("action")) === to);
  (same ?? row?.querySelector("th"))?.focus();
};
const offers = (list) => [...list.querySelectorAll("[data-offer]")];
const order = (rows) => rows.map((row) => row.dataset.offer).join();
const update = (list) => {
  const before = offers(shown), rows = offers(list);
  const states = new Map(before.map((row) => [row.dataset.offer, row.dataset.state]));
  const changed = rows.filter((row) => states.has(row.dataset.offer) && states.get(row.dataset.offer) !== row.dataset.state);
  const held = shown.contains(document.activeElement) ? place(document.activeElement) : null;
  if (order(before) !== order(rows)) shown.replaceChildren(...list.childNodes);
  else rows.forEach((row, at) => before[at].isEqualNode(row) || before[at].replaceWith(row));
  shown.dataset.mark = list.dataset.mark;
  if (held && !shown.contains(document.activeElement)) focus(held);
  if (changed.length) said.textContent = changed.map((row) => `${row.querySelector("bdi").textContent}: ${row.querySelector(".chip").textContent}`).join(". ");
};
const ask = async () => {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await fetch(`${shown.dataset.watched}seen=${shown.dataset.mark}`, { redirect: "manual" });
    // Signed out, or not allowed any more: the page itself says so.
    if (answer.type === "opaqueredirect" || answer.status === 403 || answer.status === 404) return location.reload();
    if (answer.status !== 200) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    update(document.adoptNode(page.querySelector("[data-watched]")));
  } catch {
    // Away for a moment: asked again at the next turn.
  }
};
setInterval(ask, 5000);
document.addEventListener("visibilitychange", ask);
