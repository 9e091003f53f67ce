"""Clients that four generators make of docs/openapi.json: each compiles and lives one story on a running Kontor.

`make clients` installs the generators; without them the tests are skipped. Go's client compiles where a toolchain is.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.clients.conftest import RunningKontor
from workers.migrations import ROOT

pytestmark = pytest.mark.timeout(400)
TOOLS: Final = ROOT / ".client-tools"
DOCUMENT: Final = ROOT / "docs" / "openapi.json"
EXPECTED: Final = {
    "kind": "client",
    "net": "27.00",
    "state": "pending",
    "orders": ["G-1"],
    "again": "G-1",
    "code": "not_found",
}

PYTHON_CLIENT: Final = """
import datetime, json, os, uuid
from generated import AuthenticatedClient
from generated.api.accounts import create_account, get_account
from generated.api.orders import list_orders, place_order
from generated.api.payments import post_payment
from generated.api.resellers import become_reseller, create_client
from generated.models import (
    AccountIn, AccountOut, BecomeResellerIn, ClientIn, InvitedOut, MoneyIn, OrderIn, OrderOut, PaymentIn, PaymentKind,
    ProblemOut,
)

client = AuthenticatedClient(os.environ["KONTOR_URL"], os.environ["KONTOR_KEY"])
name = os.environ["STORY"]
made = create_account.sync(client=client, body=AccountIn(programme="centre", name=name, admin_email="a@one.example"))
assert isinstance(made, AccountOut)
reseller = become_reseller.sync(made.id, client=client, body=BecomeResellerIn())
customer = create_client.sync(made.id, client=client, body=ClientIn(name=name + " client", admin_email="b@one.example"))
assert isinstance(customer, InvitedOut)
paid = PaymentIn(MoneyIn("100.00", "EUR"), PaymentKind.PAYMENT, datetime.datetime.now(datetime.UTC), "G-1")
post_payment.sync(made.id, client=client, body=paid)
order = OrderIn(order_ref="G-1", product="server")
placed = place_order.sync(made.id, client=client, body=order)
again = place_order.sync(made.id, client=client, body=order)
assert isinstance(placed, OrderOut) and isinstance(again, OrderOut)
missing = get_account.sync(uuid.uuid4(), client=client)
assert isinstance(missing, ProblemOut)
print(json.dumps({
    "kind": str(customer.kind), "net": placed.net.amount, "state": str(placed.state),
    "orders": [each.order_ref for each in list_orders.sync(made.id, client=client).items],
    "again": again.order_ref, "code": str(missing.code),
}))
"""

PYTHON_GENERATOR: Final = """
import datetime, json, os, uuid
import generated
from generated.api import AccountsApi, OrdersApi, PaymentsApi, ResellersApi
from generated.exceptions import NotFoundException
from generated.models import AccountIn, BecomeResellerIn, ClientIn, MoneyIn, OrderIn, PaymentIn, PaymentKind

configuration = generated.Configuration(host=os.environ["KONTOR_URL"], access_token=os.environ["KONTOR_KEY"])
name = os.environ["STORY"]
with generated.ApiClient(configuration) as client:
    accounts, orders, resellers = AccountsApi(client), OrdersApi(client), ResellersApi(client)
    made = accounts.create_account(AccountIn(programme="centre", name=name, admin_email="a@two.example"))
    resellers.become_reseller(made.id, become_reseller_in=BecomeResellerIn())
    customer = resellers.create_client(made.id, ClientIn(name=name + " client", admin_email="b@two.example"))
    amount, now = MoneyIn(amount="100.00", currency="EUR"), datetime.datetime.now(datetime.UTC)
    paid = PaymentIn(amount=amount, kind=PaymentKind.PAYMENT, paid_at=now, reference="G-1")
    PaymentsApi(client).post_payment(made.id, paid)
    order = OrderIn(order_ref="G-1", product="server")
    placed, again = orders.place_order(made.id, order), orders.place_order(made.id, order)
    try:
        accounts.get_account(uuid.uuid4())
    except NotFoundException as error:
        code = json.loads(error.body)["code"]
    print(json.dumps({
        "kind": customer.kind.value, "net": placed.net.amount, "state": placed.state.value,
        "orders": [each.order_ref for each in orders.list_orders(made.id).items],
        "again": again.order_ref, "code": code,
    }))
"""

TYPESCRIPT: Final = """
import createClient from "openapi-fetch";
import type { paths } from "./generated";

