"""Links and keys of others: tampered with, cut, used for another purpose, used again, too old."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import httpx

from devtools.demo.deployment import check
from tests.attack.attempts import Attempts
from tests.attack.target import AttackTarget
from tests.attack.tenants import Tenant, create_tenant, decision_links, send_offer, state_of

REFUSED: Final = frozenset({400, 403, 404, 405, 409, 410, 414, 422})
MASKED: Final = "***"


def links(target: AttackTarget, attempts: Attempts) -> None:
    """Open and press links that are not what was mailed."""
    tenant = create_tenant(target, "linked", furnished=False)
    offer = send_offer(target, tenant)
    link = decision_links(target, tenant.client_address)[-1]
    mails = [mail for mail in target.world.mailbox.mails() if tenant.client_address in mail.recipients]
    activation = [address for mail in mails for address in mail.links("/activate/")][-1]
    for word, forged in _forged(link.rpartition("/")[2], activation.rpartition("/")[2]):
        for page in ("offers", "activate", "object", "unsubscribe"):
            for method in ("GET", "HEAD", "POST"):
                form = {"decision": "accept", "password": "a stranger's long word"} if method == "POST" else None
                answer = _send(target.http, method, f"/{page}/{forged}", form)
                attempts.held(f"{method} /{page}, {word}", answer in REFUSED, answer)
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        _send(target.http, method, link.removeprefix(target.deployment.url), None)
        attempts.held(f"{method} decides nothing", state_of(target, offer) == "waiting_for_confirmation", "decided")
    _again_and_old(target, attempts, tenant, activation)


def _forged(decision: str, activation: str) -> Iterator[tuple[str, str]]:
    yield "tampered at the end", f"{decision[:-1]}{'A' if decision[-1] != 'A' else 'B'}"
    yield "tampered at the start", f"{'A' if decision[0] != 'A' else 'B'}{decision[1:]}"
    yield "cut", decision[: len(decision) // 2]
    yield "doubled", decision + decision
    yield "5,000 characters", "A" * 5_000
    yield "NUL", f"{decision[:10]}%00{decision[10:]}"
    yield "dots", "..%2f..%2fconsole"
    yield "another's end", f"{decision.rpartition('.')[0]}.{activation.rpartition('.')[2]}"
    yield "masked", MASKED


def _send(http: httpx.Client, method: str, path: str, form: dict[str, str] | None) -> int:
    return http.request(method, path, data=form).status_code


def _again_and_old(target: AttackTarget, attempts: Attempts, tenant: Tenant, activation: str) -> None:
    """Use purposes crosswise, an activation twice, and links that are too old."""
    crosswise = activation.replace("/activate/", "/offers/")
    answer = target.http.post(crosswise, data={"decision": "accept"})
    attempts.held("an activation as a decision", answer.status_code in REFUSED, answer.status_code)
    link = decision_links(target, tenant.client_address)[-1]
    answer = target.http.post(link.replace("/offers/", "/activate/"), data={"password": "a stranger's word"})
    attempts.held("a decision as an activation", answer.status_code in REFUSED, answer.status_code)
    first = target.http.post(activation, data={"password": "the owner's own long word"})
    check(f"the owner activates: {first.status_code}", first.status_code < httpx.codes.BAD_REQUEST)
    again = target.http.post(activation, data={"password": "a stranger's long word"})
    attempts.held("an activation used again", again.status_code in REFUSED, again.status_code)
    later = create_tenant(target, "old", furnished=False)
    offer = send_offer(target, later)
    old = decision_links(target, later.client_address)[-1]
    mails = [mail for mail in target.world.mailbox.mails() if later.client_address in mail.recipients]
    old_activation = [address for mail in mails for address in mail.links("/activate/")][-1]
    target.world.move_to(target.world.now + timedelta(days=40))
    for word, url in (("decision", old), ("activation", old_activation)):
        answer = target.http.post(url, data={"decision": "accept", "password": "a stranger's long word"})
        attempts.held(f"a {word} link of 40 days ago", answer.status_code in REFUSED, answer.status_code)
    attempts.held("the old offer", state_of(target, offer) != "accepted", state_of(target, offer))


def idempotency_keys(target: AttackTarget, attempts: Attempts) -> None:
    """Replay another key's answer, and read secrets in a replay."""
    mine, theirs = create_tenant(target, "replayer", furnished=False), create_tenant(target, "first", furnished=False)
    job = {"task": "probe.echo", "args": {"message": "theirs"}}
    first = target.call(theirs.key, "POST /v1/jobs", job, Idempotency_Key="shared")
    answer = target.call(mine.key, "POST /v1/jobs", job, Idempotency_Key="shared")
    replayed = "idempotency-replayed" in answer.headers or answer.json()["id"] == first.json()["id"]
    attempts.held("another key's answer", not replayed, answer.text)
    answer = target.call(theirs.key, "POST /v1/jobs", {**job, "priority": 3}, Idempotency_Key="shared")
    attempts.status("another body", answer, 422, code="idempotency_mismatch")
    for word in ("k" * 256, "k" * 300, "é"):
        headers = [(b"Authorization", f"Bearer {mine.key}".encode()), (b"Idempotency-Key", word.encode())]
        answer = target.http.post("/v1/jobs", json=job, headers=headers)
        attempts.held(f"a key of {len(word)} characters, {word[:1]!r}", answer.status_code in {202, 422}, answer.text)
        if len(word) > 255:
            attempts.status("a key too long", answer, 422)
    new = {"url": mine.instance.url, "events": ["*"], "reseller_id": mine.reseller}
    for line, body in (("POST /v1/webhook-endpoints", new), ("POST /v1/keys", {"name": "x", "scopes": ["read"]})):
        made = target.call(target.admin, line, body, Idempotency_Key=f"secret {line} {mine.reseller}")
        again = target.call(target.admin, line, body, Idempotency_Key=f"secret {line} {mine.reseller}")
        attempts.absent(f"the secret in a replay of {line}", again.text, made.json()["secret"])
        attempts.held(f"control: {line} is replayed", "idempotency-replayed" in again.headers, again.text)
    for word, key in (("reseller", mine.key), ("client", mine.client_key), ("enqueue", target.new_key(("enqueue",)))):
        new_key = {"name": "more", "scopes": ["read", "admin"]}
        attempts.refused(f"{word}: a key with more", target.call(key, "POST /v1/keys", new_key))
        attempts.refused(f"{word}: the clock", target.call(key, "POST /v1/clock", {"now": "2099-01-01T00:00:00Z"}))
        line = f"POST /v1/resellers/{mine.reseller}/payments"
        amount = {"amount": "9999.00", "currency": "USD"}
        payment = {"kind": "payment", "amount": amount, "paid_at": target.world.now.isoformat(), "reference": "mine"}
        if word != "enqueue":
            attempts.refused(f"{word}: a payment", target.call(key, line, payment))
