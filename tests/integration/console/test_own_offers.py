"""A reseller decides its own offer by none of its ways; a true decision shows its evidence (programme.md 5.8)."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from uuid import UUID

import httpx
import pytest

from kontor.accounts import address_links
from kontor.accounts.address_links import LIFETIME, AddressRole
from kontor.adapters.fakes import ManualClock
from kontor.kernel.data_keys import KeyPurpose
from kontor.offers.notifications import make_decision_token
from kontor.offers.transitions import CheckedChains, verify_chains
from models.accounts import Account
from models.offers import Offer
from tests.integration.api.test_pages import LINE, deliver
from tests.support.api import Api, ResellerAccounts
from tests.support.console import ConsoleClient

As = Callable[[str], ConsoleClient]
BOTH = ("accept", "reject")


@pytest.fixture
def elbe(make_accounts: Callable[[str], ResellerAccounts]) -> ResellerAccounts:
    return make_accounts("elbe")


@pytest.fixture
def key(api: Api, elbe: ResellerAccounts) -> str:
    """The reseller's key, with every scope there is."""
    return api.key(reseller_id=elbe.reseller)


def send(api: Api, elbe: ResellerAccounts) -> tuple[str, str]:
    """Send an offer; returns its id and the path of the link that the client was mailed."""
    new = {"reseller_id": str(elbe.reseller), "account_id": str(elbe.client), "lines": [LINE]}
    offer_id = str(api.ok("POST /v1/offers", new)["id"])
    return offer_id, deliver(api.deps, UUID(offer_id))


def link_of_today(api: Api, offer_id: str) -> str:
    """The path of the link that is mailed to the address of now."""
    with api.deps.sessions() as session:
        offer = session.get_one(Offer, UUID(offer_id))
        return f"/offers/{make_decision_token(api.deps.tokens, offer, session.get_one(Account, offer.account_id))}"


def set_address(api: Api, elbe: ResellerAccounts, key: str, address: str) -> None:
    api.ok(f"PATCH /v1/accounts/{elbe.client}", {"admin_email": address}, key=key)


def pressed(api: Api, path: str) -> list[int]:
    """Press both buttons of a decision page; returns the statuses."""
    return [api.http.post(path, data={"decision": decision}).status_code for decision in BOTH]


def called(api: Api, offer_id: str, key: str) -> list[tuple[int, str]]:
    """Decide by a key; returns statuses and codes."""
    answers = [api.call(f"POST /v1/offers/{offer_id}/{decision}", key=key) for decision in BOTH]
    return [(answer.status_code, answer.json()["code"]) for answer in answers]


def made_key(api: Api, elbe: ResellerAccounts, by: str, *scopes: str) -> httpx.Response:
    return api.call("POST /v1/keys", {"name": "k", "scopes": scopes, "account_id": str(elbe.client)}, key=by)


def test_no_key_of_the_resellers_making_decides(api: Api, elbe: ResellerAccounts, key: str) -> None:
    offer_id, _ = send(api, elbe)
    assert called(api, offer_id, key) == [(403, "forbidden")] * 2
    first = made_key(api, elbe, key, "read", "enqueue", "keys").json()["secret"]
    second = made_key(api, elbe, first, "read", "enqueue").json()["secret"]
    assert called(api, offer_id, first) == called(api, offer_id, second) == [(403, "forbidden")] * 2
    assert [made_key(api, elbe, by, "decide").status_code for by in (key, first)] == [403, 403]
    job = {"task": "offers.deliver", "args": {"offer_id": offer_id}}
    for by in (key, first, second):
        assert api.call("POST /v1/jobs", job, key=by).json()["code"] == "task_internal"
    assert api.ok(f"GET /v1/offers/{offer_id}")["state"] == "waiting_for_confirmation"


def test_no_link_to_an_address_of_the_resellers_choosing_decides(
    api: Api, elbe: ResellerAccounts, key: str, clock: ManualClock
) -> None:
    offer_id, former = send(api, elbe)
    set_address(api, elbe, key, "mine@thief.example")
    between = link_of_today(api, offer_id)
    assert pressed(api, between) == [409, 409]
    assert pressed(api, former) == [410, 410]
    until = clock.now() + LIFETIME
    confirm, contest = (
        f"/{page}/{address_links.make_token(api.deps.tokens, role, elbe.client, 2, until)}"
        for role, page in ((AddressRole.NEW, "confirm"), (AddressRole.OLD, "object"))
    )
    assert api.http.post(confirm).status_code == 200
    assert pressed(api, between) == [409, 409]
    set_address(api, elbe, key, "admin@elbe.example")
    assert pressed(api, between) == pressed(api, former) == [410, 410]
    assert pressed(api, link_of_today(api, offer_id)) == [409, 409]
    assert api.http.post(contest).status_code == 200
    clock.advance(timedelta(days=2))
    assert pressed(api, link_of_today(api, offer_id)) == [409, 409]
    assert called(api, offer_id, api.key("read", account_id=elbe.client)) == [(409, "offer_held")] * 2
    assert api.ok(f"GET /v1/offers/{offer_id}")["state"] == "waiting_for_confirmation"


def test_true_decision_shows_its_evidence_to_api_and_console_and_its_chain_verifies(
    signed_in: As, api: Api, elbe: ResellerAccounts
) -> None:
    by_link, path = send(api, elbe)
    by_key, _ = send(api, elbe)
    agent = {"User-Agent": "Browser of the client"}
    assert api.http.post(path, data={"decision": "accept"}, headers=agent).status_code == 200
    api.ok(f"POST /v1/offers/{by_key}/reject", key=api.key("read", "enqueue", account_id=elbe.client))
    someone = signed_in("viewer")
    for offer_id, via in ((by_link, "link"), (by_key, "key")):
        evidence = api.ok(f"GET /v1/offers/{offer_id}")["events"][-1]["evidence"]
        assert (evidence["via"], evidence["address"], evidence["origin"]) == (via, "admin@elbe.example", "127.0.0.1")
        page = unescape(someone.get(f"/console/offers/{offer_id}").text)
        shown = (f"by {via} to admin@elbe.example", "set by operator", "from 127.0.0.1", evidence["user_agent"])
        assert [words for words in (*shown, "Audit trail intact") if words not in page] == []
    with api.deps.sessions() as session:
        keys = api.deps.keys
        assert keys is not None
        assert verify_chains(session, keys.key(KeyPurpose.OFFERS)) == CheckedChains(2, [])
