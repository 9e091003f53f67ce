"""What other systems call accounts and offers: external_id and metadata, each side its own (programme.md 2.12)."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.accounts.merge import merge
from tests.support.api import Api, ResellerAccounts

Accounts = Callable[[str], ResellerAccounts]
LINES = [{"product": "excel-basics", "count": 1, "mode": "absolute", "term": "P1Y"}]


@pytest.fixture
def elbe(make_accounts: Accounts) -> ResellerAccounts:
    """A reseller with a client."""
    return make_accounts("elbe")


def test_each_side_sees_its_own_metadata_and_the_client_neither(api: Api, elbe: ResellerAccounts) -> None:
    place = f"/v1/accounts/{elbe.client}"
    theirs, own = api.key(reseller_id=elbe.reseller), api.key(account_id=elbe.client)
    api.ok(f"PATCH {place}", {"metadata": {"ticket": "1"}})
    api.ok(f"PATCH {place}", {"metadata": {"crm": "A-7"}, "external_id": " 42 "}, key=theirs)

    shown = api.ok(f"GET {place}", key=theirs)
    assert (shown["metadata"], shown["external_id"], shown["services"]) == ({"crm": "A-7"}, "42", [])
    assert api.ok(f"GET {place}")["metadata"] == {"ticket": "1"}
    assert api.ok(f"GET {place}", key=own).keys().isdisjoint({"metadata", "external_id"})
    for body in ({"metadata": {"a": "b"}}, {"external_id": "x"}):
        assert api.call(f"PATCH {place}", body, key=own).status_code == 403
    assert api.call(f"PATCH {place}", {"metadata": {"k" * 41: "v"}}, key=theirs).json()["code"] == "invalid"


def test_id_of_a_client_is_unique_among_the_clients_of_its_reseller_alone(
    api: Api, elbe: ResellerAccounts, make_accounts: Accounts
) -> None:
    other = make_accounts("spree")
    keys = {each.reseller: api.key(reseller_id=each.reseller) for each in (elbe, other)}

    def made(reseller: UUID, name: str) -> Any:
        body = {"name": name, "admin_email": "a@b.example", "external_id": "1", "metadata": {"n": name}}
        return api.call(f"POST /v1/resellers/{reseller}/clients", body, key=keys[reseller])

    first, second = made(elbe.reseller, "One of elbe"), made(other.reseller, "One of spree")
    assert (first.status_code, second.status_code) == (201, 201)
    assert made(elbe.reseller, "Two of elbe").json()["code"] == "external_id_taken"
    listed = api.ok("GET /v1/accounts?external_id=1", key=keys[elbe.reseller])["items"]
    assert [(each["name"], each["metadata"]) for each in listed] == [("One of elbe", {"n": "One of elbe"})]
    assert len(api.ok("GET /v1/accounts?external_id=1")["items"]) == 2


def test_id_and_metadata_of_a_reseller_end_when_its_client_leaves(api: Api, elbe: ResellerAccounts) -> None:
    place, theirs = f"/v1/accounts/{elbe.client}", api.key(reseller_id=elbe.reseller)
    api.ok(f"PATCH {place}", {"metadata": {"ticket": "1"}})
    api.ok(f"PATCH {place}", {"metadata": {"crm": "A-7"}, "external_id": "42"}, key=theirs)
    api.ok(f"POST /v1/resellers/{elbe.reseller}/clients/{elbe.client}/disconnect")

    shown = api.ok(f"GET {place}")
    assert (shown["external_id"], shown["metadata"]) == (None, {"ticket": "1"})
    with api.deps.sessions() as session:
        assert "A-7" not in str(session.execute(text("SELECT notes FROM accounts")).scalars().all())
    api.ok(f"PATCH {place}", {"external_id": "42"})
    assert api.ok("GET /v1/accounts?external_id=42")["items"][0]["id"] == str(elbe.client)


def test_merge_keeps_ids_that_both_resellers_use_apart(
    api: Api, elbe: ResellerAccounts, make_accounts: Accounts
) -> None:
    other = make_accounts("spree")
    for each in (elbe, other):
        api.ok(f"PATCH /v1/accounts/{each.client}", {"external_id": "1"}, key=api.key(reseller_id=each.reseller))
    with api.deps.sessions() as session:
        merge(api.deps.context(api.deps.jobs), session, other.reseller, elbe.reseller)
        session.commit()

    shown = api.ok("GET /v1/accounts?kind=client", key=api.key(reseller_id=elbe.reseller))["items"]
    assert {each["external_id"] for each in shown} == {"1", f"1 ({other.reseller})"}


def test_offer_has_an_id_of_the_resellers_system_once(api: Api, elbe: ResellerAccounts) -> None:
    theirs, own = api.key(reseller_id=elbe.reseller), api.key(account_id=elbe.client)
    api.ok(f"PUT /v1/accounts/{elbe.client}/instance", {"url": "https://customer.example/"})
    body: dict[str, Any] = {"reseller_id": str(elbe.reseller), "account_id": str(elbe.client), "lines": LINES}
    body |= {"external_id": "Q-1", "metadata": {"deal": "7"}}
    sent = api.ok("POST /v1/offers", body, key=theirs)

    assert (sent["external_id"], sent["metadata"]) == ("Q-1", {"deal": "7"})
    assert api.call("POST /v1/offers", body, key=theirs).json()["code"] == "external_id_taken"
    assert [each["id"] for each in api.ok("GET /v1/offers?external_id=Q-1", key=theirs)["items"]] == [sent["id"]]
    assert api.ok("GET /v1/offers?external_id=Q-2", key=theirs)["items"] == []
    assert api.ok(f"GET /v1/offers/{sent['id']}")["metadata"] == {}
    assert api.ok(f"GET /v1/offers/{sent['id']}", key=own).keys().isdisjoint({"metadata", "external_id"})
