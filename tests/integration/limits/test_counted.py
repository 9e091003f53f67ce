"""Limits that count what was done or what exists: each is hit, with its 429 and headers."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from kontor.adapters.fakes import ManualClock
from kontor.audit import Actor
from kontor.kernel.limits import (
    ACTIVATIONS,
    ADDRESS_CHANGES,
    CLIENTS,
    ENDPOINTS,
    OFFERS_OPEN,
    OFFERS_SENT,
    Limit,
)  # fmt: skip
from kontor.limits import service as limits
from kontor.webhooks import events
from kontor.webhooks import service as webhooks
from models.accounts import Account
from models.control import AuditEntry
from models.webhooks import DomainEvent
from tests.support.api import Api, ResellerAccounts

LINES = [{"product": "excel-basics", "count": 1, "mode": "absolute", "term": "P1Y"}]

MAKES_EVENTS_UP = True


@pytest.fixture
def accounts(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    return make_accounts("elbe")


@pytest.fixture
def key(api: Api, accounts: ResellerAccounts) -> str:
    return api.key("read", "enqueue", reseller_id=accounts.reseller)


def lower(api: Api, limit: Limit, value: int, subject: UUID | None = None) -> None:
    with api.deps.sessions() as session:
        limits.set_limit(session, limit.name, value, Actor("test"), api.deps.clock.now(), subject)
        session.commit()


def assert_refused(response: httpx.Response, limit: Limit, allowed: int) -> None:
    assert response.status_code == 429, response.text
    problem = response.json()
    assert (problem["code"], problem["limit"], problem["allowed"]) == ("too_many", limit.name, allowed)
    seconds = int(response.headers["Retry-After"])
    assert seconds >= 1
    assert response.headers["RateLimit-Policy"].startswith(f'"{limit.name}";q={allowed}')
    assert response.headers["RateLimit"] == f'"{limit.name}";r=0;t={seconds}'
    assert (response.headers["RateLimit-Limit"], response.headers["RateLimit-Remaining"]) == (str(allowed), "0")


def new_client(api: Api, accounts: ResellerAccounts, key: str, number: int) -> httpx.Response:
    body = {"name": f"Client {number}", "admin_email": f"c{number}@weser.example"}
    return api.call(f"POST /v1/resellers/{accounts.reseller}/clients", body, key=key)


def test_client_is_refused_when_the_reseller_made_enough_this_hour(
    api: Api, accounts: ResellerAccounts, key: str, clock: ManualClock
) -> None:
    lower(api, CLIENTS, 3)
    answers = [new_client(api, accounts, key, number).status_code for number in range(2)]
    assert answers == [201, 201]
    assert_refused(new_client(api, accounts, key, 2), CLIENTS, 3)
    clock.advance(timedelta(hours=1))
    assert new_client(api, accounts, key, 2).status_code == 201


def test_override_of_one_reseller_wins_over_that_for_all(api: Api, accounts: ResellerAccounts, key: str) -> None:
    lower(api, CLIENTS, 0)
    lower(api, CLIENTS, 5, accounts.reseller)
    assert new_client(api, accounts, key, 1).status_code == 201
    with api.deps.sessions() as session:
        assert limits.allowed(session, CLIENTS, accounts.reseller) == 5
        assert limits.allowed(session, CLIENTS, accounts.client) == 0


def send_offer(api: Api, accounts: ResellerAccounts, key: str) -> httpx.Response:
    body = {"reseller_id": str(accounts.reseller), "account_id": str(accounts.client), "lines": LINES}
    return api.call("POST /v1/offers", body, key=key)


def test_offer_is_refused_when_enough_are_open_for_the_client(api: Api, accounts: ResellerAccounts, key: str) -> None:
    lower(api, OFFERS_OPEN, 2)
    first = send_offer(api, accounts, key)
    assert (first.status_code, send_offer(api, accounts, key).status_code) == (201, 201)
    assert_refused(send_offer(api, accounts, key), OFFERS_OPEN, 2)
    api.ok(f"POST /v1/offers/{first.json()['id']}/cancel", key=key)
    assert send_offer(api, accounts, key).status_code == 201


def test_offer_is_refused_when_the_reseller_sent_enough_that_day(
    api: Api, accounts: ResellerAccounts, key: str, clock: ManualClock
) -> None:
    lower(api, OFFERS_SENT, 1)
    assert send_offer(api, accounts, key).status_code == 201
    assert_refused(send_offer(api, accounts, key), OFFERS_SENT, 1)
    clock.advance(timedelta(days=1))
    assert send_offer(api, accounts, key).status_code == 201


def test_activation_is_refused_when_three_went_to_the_address_with_the_first(
    api: Api, accounts: ResellerAccounts, key: str, clock: ManualClock
) -> None:
    path = f"POST /v1/accounts/{accounts.client}/activation"
    assert [api.call(path, key=key).status_code for _ in range(2)] == [200, 200]
    assert_refused(api.call(path, key=key), ACTIVATIONS, 3)
    clock.advance(timedelta(hours=1))
    assert api.call(path, key=key).status_code == 200


def test_address_change_is_refused_when_five_were_made_that_day(
    api: Api, accounts: ResellerAccounts, key: str, clock: ManualClock
) -> None:
    def change(number: int) -> httpx.Response:
        return api.call(f"PATCH /v1/accounts/{accounts.client}", {"admin_email": f"a{number}@elbe.example"}, key=key)

    assert [change(number).status_code for number in range(5)] == [200] * 5
    assert_refused(change(5), ADDRESS_CHANGES, 5)
    clock.advance(timedelta(days=1))
    assert change(5).status_code == 200


def new_endpoint(api: Api, key: str, url: str, *listed: str) -> httpx.Response:
    return api.call("POST /v1/webhook-endpoints", {"url": url, "events": listed or ["*"]}, key=key)


def test_endpoint_is_refused_when_the_reseller_has_ten(api: Api, accounts: ResellerAccounts, key: str) -> None:
    answers = [new_endpoint(api, key, f"https://hook.example/{number}") for number in range(10)]
    assert {answer.status_code for answer in answers} == {201}
    assert_refused(new_endpoint(api, key, "https://hook.example/10"), ENDPOINTS, 10)
    api.ok(f"DELETE /v1/webhook-endpoints/{answers[0].json()['id']}", key=key)
    assert new_endpoint(api, key, "https://hook.example/10").status_code == 201


@pytest.mark.parametrize("url", ["https://hook.example/a", "https://HOOK.example/a", "https://hook.example:443/a"])
def test_same_url_with_the_same_events_is_a_conflict(api: Api, accounts: ResellerAccounts, key: str, url: str) -> None:
    assert new_endpoint(api, key, "https://hook.example/a", "offer.accepted", "job.dead").status_code == 201
    again = new_endpoint(api, key, url, "job.dead", "offer.accepted")
    assert (again.status_code, again.json()["code"]) == (409, "endpoint_exists")
    assert new_endpoint(api, key, url, "job.dead").status_code == 201


def test_event_is_sent_once_to_a_url_when_two_endpoints_name_it(api: Api, accounts: ResellerAccounts, key: str) -> None:
    new_endpoint(api, key, "https://hook.example/a", "offer.accepted")
    new_endpoint(api, key, "https://hook.example/a", "*")
    new_endpoint(api, key, "https://hook.example/b", "*")
    with api.deps.sessions() as session:
        account = session.get_one(Account, accounts.client)
        seq = events.emit(session, api.deps.jobs, "offer.accepted", account, {}, at=api.deps.clock.now())
        event = session.get_one(DomainEvent, seq)
        assert webhooks.fan_out(session, api.deps.jobs, event) == 2
        assert webhooks.fan_out(session, api.deps.jobs, event) == 0


def test_limits_are_listed_with_use_and_overrides_and_a_change_is_audited(
    api: Api, accounts: ResellerAccounts, key: str
) -> None:
    lower(api, CLIENTS, 7, accounts.reseller)
    with api.deps.sessions() as session:
        views: dict[str, Any] = {view.limit.name: view for view in limits.list_limits(session, api.deps.clock.now())}
        assert views["clients"].busiest == (str(accounts.reseller), 1)
        assert [(each.subject, each.value) for each in views["clients"].overrides] == [(str(accounts.reseller), 7)]
        view = limits.set_limit(session, "clients", None, Actor("test"), api.deps.clock.now(), accounts.reseller)
        assert (view.value, view.overrides) == (100, ())
        query = select(AuditEntry.detail).where(AuditEntry.action == "limit.set").order_by(AuditEntry.seq)
        changes = [(detail["before"], detail["after"]) for detail in session.scalars(query)]
    assert changes == [(None, 7), (7, None)]
