// Loads the page again when the number that it shows has changed, of open offers or another, or it may not be seen any more.
const shown = {{ live_count|default(open_offers) }};
const ask = async () => {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await fetch("{{ live }}", { headers: { Accept: "application/json" }, redirect: "manual" });
    if (!answer.ok || (await answer.json()).count !== shown) location.reload();
  } catch {
    // Away for a moment: asked again at the next turn.
  }
};
setInterval(ask, {{ 2000 if live_count is defined else 4000 if client else 20000 }});
document.addEventListener("visibilitychange", ask);
