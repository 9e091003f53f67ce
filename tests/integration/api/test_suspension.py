"""A suspended account over HTTP: who may suspend it, what stops, what its pages say."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kontor.accounts.activation import make_token
from kontor.offers.notifications import make_decision_token
from models.accounts import Account
from models.offers import Offer
from tests.support.api import Api, ResellerAccounts
from tests.support.worker import running_worker

LINES = [{"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}]
WHY = {"reason": "abuse"}


@pytest.fixture
def elbe(make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    return make_accounts("elbe")


def code(api: Api, line: str, body: Any = None, key: str | None = None) -> tuple[int, str]:
    answer = api.call(line, body, key=key)
    return answer.status_code, answer.json().get("code", "")


def test_suspension_is_for_operators_and_for_a_reseller_over_its_clients(
    api: Api, elbe: ResellerAccounts, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    other = make_accounts("weser")
    mine = api.key("read", "enqueue", reseller_id=elbe.reseller)
    own = api.key("read", "enqueue", "operate", account_id=elbe.client)
    client, reseller = f"/v1/accounts/{elbe.client}", f"/v1/accounts/{elbe.reseller}"
    refused = [
        (own, f"POST {client}/suspend", (403, "forbidden")),
        (mine, f"POST {reseller}/suspend", (403, "forbidden")),
        (mine, f"POST /v1/accounts/{other.client}/suspend", (404, "not_found")),
        (api.key("read", "enqueue"), f"POST {client}/suspend", (403, "forbidden")),
    ]
    for key, line, expected in refused:
        assert code(api, line, WHY, key) == expected
        assert code(api, line.replace("POST", "PATCH").removesuffix("/suspend"), {"suspended": True}, key) == expected
    assert code(api, f"POST {client}/suspend", {}, mine) == (422, "invalid")
    assert api.ok(f"POST {client}/suspend", WHY, key=mine)["suspended"]
    assert code(api, f"GET {client}", key=own) == (403, "account_suspended")
    assert not api.ok(f"POST {client}/resume", WHY, key=mine)["suspended"]
    assert api.call(f"GET {client}", key=own).status_code == 200
    api.ok(f"PATCH {client}", {"suspended": True}, key=api.key("operate", "enqueue"))
    assert code(api, f"POST {client}/resume", WHY, mine) == (403, "forbidden")
    assert code(api, f"PATCH {client}", {"suspended": False}, mine) == (403, "forbidden")


def test_reseller_is_stopped_with_its_clients_in_one_act(api: Api, elbe: ResellerAccounts) -> None:
    keys = [api.key("read", reseller_id=elbe.reseller), api.key("read", account_id=elbe.client)]
    api.ok(f"POST /v1/accounts/{elbe.reseller}/suspend", WHY)
    assert {code(api, "GET /v1/accounts", key=key) for key in keys} == {(403, "account_suspended")}
    api.ok(f"POST /v1/accounts/{elbe.reseller}/resume", WHY)
    assert {code(api, "GET /v1/accounts", key=key) for key in keys} == {(200, "")}


def decision_path(api: Api, offer_id: str, client: UUID) -> str:
    with api.deps.sessions() as session:
        offer, account = session.get_one(Offer, UUID(offer_id)), session.get_one(Account, client)
        return f"/offers/{make_decision_token(api.deps.tokens, offer, account)}"


def test_no_offer_is_sent_delivered_or_decided_while_suspended(api: Api, elbe: ResellerAccounts) -> None:
    new = {"reseller_id": str(elbe.reseller), "account_id": str(elbe.client), "lines": LINES}
    offers, steer = [api.ok("POST /v1/offers", new)["id"]], f"POST /v1/accounts/{elbe.client}"
    with running_worker(api.deps) as engine:
        engine.inline.drain()
        path = decision_path(api, offers[0], elbe.client)
        offers.append(api.ok("POST /v1/offers", new)["id"])
        api.ok(f"{steer}/suspend", WHY)
        engine.inline.drain()
        assert api.ok(f"GET /v1/offers/{offers[1]}")["delivery"]["attempts"] == 0
    assert code(api, "POST /v1/offers", new) == (409, "account_suspended")
    for verdict in ("accept", "reject"):
        assert code(api, f"POST /v1/offers/{offers[0]}/{verdict}") == (409, "account_suspended")
    page = api.http.get(path)
    pressed = api.http.post(path, data={"decision": "accept"})
    assert (page.status_code, pressed.status_code) == (403, 409)
    for text in (page.text, pressed.text):
        assert "Dieses Konto ist gesperrt" in text
        assert "elbe@shop.example" in text
        assert 'name="decision"' not in text
    assert api.ok(f"GET /v1/offers/{offers[0]}")["state"] == "waiting_for_confirmation"
    api.ok(f"{steer}/resume", WHY)
    assert api.http.get(path).status_code == 200
    assert api.ok(f"POST /v1/offers/{offers[0]}/accept")["state"] == "accepted"


def test_activation_page_of_a_suspended_account_says_so_and_activates_nothing(api: Api, elbe: ResellerAccounts) -> None:
    ends = api.deps.clock.now() + timedelta(hours=1)
    path = f"/activate/{make_token(api.deps.tokens, elbe.client, 1, ends)}"
    api.ok(f"POST /v1/accounts/{elbe.client}/suspend", WHY)
    page, pressed = api.http.get(path), api.http.post(path)
    assert (page.status_code, pressed.status_code) == (403, 409)
    assert "elbe@shop.example" in page.text
    api.ok(f"POST /v1/accounts/{elbe.client}/resume", WHY)
    assert api.http.post(path).status_code == 200
