// Buttons marked data-passkey ask the browser for a passkey, put its answer into the form and send it.
function bytes(text) {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}

function text(buffer) {
  const raw = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function identified(list) {
  return (list ?? []).map((item) => ({ ...item, id: bytes(item.id) }));
}

async function create(options) {
  const user = { ...options.user, id: bytes(options.user.id) };
  const publicKey = { ...options, user, challenge: bytes(options.challenge), excludeCredentials: identified(options.excludeCredentials) };
  const made = await navigator.credentials.create({ publicKey });
  const response = { clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) };
  return { id: made.id, rawId: text(made.rawId), type: made.type, response };
}

async function get(options) {
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: identified(options.allowCredentials) };
  const got = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature } = got.response;
  const response = { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature) };
  return { id: got.id, rawId: text(got.rawId), type: got.type, response };
}

async function ask(button) {
  const options = JSON.parse(button.dataset.options);
  const answer = await (button.dataset.passkey === "create" ? create(options) : get(options));
  button.form.querySelector("[data-credential]").value = JSON.stringify(answer);
  button.form.noValidate = true;
  button.form.requestSubmit();
}

export function passkeys() {
  for (const button of document.querySelectorAll("button[data-passkey]")) {
    if (!window.PublicKeyCredential) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      ask(button).catch((error) => {
        const problem = button.form.querySelector("[data-problem]");
        problem.textContent = button.dataset.refused ?? `The browser did not give a passkey: ${error.message}`;
        problem.hidden = false;
      });
    });
  }
}
