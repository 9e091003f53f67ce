"""The data under attack: two resellers of a programme, their clients, and one of everything they can have."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from devtools.demo.deployment import check, wait_for
from devtools.received_calls import ReceivedCalls
from devtools.sample_instance import SampleInstance
from tests.attack.target import AttackTarget

PROGRAMME: Final = Path(__file__).with_name("guarded.yaml")
CODE: Final = PROGRAMME.stem
LINE: Final = {"product": "course", "count": 5, "mode": "absolute", "term": "P1Y"}
MANAGED: Final = """
  secret:
    name: Secret
    managed_by: reseller
    reseller: {reseller}
    shared: false
    account_subscription: secret-retail
    reseller_subscription: secret-wholesale
"""
PASSWORD: Final = "an account's own long word"
LINK: Final = re.compile(r"https?://\S+/offers/\S+")


@dataclass(slots=True)
class Tenant:
    """A reseller and one client. `ids`: one of everything, by path parameter; `key`, `client_key`: all scopes."""

    name: str
    reseller: str
    client: str
    client_name: str
    reseller_address: str
    client_address: str
    key: str
    client_key: str
    instance: SampleInstance
    receiver: SampleInstance
    """Of the reseller's webhooks."""
    ids: dict[str, str] = field(default_factory=dict)


def apply_programme(target: AttackTarget) -> None:
    """Apply the programme whose prices and names occur nowhere else."""
    target.deployment.kontor("programme", "apply", str(PROGRAMME))


def sell_secretly(target: AttackTarget, reseller: str) -> None:
    """Apply the programme with a product that this reseller manages, and no other one may see."""
    managed = MANAGED.format(reseller=reseller)
    text = PROGRAMME.read_text() + managed
    answer = target.call(target.admin, f"POST /v1/programmes/{CODE}", text.encode(), Content_Type="application/yaml")
    check(f"the programme is applied: {answer.status_code} {answer.text[:300]}", answer.is_success)


def create_tenant(target: AttackTarget, name: str, *, furnished: bool = True) -> Tenant:
    """Create a reseller with a client that has an instance; `furnished`: with one of everything."""
    number = secrets.token_hex(3)
    address, client_address = f"boss{number}@{name}.example", f"admin{number}@{name}-client.example"
    own_name = f"{name.title()} Trading {number}"
    new = {"programme": CODE, "name": own_name, "admin_email": address, "password": PASSWORD}
    reseller = target.ok("POST /v1/accounts", new)["id"]
    target.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    client_name = f"{name.title()} Customer {number}"
    new_client = {"name": client_name, "admin_email": client_address}
    client = target.ok(f"POST /v1/resellers/{reseller}/clients", new_client)["id"]
    instance = target.world.create_instance(client)
    scopes = ("read", "enqueue", "work", "operate", "keys")
    key, client_key = target.new_key(scopes, reseller_id=reseller), target.new_key(scopes, account_id=client)
    receiver = SampleInstance(ReceivedCalls()).start()
    target.world.instances.append(receiver)
    tenant = Tenant(
        own_name, reseller, client, client_name, address, client_address, key, client_key, instance, receiver
    )  # fmt: skip
    if furnished:
        furnish(target, tenant)
    return tenant


def furnish(target: AttackTarget, tenant: Tenant) -> None:
    """Give a tenant one of everything: template, offer, endpoint, job, key, mail, products, charge, payment."""
    reseller, client = tenant.reseller, tenant.client
    body = {"reseller_id": reseller, "name": "Basics", "lines": [LINE]}
    template = target.ok("POST /v1/offer-templates", body)["id"]
    offer = send_offer(target, tenant)
    hook = {"url": tenant.receiver.url, "events": ["*"], "reseller_id": reseller}
    endpoint = target.ok("POST /v1/webhook-endpoints", hook)["id"]
    job = target.ok("POST /v1/jobs", {"task": "probe.echo", "args": {"message": tenant.name}, "tenant": reseller})
    key = target.ok("POST /v1/keys", {"name": "theirs", "scopes": ["read"], "account_id": client})
    target.ok(f"POST /v1/accounts/{client}/products", {"product": "recording"})
    payment = {
        "kind": "payment",
        "amount": {"amount": "517.23", "currency": "USD"},
        "paid_at": target.world.now.isoformat(),
    }
    path = f"/v1/resellers/{reseller}/payments"
    paid = target.ok(f"POST {path}", {**payment, "reference": f"paid {reseller}"})["id"]
    target.settle()
    domain = f"learn.{client[-12:]}.example"
    target.ok(f"PUT /v1/accounts/{client}/brand", {"domain": domain})
    charge = wait_for("a charge", lambda: _items(target, f"/v1/resellers/{reseller}/charges"))[0]
    mail = _items(target, f"/v1/mails?account={client}")[0]
    tenant.ids = {
        "account_id": client, "reseller_id": reseller, "template_id": template, "offer_id": offer,
        "endpoint_id": endpoint, "job_id": job["id"], "key_id": key["id"], "run_id": job["id"],
        "gap_id": job["id"], "mail_id": mail["id"], "charge_id": charge["id"], "product": "recording",
        "payment_id": paid, "domain": domain,
    }  # fmt: skip


def _items(target: AttackTarget, path: str) -> list[Any]:
    items: list[Any] = target.ok(f"GET {path}")["items"]
    return items


def send_offer(target: AttackTarget, tenant: Tenant, message: str = "A message of confidence.") -> str:
    """Send an offer to the client and wait until it is delivered; returns its id."""
    new = {"reseller_id": tenant.reseller, "account_id": tenant.client, "lines": [LINE], "message": message}
    offer = target.ok("POST /v1/offers", new)["id"]
    target.settle()
    state = target.ok(f"GET /v1/offers/{offer}")["state"]
    check(f"the offer is {state}", state == "waiting_for_confirmation")
    return str(offer)


def state_of(target: AttackTarget, offer: str) -> str:
    """Return the state of an offer."""
    return str(target.ok(f"GET /v1/offers/{offer}")["state"])


def decision_links(target: AttackTarget, address: str) -> list[str]:
    """Return the decision links that were mailed to an address, newest last."""
    mails = [mail for mail in target.world.mailbox.mails() if address in mail.recipients]
    return [link for mail in mails for link in LINK.findall(mail.text)]
