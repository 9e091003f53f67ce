// Says of the client that is chosen whether its system can be reached.
const clients = document.querySelector("#account_id");
const said = document.querySelector("p[data-system]");
const show = () => {
  const chosen = clients.selectedOptions[0];
  if (!said || !chosen || said.textContent === chosen.dataset.reached) return;
  said.textContent = chosen.dataset.reached;
  said.dataset.system = chosen.dataset.system;
};
clients.addEventListener("change", show);
show();
