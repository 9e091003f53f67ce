"""What a client never reads: what its reseller pays, other clients, and who provides the service."""

import re
from typing import Final

from tests.attack.attempts import Attempts
from tests.attack.routes import PROVIDERS, operations
from tests.attack.target import AttackTarget
from tests.attack.tenants import CODE, create_tenant, sell_secretly

SECRET_PRICES: Final = ("13.37", "33.19", "77.31", "517.23", "23.5")
SECRET_WORDS: Final = ("wholesale", "tier", "turnover", "promo", "margin", "below_cost", "Providerhaus")
SECRET_EVENTS: Final = ("charge.created", "payment.", "discount.changed")


def leaks_to_clients(target: AttackTarget, attempts: Attempts) -> None:
    """Read everything a client may read, and what its instance and its mailbox receive, and look for secrets."""
    tenant, other = create_tenant(target, "sold"), create_tenant(target, "others")
    everything = target.new_key(("read", "enqueue", "decide", "work", "operate", "keys"), account_id=tenant.client)
    secrets = (*SECRET_PRICES, *SECRET_WORDS, *SECRET_EVENTS, tenant.name, other.name, other.client_name, other.client)
    for method, path in operations():
        if method != "GET":
            continue
        place = re.sub(r"{(\w+)}", lambda match: _value(tenant.ids, match[1]), path)
        answer = target.call(everything, f"GET {place}")
        # Its mails and its brand are in its reseller's name.
        words = [
            word
            for word in secrets
            if word != tenant.name or not path.endswith(("/mails", "/mails/{mail_id}", "/brand"))
        ]
        shown = answer.text if answer.is_success else ""
        attempts.absent(f"the client reads {path}", shown, *words)
    bodies = " ".join(str(call) for call in tenant.instance.received.calls)
    attempts.absent("the client's instance", bodies, "13.37", "33.19", "517.23", "wholesale")
    for mail in target.world.mailbox.mails():
        if tenant.client_address in mail.recipients:
            text = mail.message.as_string()
            attempts.absent(f"mail {mail.subject!r}", text, "13.37", "33.19", "517.23", "wholesale", "23.5 %")


def leaks_to_resellers(target: AttackTarget, attempts: Attempts) -> None:
    """Read everything a reseller may read, and look for another one's."""
    tenant, other = create_tenant(target, "competitor"), create_tenant(target, "seller")
    sell_secretly(target, other.reseller)
    seen = target.ok(f"GET /v1/resellers/{other.reseller}/products", key=other.key)
    attempts.held("control: its own reseller sees the product", "77.31" in str(seen), seen)
    secrets = [other.name, other.client_name, other.client, other.reseller, other.client_address, "33.19", "77.31"]
    for method, path in operations():
        if method != "GET":
            continue
        place = re.sub(r"{(\w+)}", lambda match: _value(tenant.ids, match[1]), path)
        answer = target.call(tenant.key, f"GET {place}")
        attempts.absent(f"the competitor reads {path}", answer.text if answer.is_success else "", *secrets)
    for key in (tenant.key, tenant.client_key):
        answer = target.call(key, f"GET /v1/programmes/{CODE}")
        attempts.absent("the programme", answer.text, "source", "33.19", "77.31")
    answer = target.call(tenant.client_key, f"GET /v1/programmes/{CODE}")
    attempts.absent("the programme as a client reads it", answer.text, "noreply@providerhaus")
    for endpoint in (tenant.instance, tenant.receiver):
        bodies = " ".join(str(call) for call in endpoint.received.calls)
        attempts.absent("the competitor's webhooks", bodies, *secrets)


def oracles(target: AttackTarget, attempts: Attempts) -> None:
    """Ask whether an address is known elsewhere, by every answer that could tell."""
    resident, asker = (
        create_tenant(target, "knowing", furnished=False),
        create_tenant(target, "asking", furnished=False),
    )
    made = [
        target.call(
            asker.key, f"POST /v1/resellers/{asker.reseller}/clients", {"name": f"Asked {number}", "admin_email": email}
        )
        for number, email in enumerate((resident.client_address, "never.seen@nowhere.example"))
    ]
    shapes = [{name: value for name, value in answer.json().items() if name not in UNLIKE} for answer in made]
    attempts.held("a client with a known and an unknown address", shapes[0] == shapes[1], shapes)
    accounts = [target.call(asker.key, f"GET /v1/accounts/{answer.json()['id']}").json() for answer in made]
    shapes = [{name: value for name, value in account.items() if name not in UNLIKE} for account in accounts]
    attempts.held("their documents", shapes[0] == shapes[1], shapes)
    for name in (resident.client_name, "No such client"):
        credentials = {"name": name, "password": "a wrong long word"}
        answer = target.call(asker.key, f"POST /v1/resellers/{asker.reseller}/clients/connect", credentials)
        attempts.status(f"connect {name[:8]}", answer, 403, 429)
    answers = [
        target.call(asker.key, f"GET /v1/accounts/{resident.client[:-1]}{end}").json()
        for end in (resident.client[-1], "0")
    ]
    codes = {answer["code"] for answer in answers}
    attempts.held("a foreign and an unknown id", len(codes) == 1, codes)


UNLIKE: Final = frozenset({"id", "name", "admin_email", "created_at"})


def _value(ids: dict[str, str], part: str) -> str:
    return CODE if part == "code" else ids.get(part, "probe") if part not in PROVIDERS - {"product"} else "probe"
