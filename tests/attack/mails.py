"""The provider's mail server as a cannon, and its webhooks as an amplifier."""

from typing import Final

import httpx

from tests.attack.attempts import Attempts, code_of
from tests.attack.target import AttackTarget
from tests.attack.tenants import create_tenant

PHISHING: Final = "Your parcel is held: pay at https://evil.example/x NOW"
CLIENTS: Final = 60
FIRST_WEEK: Final = 50
SHORT_CLIENTS: Final = 8
SHORT_WEEK: Final = 3
ENDPOINTS: Final = 12


def mails_to_strangers(target: AttackTarget, attempts: Attempts) -> None:
    """Have more mails sent to strangers than a first week allows, with a text of one's own in the subject."""
    tenant = create_tenant(target, "spammer", furnished=False)
    clients, allowed = (SHORT_CLIENTS, SHORT_WEEK) if target.short else (CLIENTS, FIRST_WEEK)
    if target.short:
        limits = ("mails_to_strangers_first_week", str(allowed), "--reseller", tenant.reseller)
        target.run("limits", "set", *limits)
    for number in range(clients):
        new = {"name": f"{PHISHING} {number}", "admin_email": f"victim{number}@{tenant.reseller[-6:]}.example"}
        answer = target.call(tenant.key, f"POST /v1/resellers/{tenant.reseller}/clients", new)
        attempts.held(f"client {number} is made or refused", answer.status_code in {201, 422}, answer.text)
    for number in range(clients):
        new = {"name": f"Plain {number}", "admin_email": f"plain{number}@{tenant.reseller[-6:]}.example"}
        answer = target.call(tenant.key, f"POST /v1/resellers/{tenant.reseller}/clients", new)
        attempts.held(f"plain client {number}", answer.status_code in {201, 429}, answer.text)
    target.settle()
    domain = f"@{tenant.reseller[-6:]}.example"
    mails = [mail for mail in target.world.mailbox.mails() if any(domain in to for to in mail.recipients)]
    attempts.held("mails to strangers in the first week", len(mails) <= allowed, len(mails))
    attempts.held("control: the allowance is used", mails, "no mail arrived")
    for mail in mails:
        attempts.absent(
            "the subject of a mail to a stranger", mail.subject, "parcel", "evil", "NOW", "Spammer", "Plain"
        )


def mails_to_one_address(target: AttackTarget, attempts: Attempts) -> None:
    """Send one address many mails: activations again and again, and addresses changed back and forth."""
    tenant = create_tenant(target, "bomber", furnished=False)
    for number in range(30 if not target.short else 6):
        answer = target.call(tenant.key, f"POST /v1/accounts/{tenant.client}/activation")
        attempts.held(f"activation {number}", answer.status_code == 429 or number < 3, answer.status_code)
        _says_when(attempts, answer)
    for word, key in (("reseller", tenant.key), ("client", tenant.client_key)):
        for number in range(20 if not target.short else 7):
            new = {"admin_email": f"{word}{number}@stranger-{tenant.client[-6:]}.example"}
            answer = target.call(key, f"PATCH /v1/accounts/{tenant.client}", new)
            allowed = word == "reseller" and number < 5
            attempts.held(f"{word}: address change {number}", answer.is_client_error or allowed, answer.status_code)
            _says_when(attempts, answer)
    target.settle()
    mails = [mail for mail in target.world.mailbox.mails() if tenant.client_address in mail.recipients]
    activations = [mail for mail in mails if mail.links("/activate/")]
    attempts.held("activation mails within an hour", len(activations) <= 3, len(activations))


def _says_when(attempts: Attempts, answer: httpx.Response) -> None:
    """Record whether a refusal for a limit says which, and when the next one is accepted."""
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        named = all(name in answer.headers for name in ("retry-after", "ratelimit", "ratelimit-policy"))
        attempts.held("a refusal says when", named and code_of(answer) == "too_many", dict(answer.headers))


def amplified_webhooks(target: AttackTarget, attempts: Attempts) -> None:
    """Register one URL many times, so that one call becomes many."""
    tenant = create_tenant(target, "amplifier", furnished=False)
    receiver = tenant.instance
    made = 0
    for number in range(ENDPOINTS * (1 if target.short else 4)):
        events = ["*"] if number % 2 else ["account.connected", "account.disconnected"]
        new = {"url": f"{receiver.url}{'' if number < 2 else f'?n={number}'}", "events": events}
        answer = target.call(tenant.key, "POST /v1/webhook-endpoints", new)
        made += answer.is_success
        attempts.held(f"endpoint {number}", made <= 10, answer.status_code)
    again = target.call(tenant.key, "POST /v1/webhook-endpoints", {"url": receiver.url, "events": ["*"]})
    attempts.status("the same URL and events again", again, 409, 429)
    before = len(receiver.received.calls)
    new = {"name": "Fanned out", "admin_email": "fan@out.example"}
    target.ok(f"POST /v1/resellers/{tenant.reseller}/clients", new, key=tenant.key)
    target.settle()
    calls = len(receiver.received.calls) - before
    attempts.held("calls caused by one act", calls <= 2 * made, calls)
    for key in (tenant.key, tenant.client_key):
        url = "http://127.0.0.1:1/"
        answers = [
            target.call(key, "POST /v1/webhook-endpoints", {"url": f"{url}{n}", "events": ["*"]}) for n in range(12)
        ]
        attempts.held("an eleventh endpoint", not answers[-1].is_success, answers[-1].status_code)
