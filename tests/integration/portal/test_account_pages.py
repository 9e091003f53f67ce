"""The client's pages: account, trial, updates, people, visits."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from kontor.adapters.fakes import ManualClock
from models.offers import Offer
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, error_of, mailed_path, page_of
from tests.support.query_plans import statements

LINES = [{"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}]
Make = Callable[[str], ResellerAccounts]


def offer_to(api: Api, accounts: ResellerAccounts, message: str = "Five more seats") -> str:
    """An offer that awaits the client's decision."""
    body = {"reseller_id": str(accounts.reseller), "account_id": str(accounts.client), "lines": LINES}
    made = str(api.ok("POST /v1/offers", {**body, "message": message})["id"])
    with api.deps.sessions() as session:
        offer = session.get_one(Offer, made)
        offer.state = "waiting_for_confirmation"
        session.commit()
    return made


def test_account_page_shows_plan_licences_and_contact(elbe: ResellerAccounts, visitor: PortalClient) -> None:
    visitor.sign_in("elbe client")
    page = visitor.get("/account")
    assert (page.status_code, page_of(page)) == (200, "account")
    assert 'data-plan="free"' in page.text
    assert "elbe@shop.example" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in page.text


def test_updates_take_five_statements_and_their_number_two(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    offer_to(api, elbe)
    visitor.sign_in("elbe client")
    taken = {}
    for path in ("/updates", "/updates.json"):
        visitor.get(path)
        with statements(api.deps.engine) as recorded:
            visitor.get(path)
        taken[path] = len(recorded)
    assert taken == {"/updates": 5, "/updates.json": 2}


@pytest.mark.parametrize("language", ["en", "de", "fr", "ru", "ja"])
def test_pages_are_in_the_language_that_was_chosen_and_stay_so(
    elbe: ResellerAccounts, visitor: PortalClient, language: str
) -> None:
    visitor.sign_in("elbe client")
    assert f'<html lang="{language}"' in visitor.get(f"/account?lang={language}").text
    for path in ("/updates", "/account/members", "/account/visits", "/account/password"):
        page = visitor.get(path)
        assert (page.status_code, f'<html lang="{language}"' in page.text) == (200, True)


def test_offer_is_shown_and_decided_once_when_the_owner_presses_a_button(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    offer = offer_to(api, elbe, "Five <b>more</b> seats")
    visitor.sign_in("elbe client")
    updates = visitor.get("/updates")
    assert "(1)" in updates.text
    assert 'data-count="1"' in updates.text
    assert "Five &lt;b&gt;more&lt;/b&gt; seats" in updates.text
    assert api.ok(f"GET /v1/accounts/{elbe.client}/badge", key=api.key(account_id=elbe.client)) == {"count": 1}
    page = visitor.get(f"/updates/{offer}")
    assert (page_of(page), 'data-state="waiting_for_confirmation"' in page.text) == ("updates.show", True)
    unclear = visitor.post(f"/updates/{offer}/decide", {"decision": "perhaps"})
    assert (unclear.status_code, error_of(unclear, "decision") != "") == (422, True)
    done = visitor.post(f"/updates/{offer}/decide", {"decision": "accept"})
    assert (done.status_code, done.headers["location"]) == (303, f"/updates/{offer}?done=accepted")
    lost = visitor.post(f"/updates/{offer}/decide", {"decision": "reject"})
    assert (lost.status_code, 'data-state="accepted"' in lost.text) == (409, True)
    evidence = api.ok(f"GET /v1/offers/{offer}")["events"][-1]["evidence"]
    assert (evidence["via"], evidence["address"]) == ("portal", "admin@elbe.example")


def test_foreign_offer_and_member_are_not_there(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api, make_accounts: Make
) -> None:
    other = make_accounts("spree")
    offer = offer_to(api, other)
    member = api.ok(f"POST /v1/accounts/{other.client}/members", {"email": "x@spree.example", "role": "staff"})["id"]
    visitor.sign_in("elbe client")
    assert visitor.get(f"/updates/{offer}").status_code == 404
    assert visitor.post(f"/updates/{offer}/decide", {"decision": "accept"}).status_code == 404
    assert visitor.post(f"/account/members/{member}", {"role": "viewer"}).status_code == 404
    assert visitor.post(f"/account/members/{member}/remove").status_code == 404
    assert visitor.get("/updates/nonsense").status_code == 404
    assert api.ok(f"GET /v1/offers/{offer}")["state"] == "waiting_for_confirmation"


def test_viewer_reads_and_staff_decides_while_people_are_the_owners_alone(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    offer = offer_to(api, elbe)
    visitor.sign_in("elbe client")
    person = {"email": "jana@weser.example", "name": "Jana", "locale": "de", "role": "viewer"}
    added = visitor.post("/account/members", person)
    assert added.headers["location"] == "/account/members?done=member-added"
    again = visitor.post("/account/members", person)
    assert (again.status_code, error_of(again, "email") != "", 'value="Jana"' in again.text) == (422, True, True)
    api.http.post(mailed_path(api, "member-invited"), data={"password": PASSWORD})
    member = api.ok(f"GET /v1/accounts/{elbe.client}/members")["items"][1]["id"]
    visitor.post("/logout")
    visitor.sign_in("jana@weser.example")
    assert visitor.get(f"/updates/{offer}").status_code == 200
    assert 'name="decision"' not in visitor.get(f"/updates/{offer}").text
    assert visitor.post(f"/updates/{offer}/decide", {"decision": "accept"}).status_code == 403
    assert visitor.post("/account/trial").status_code == 403
    assert visitor.get("/account/members").status_code == 403
    api.ok(f"PATCH /v1/accounts/{elbe.client}/members/{member}", {"role": "staff"})
    assert visitor.post("/account/members", person).status_code == 403
    assert visitor.post(f"/updates/{offer}/decide", {"decision": "reject"}).status_code == 303


def test_every_form_is_refused_without_its_csrf(elbe: ResellerAccounts, visitor: PortalClient, api: Api) -> None:
    offer = offer_to(api, elbe)
    visitor.sign_in("elbe client")
    forms = (
        "/account/trial",
        "/account/plan",
        "/account/members",
        f"/account/members/{elbe.client}",
        f"/account/members/{elbe.client}/remove",
        f"/updates/{offer}/decide",
        "/account/switch",
    )
    sent = {"decision": "accept", "email": "x@y.example", "role": "staff", "plan": "free"}
    assert {path: visitor.http.post(path, data=sent).status_code for path in forms} == dict.fromkeys(forms, 403)
    assert api.ok(f"GET /v1/offers/{offer}")["state"] == "waiting_for_confirmation"


def test_trial_starts_once_when_the_programme_has_one(api: Api, visitor: PortalClient, elbe: ResellerAccounts) -> None:
    visitor.sign_in("elbe client")
    refused = visitor.post("/account/trial")
    assert (refused.status_code, page_of(refused)) == (409, "account")
    assert visitor.post("/account/plan", {"plan": "free"}).status_code == 403


def test_number_of_open_offers_is_asked_without_keeping_the_session_alive(
    visitor: PortalClient, elbe: ResellerAccounts, api: Api, clock: ManualClock
) -> None:
    visitor.sign_in("elbe client")
    page = visitor.get("/updates")
    policy = page.headers["content-security-policy"]
    assert ("/updates.json" in page.text, "script-src 'nonce-" in policy) == (True, True)
    assert visitor.get("/updates.json").json() == {"count": 0}
    offer_to(api, elbe)
    assert visitor.get("/updates.json").json() == {"count": 1}
    for _ in range(3):
        clock.advance(timedelta(minutes=25))
        last = visitor.get("/updates.json")
    assert last.status_code == 303
