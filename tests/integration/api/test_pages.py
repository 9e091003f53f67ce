"""Public pages: reading changes nothing, posting decides once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from kontor.accounts import activation
from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from kontor.kernel.states import OfferEvent
from kontor.offers.notifications import make_decision_token
from kontor.offers.transitions import transition
from models.accounts import Account
from models.offers import Offer
from tests.support.api import Api, ResellerAccounts

LINE = {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}
MESSAGE = "Hello <script>alert(1)</script>\nsecond line"


CLASH = """
CREATE SEQUENCE clashes;
CREATE FUNCTION clash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('clashes') = 1 THEN
        RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER clash BEFORE UPDATE ON offers FOR EACH ROW EXECUTE FUNCTION clash()
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivered offer and the path of its decision page."""

    id: str
    path: str
    accounts: ResellerAccounts


@pytest.fixture
def sent(api: Api, make_accounts: Callable[[str], ResellerAccounts], deps: Deps) -> Sent:
    """A delivered offer with a message."""
    mine = make_accounts("elbe")
    new = {
        "reseller_id": str(mine.reseller),
        "account_id": str(mine.client),
        "lines": [LINE],
        "message": MESSAGE,
    }
    offer_id = api.ok("POST /v1/offers", new)["id"]
    return Sent(offer_id, deliver(deps, UUID(offer_id)), mine)


def deliver(deps: Deps, offer_id: UUID) -> str:
    """Mark an offer as delivered; returns the path of the decision page."""
    with deps.sessions() as session:
        offer = session.get_one(Offer, offer_id)
        transition(deps.context(deps.jobs), session, offer, OfferEvent.DELIVERED, "test")
        account = session.get_one(Account, offer.account_id)
        path = f"/offers/{make_decision_token(deps.tokens, offer, account)}"
        session.commit()
    return path


def state(api: Api, sent: Sent) -> str:
    """The state of the offer."""
    return str(api.ok(f"GET /v1/offers/{sent.id}")["state"])


def press(api: Api, sent: Sent, decision: str) -> httpx.Response:
    """Post a decision."""
    return api.http.post(sent.path, data={"decision": decision})


def test_decision_is_run_again_after_a_deadlock(api: Api, sent: Sent, deps: Deps) -> None:
    with deps.sessions() as session:
        session.connection().exec_driver_sql(CLASH)
        session.commit()
    assert press(api, sent, "accept").status_code == 200
    assert state(api, sent) == "accepted"


def test_reading_decides_nothing_and_shows_message_and_changes(api: Api, sent: Sent) -> None:
    for method in ("GET", "HEAD", "GET"):
        headers = {"Purpose": "prefetch", "Sec-Purpose": "prefetch"}
        answer = api.http.request(method, sent.path, headers=headers)
        assert answer.status_code == 200
    page = answer.text

    assert state(api, sent) == "waiting_for_confirmation"
    assert "Hello &lt;script&gt;alert(1)&lt;/script&gt;\nsecond line" in page
    assert "elbe" in page
    assert re.search(r"0 \w+ → 5 \(\+5\)", page)
    forms = re.findall(r"<form method=\"post\">(.*?)</form>", page, re.DOTALL)
    assert [re.findall(r'value="(\w+)"', form) for form in forms] == [["accept"], ["reject"]]
    assert all(re.findall(r'type="(\w+)"', form) == ["hidden"] for form in forms)


def test_pages_never_leak_their_url(api: Api, sent: Sent) -> None:
    for path in (sent.path, "/offers/forged", "/activate/forged", "/unsubscribe/forged"):
        headers = api.http.get(path).headers

        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "set-cookie" not in headers


def test_first_post_accepts_and_later_posts_are_conflicts(api: Api, sent: Sent) -> None:
    first, again, other = press(api, sent, "accept"), press(api, sent, "accept"), press(api, sent, "reject")
    later = api.http.get(sent.path)

    assert (first.status_code, again.status_code, other.status_code, later.status_code) == (200, 409, 409, 200)
    assert state(api, sent) == "accepted"
    assert "<form" not in first.text + again.text + other.text + later.text
    licences = api.ok(f"GET /v1/accounts/{sent.accounts.client}/licences")["items"]
    assert [(licence["product"], licence["count"]) for licence in licences] == [("excel-basics", 5)]


def test_rejected_offer_changes_nothing(api: Api, sent: Sent) -> None:
    assert press(api, sent, "reject").status_code == 200
    assert state(api, sent) == "rejected"
    assert api.ok(f"GET /v1/accounts/{sent.accounts.client}/licences")["items"] == []


def test_post_without_a_decision_decides_nothing(api: Api, sent: Sent) -> None:
    for form in ({}, {"decision": "maybe"}, {"other": "accept"}):
        assert api.http.post(sent.path, data=form).status_code == 422
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert api.http.post(sent.path, content=b"--y", headers=broken).status_code == 422
    assert state(api, sent) == "waiting_for_confirmation"


def test_cancelled_offer_is_410_to_read_and_409_to_decide(api: Api, sent: Sent) -> None:
    api.ok(f"POST /v1/offers/{sent.id}/cancel")

    assert (api.http.get(sent.path).status_code, press(api, sent, "accept").status_code) == (410, 409)
    assert state(api, sent) == "cancelled"


def test_expired_offer_is_410(api: Api, sent: Sent, clock: ManualClock) -> None:
    clock.advance(timedelta(days=30))

    assert (api.http.get(sent.path).status_code, press(api, sent, "accept").status_code) == (410, 410)
    assert api.ok(f"GET /v1/accounts/{sent.accounts.client}/licences")["items"] == []


def test_link_to_a_changed_address_is_410_and_hides_the_offer(api: Api, sent: Sent) -> None:
    api.ok(f"PATCH /v1/accounts/{sent.accounts.client}", {"admin_email": "new@elbe.example"})
    looked, pressed = api.http.get(sent.path), press(api, sent, "accept")

    assert (looked.status_code, pressed.status_code) == (410, 410)
    assert "second line" not in looked.text + pressed.text
    assert state(api, sent) == "waiting_for_confirmation"


def test_forged_token_is_404_in_the_readers_language_without_a_brand(api: Api, sent: Sent) -> None:
    forged = [sent.path[:-2] + "xx", "/offers/x", "/offers/" + "a" * 3000, "/offers/%00", "/offers/%F0%9F%92%A9"]
    for path in forged:
        assert (api.http.get(path).status_code, api.http.post(path, data={"decision": "accept"}).status_code) == (
            404,
            404,
        )
    german = api.http.get("/offers/x", headers={"Accept-Language": "de-AT,en;q=0.5"}).text

    assert "Dieser Link ist nicht gültig" in german
    assert "elbe" not in german
    assert state(api, sent) == "waiting_for_confirmation"


def test_page_uses_the_accounts_language_and_the_resellers_brand(api: Api, sent: Sent) -> None:
    brand = {"name": "Müller & Söhne", "colours": {"primary": "#aa3300"}, "support": {"email": "hilfe@elbe.example"}}
    api.ok(f"PUT /v1/accounts/{sent.accounts.reseller}/brand", brand)
    words = {"en": "Accept", "de": "Annehmen", "fr": "Accepter", "ru": "Принять", "ja": "承諾する"}
    for locale, word in words.items():
        api.ok(f"PATCH /v1/accounts/{sent.accounts.client}", {"locale": locale})
        page = api.http.get(sent.path).text

        assert f'<html lang="{locale}">' in page
        assert f"<button>{word}</button>" in page
        assert "Müller &amp; Söhne" in page
        assert "#aa3300" in page
        assert "hilfe@elbe.example" in page
        assert "Kontor" not in page


def test_activation_is_shown_by_get_and_done_by_post_once(
    api: Api, make_accounts: Callable[[str], ResellerAccounts], deps: Deps
) -> None:
    mine = make_accounts("elbe")
    with deps.sessions() as session:
        account = session.get_one(Account, mine.client)
        until = deps.clock.now() + activation.ACTIVATION_LIFETIME
        path = f"/activate/{activation.make_token(deps.tokens, account.id, account.email_version, until)}"

    looked = api.http.get(path)
    short = api.http.post(path, data={"activate": "yes", "password": "short"})
    active = api.ok(f"GET /v1/accounts/{mine.client}")["activated_at"]
    pressed = api.http.post(path, data={"activate": "yes"})
    again = api.http.post(path, data={"activate": "yes"})

    assert (looked.status_code, short.status_code, active) == (200, 422, None)
    assert (pressed.status_code, again.status_code, api.http.get(path).status_code) == (200, 409, 410)
    assert api.ok(f"GET /v1/accounts/{mine.client}")["activated_at"] is not None


def test_expired_activation_link_is_410(
    api: Api, make_accounts: Callable[[str], ResellerAccounts], deps: Deps, clock: ManualClock
) -> None:
    mine = make_accounts("elbe")
    with deps.sessions() as session:
        account = session.get_one(Account, mine.client)
        until = clock.now() + activation.ACTIVATION_LIFETIME
        path = f"/activate/{activation.make_token(deps.tokens, account.id, account.email_version, until)}"
    clock.advance(activation.ACTIVATION_LIFETIME)

    assert (api.http.get(path).status_code, api.http.post(path).status_code) == (410, 410)


def test_root_leads_to_the_portal_when_no_operator_is_signed_in(api: Api) -> None:
    answer = api.http.get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
