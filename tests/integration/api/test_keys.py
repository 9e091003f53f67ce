"""What a key may do: scopes narrowed to tasks, `decide`, address ranges, real time, the state of its account."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from kontor.adapters.fakes import NOON, ManualClock
from kontor.http.keys import is_within
from kontor.kernel.errors import Forbidden
from kontor.operators import keys
from kontor.operators.keys import KeyMaker, NewKey
from models.accounts import Account
from tests.support.api import Api, ResellerAccounts
from tests.support.worker import running_worker

ECHO = {"task": "probe.echo", "args": {}}
LINES = [{"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}]
HERE = "127.0.0.1"


def make(api: Api, *scopes: str, **options: Any) -> NewKey:
    with api.deps.sessions() as session:
        made = keys.create(session, "test", scopes, api.deps.clock.now(), **options)
        session.commit()
    return made


def codes(api: Api, line: str, key: str, body: Any = None) -> tuple[int, str]:
    answer = api.call(line, body, key=key)
    return answer.status_code, answer.json().get("code", "")


def offer(api: Api, accounts: ResellerAccounts) -> str:
    body = {"reseller_id": str(accounts.reseller), "account_id": str(accounts.client), "lines": LINES}
    return str(api.ok("POST /v1/offers", body)["id"])


def test_narrowed_key_enqueues_matching_tasks_and_nothing_else(api: Api) -> None:
    probes, servers = api.key("enqueue:probe.*"), api.key("enqueue:vps.*", "read")
    job = api.ok("POST /v1/jobs", ECHO, key=probes)["id"]
    assert codes(api, "POST /v1/jobs", servers, ECHO) == (403, "forbidden")
    assert codes(api, "POST /v1/jobs/batch", servers, {"jobs": [ECHO]}) == (403, "forbidden")
    assert codes(api, "POST /v1/jobs", probes, {"task": "jobs.bulk", "args": {}}) == (403, "task_internal")
    assert codes(api, "POST /v1/jobs", probes, {"task": "no.such", "args": {}}) == (403, "forbidden")
    assert codes(api, f"POST /v1/jobs/{job}/cancel", servers) == (403, "forbidden")
    assert codes(api, "POST /v1/accounts", probes, {}) == (403, "forbidden")
    assert api.call(f"POST /v1/jobs/{job}/cancel", key=probes).status_code == 200


def test_key_made_by_the_shell_for_a_client_decides_without_naming_it(
    api: Api, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("elbe")
    made = make(api, "read", account_id=accounts.client)
    sent = offer(api, accounts)
    with running_worker(api.deps) as engine:
        engine.inline.drain()
    assert made.scopes == ("read", "decide")
    assert api.ok(f"POST /v1/offers/{sent}/accept", key=made.secret)["state"] == "accepted"


def test_key_that_a_reseller_made_never_decides(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    accounts = make_accounts("elbe")
    reseller = KeyMaker(f"key:{accounts.reseller}", may_decide=False)
    made = make(api, "read", "enqueue", account_id=accounts.client, maker=reseller)
    sent = offer(api, accounts)
    assert made.scopes == ("read", "enqueue")
    for verdict in ("accept", "reject"):
        assert codes(api, f"POST /v1/offers/{sent}/{verdict}", made.secret) == (403, "forbidden")
    with pytest.raises(Forbidden):
        make(api, "decide", account_id=accounts.client, maker=reseller)


def test_key_is_refused_when_it_comes_from_outside_its_ranges(api: Api) -> None:
    inside = make(api, "read", ranges=["10.0.0.0/8", f"{HERE}/32"]).secret
    outside = make(api, "read", ranges=["10.0.0.0/8"]).secret
    assert codes(api, "GET /v1/jobs", inside) == (200, "")
    assert codes(api, "GET /v1/jobs/nothing", outside) == (403, "address_not_allowed")


@pytest.mark.parametrize(
    ("origin", "ranges", "within"),
    [
        ("203.0.113.9", ("203.0.113.0/24",), True),
        ("203.0.114.9", ("203.0.113.0/24", "203.0.114.9/32"), True),
        ("203.0.114.8", ("203.0.113.0/24", "203.0.114.9/32"), False),
        ("::ffff:203.0.113.9", ("203.0.113.0/24",), True),
        ("2001:db8::1", ("2001:db8::/32",), True),
        ("2001:db8::1", ("203.0.113.0/24",), False),
        ("", ("0.0.0.0/0",), False),
    ],
)
def test_address_is_within_when_one_network_contains_it(origin: str, ranges: tuple[str, ...], within: bool) -> None:
    assert is_within(origin, ranges) is within


def test_key_expires_on_real_time_whatever_the_test_clock_says(api: Api, clock: ManualClock) -> None:
    class Frozen(ManualClock):
        def now(self) -> datetime:
            return clock.now() + timedelta(days=3_650)

    made = make(api, "read", expires_at=clock.wall_time() + timedelta(days=1)).secret
    object.__setattr__(api.deps, "clock", Frozen(clock.wall_time()))
    assert codes(api, "GET /v1/jobs", made) == (200, "")
    object.__setattr__(api.deps, "clock", Frozen(clock.wall_time() + timedelta(days=1)))
    assert codes(api, "GET /v1/jobs", made) == (401, "key_expired")


@pytest.mark.parametrize(
    ("state", "expected"),
    [({"suspended": True}, (403, "account_suspended")), ({"deleted_at": NOON}, (401, "unauthorized"))],
)
def test_keys_of_an_account_stop_when_it_is_suspended_or_deleted(
    api: Api, make_accounts: Callable[[str], ResellerAccounts], state: dict[str, Any], expected: tuple[int, str]
) -> None:
    accounts = make_accounts("elbe")
    owners: list[tuple[UUID, str]] = [
        (accounts.client, make(api, "read", account_id=accounts.client).secret),
        (accounts.reseller, make(api, "read", reseller_id=accounts.reseller).secret),
    ]
    for account_id, secret in owners:
        assert codes(api, "GET /v1/jobs/nothing", secret) == (404, "not_found")
        with api.deps.sessions() as session:
            session.execute(update(Account).where(Account.id == account_id).values(**state))
            session.commit()
        assert codes(api, "GET /v1/jobs/nothing", secret) == expected