const headers = { Authorization: `Bearer ${process.env.KONTOR_KEY}` };
const client = createClient<paths>({ baseUrl: process.env.KONTOR_URL, headers });
function done<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}
const name = process.env.STORY ?? "";
const made = done(await client.POST("/v1/accounts", {
  body: { programme: "centre", name, admin_email: "a@three.example", party: "company" },
}));
const path = { reseller_id: made.id };
const account = { account_id: made.id };
done(await client.POST("/v1/accounts/{account_id}/become-reseller", { params: { path: account }, body: {} }));
const customer = done(await client.POST("/v1/resellers/{reseller_id}/clients", {
  params: { path }, body: { name: `${name} client`, admin_email: "b@three.example" },
}));
done(await client.POST("/v1/resellers/{reseller_id}/payments", {
  params: { path },
  body: {
    amount: { amount: "100.00", currency: "EUR" }, kind: "payment", paid_at: new Date().toISOString(), reference: "G-1",
  },
}));
const order = { params: { path }, body: { order_ref: "G-1", product: "server", quantity: 1, dry_run: false } };
const placed = done(await client.POST("/v1/resellers/{reseller_id}/orders", order));
const again = done(await client.POST("/v1/resellers/{reseller_id}/orders", order));
const orders = done(await client.GET("/v1/resellers/{reseller_id}/orders", { params: { path } }));
const unknown = { account_id: crypto.randomUUID() };
const missing = await client.GET("/v1/accounts/{account_id}", { params: { path: unknown } });
console.log(JSON.stringify({
  kind: customer.kind, net: placed.net.amount, state: placed.state, orders: orders.items.map((each) => each.order_ref),
  again: again.order_ref, code: missing.error?.code,
}));
"""


def run(folder: Path, *argv: object, environ: Mapping[str, str] | None = None) -> str:
    """Run a tool in a folder; skip where it is not installed, fail with its output."""
    program, *arguments = map(str, argv)
    if not Path(program).exists():
        pytest.skip(f"{program} is missing: run `make clients`")
    tools = f"{TOOLS}/bin:{TOOLS}/node_modules/.bin:{os.environ['PATH']}"
    done = subprocess.run(
        [program, *arguments], cwd=folder, env={**os.environ, "PATH": tools, **(environ or {})}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return done.stdout


def story_of(kontor: RunningKontor, name: str) -> dict[str, str]:
    """The environment of a story."""
    return {"KONTOR_URL": kontor.url, "KONTOR_KEY": kontor.api.key, "STORY": f"Generated by {name}"}


def lived(kontor: RunningKontor, folder: Path, name: str, program: str) -> object:
    """Compile a Python client, run a story with it and return what the story tells."""
    (folder / "story.py").write_text(program)
    python = TOOLS / "bin" / "python"
    run(folder, python, "-m", "compileall", "-q", "generated")
    return json.loads(run(folder, python, "story.py", environ={**story_of(kontor, name), "PYTHONPATH": str(folder)}))


def openapi_generator(folder: Path, language: str, options: str = "packageName=generated") -> None:
    """Generate a client in a folder with openapi-generator, which needs Java and makes no Python of `webhooks`."""
    if shutil.which("java") is None:
        pytest.skip("no java on this machine (Debian: apt-get install default-jre-headless)")
    tool = TOOLS / "bin" / "openapi-generator-cli"
    document = folder / "calls.json"
    document.write_text(json.dumps({**json.loads(DOCUMENT.read_text()), "webhooks": {}}))
    run(folder, tool, "generate", "-i", document, "-g", language, "-o", folder, f"--additional-properties={options}")


def test_client_of_openapi_python_client_lives_a_story(kontor: RunningKontor, tmp_path: Path) -> None:
    tool = TOOLS / "bin" / "openapi-python-client"
    said = run(tmp_path, tool, "generate", "--path", DOCUMENT, "--output-path", "generated", "--meta", "none")
    assert "warning" not in said.lower()
    assert lived(kontor, tmp_path, "openapi-python-client", PYTHON_CLIENT) == EXPECTED


def test_client_of_openapi_generator_for_python_lives_a_story(kontor: RunningKontor, tmp_path: Path) -> None:
    openapi_generator(tmp_path, "python")
    assert lived(kontor, tmp_path, "openapi-generator", PYTHON_GENERATOR) == EXPECTED


def test_types_of_openapi_typescript_compile_strictly_and_live_a_story(kontor: RunningKontor, tmp_path: Path) -> None:
    programs = TOOLS / "node_modules" / ".bin"
    run(tmp_path, programs / "openapi-typescript", DOCUMENT, "-o", "generated.d.ts")
    (tmp_path / "story.mts").write_text(TYPESCRIPT.replace("./generated", "./generated.d.ts"))
    (tmp_path / "node_modules").symlink_to(TOOLS / "node_modules")
    options = ("--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "--types", "node")
    run(tmp_path, programs / "tsc", *options, "story.mts")
    node = shutil.which("node") or "node"
    assert json.loads(run(tmp_path, node, "story.mjs", environ=story_of(kontor, "openapi-typescript"))) == EXPECTED


def test_client_of_openapi_generator_for_go_compiles(tmp_path: Path) -> None:
    openapi_generator(tmp_path, "go", "packageName=generated,withGoMod=true")
    assert (tmp_path / "api_accounts.go").exists()
    go = shutil.which("go")
    if go is None:
        pytest.skip("generated, but not compiled: no go on this machine (Debian: apt-get install golang-go)")
    run(tmp_path, go, "vet", "./...")
