"""Every route of the OpenAPI document with an id, by every kind of key that must not get through."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from devtools.reference import openapi_document
from tests.attack.attempts import Attempts
from tests.attack.target import EVERY_SCOPE, AttackTarget
from tests.attack.tenants import Tenant, create_tenant

PROVIDERS = frozenset({"name", "code", "product"})
"""Path parts that name what belongs to the provider: queues, schedules, programmes, products."""
SHARED = frozenset({"GET /v1/programmes/{code}"})
EVERY_FEW = 4
"""In a short run, one route in so many per key."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A key, and the status and code that it gets; `shared`: its owner may call what belongs to nobody."""

    word: str
    secret: str | None
    status: int
    code: str
    shared: bool = False


def operations() -> Iterator[tuple[str, str]]:
    """Yield method and path of every call of `/v1`."""
    for path, item in openapi_document()["paths"].items():
        if path.startswith("/v1/"):
            yield from ((method.upper(), path) for method in item)


def keys_and_ids(target: AttackTarget, attempts: Attempts) -> None:
    """Call every route with the ids of another tenant."""
    theirs = create_tenant(target, "theirs")
    for number, key in enumerate(_foreign_keys(target)):
        for method, path in islice(operations(), number % EVERY_FEW, None, EVERY_FEW if target.short else 1):
            parts = set(re.findall(r"{(\w+)}", path)) - PROVIDERS
            if key.shared and not parts:
                continue
            place = re.sub(r"{(\w+)}", lambda match: theirs.ids.get(match[1], "probe"), path)
            answer = target.call(key.secret, f"{method} {place}", None if method == "GET" else {})
            attempts.status(f"{key.word}: {method} {path}", answer, key.status, code=key.code or None)
    _filters(target, attempts, theirs)


def _foreign_keys(target: AttackTarget) -> Iterator[ForeignKey]:
    expired_at = datetime.now(UTC) + timedelta(seconds=2)
    expired = target.new_key(EVERY_SCOPE, expires_at=expired_at.isoformat())
    revoked = target.ok("POST /v1/keys", {"name": "revoked", "scopes": list(EVERY_SCOPE)})
    target.ok(f"DELETE /v1/keys/{revoked['id']}")
    mine = create_tenant(target, "mine", furnished=False)
    suspended, deleted = _barred(target, "suspended"), _barred(target, "deleted")
    target.ok(f"POST /v1/accounts/{suspended.client}/suspend", {"reason": "attack"})
    target.ok(f"DELETE /v1/accounts/{deleted.client}")
    time.sleep(max(0.0, (expired_at - datetime.now(UTC)).total_seconds()))
    yield ForeignKey("no key", None, 401, "unauthorized")
    yield ForeignKey("garbage", "not-a-key", 401, "unauthorized")
    yield ForeignKey("tampered", f"{mine.key[:-1]}{'A' if mine.key[-1] != 'A' else 'B'}", 401, "unauthorized")
    yield ForeignKey("expired", expired, 401, "key_expired")
    yield ForeignKey("revoked", revoked["secret"], 401, "")
    yield ForeignKey("another reseller", mine.key, 404, "", shared=True)
    yield ForeignKey("another client", mine.client_key, 404, "", shared=True)
    yield ForeignKey("suspended", suspended.client_key, 403, "account_suspended")
    yield ForeignKey("deleted", deleted.client_key, 401, "")


def _barred(target: AttackTarget, name: str) -> Tenant:
    return create_tenant(target, name, furnished=False)


def _filters(target: AttackTarget, attempts: Attempts, theirs: Tenant) -> None:
    """Ask lists for another tenant's rows, and look for them where no filter is given."""
    mine = create_tenant(target, "lister", furnished=False)
    secrets = [value for name, value in theirs.ids.items() if name not in PROVIDERS] + [theirs.name, theirs.client_name]
    for word, key in (("reseller", mine.key), ("client", mine.client_key)):
        for method, path in operations():
            if method != "GET" or "{" in path:
                continue
            for query in (
                "",
                f"?reseller={theirs.reseller}",
                f"?account={theirs.client}",
                f"?tenant={theirs.reseller}",
            ):
                answer = target.call(key, f"GET {path}{query}")
                shown = answer.text.replace(theirs.reseller, "", 1) if query and answer.is_client_error else answer.text
                attempts.absent(f"{word}: {path}{query}", shown, *secrets)
