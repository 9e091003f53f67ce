"""Merging another reseller's account and giving up the status, on the reseller's pages."""

import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from kontor.adapters.fakes import ManualClock
from tests.integration.portal.test_second_factor import add_app, code_of
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, error_of, page_of, set_password

Make = Callable[[str], ResellerAccounts]


@pytest.fixture
def seller(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The reseller, signed in."""
    assert visitor.sign_in("elbe").headers["location"] == "/partner"
    return visitor


def merges(api: Api) -> int:
    """How many merges were asked for."""
    return len(api.ok("GET /v1/jobs?task=resellers.merge")["items"])


def test_merge_shows_its_report_first_and_carries_the_consent_of_the_other_side(
    seller: PortalClient, elbe: ResellerAccounts, api: Api, make_accounts: Make
) -> None:
    other = make_accounts("spree")
    set_password(api, other.reseller)
    wrong = seller.post("/partner/merge", {"name": "spree", "password": "not the right one"})
    assert (wrong.status_code, error_of(wrong, "password") != "") == (422, True)
    shown = seller.post("/partner/merge", {"name": "spree", "password": PASSWORD})
    assert (shown.status_code, f'data-merge="{other.reseller}"' in shown.text, merges(api)) == (200, True, 0)
    assert PASSWORD not in shown.text
    unsure = seller.post("/partner/merge", {"name": "spree", "password": "", "confirm": "1"})
    assert (unsure.status_code, merges(api)) == (422, 0)
    consent = {"consent": re.findall(r'name="consent" value="([^"]+)"', shown.text)[0], "confirm": "1"}
    seller.post("/logout")
    seller.sign_in("elbe")
    stolen = seller.post("/partner/merge", consent)
    assert (stolen.status_code, merges(api)) == (422, 0)
    again = seller.post("/partner/merge", {"name": "spree", "password": PASSWORD})
    consent["consent"] = re.findall(r'name="consent" value="([^"]+)"', again.text)[0]
    done = seller.post("/partner/merge", consent)
    assert (done.status_code, done.headers["location"], merges(api)) == (303, "/partner?done=merge-started", 1)


def test_guessing_the_other_password_is_limited(seller: PortalClient, api: Api, make_accounts: Make) -> None:
    set_password(api, make_accounts("spree").reseller)
    guesses = [seller.post("/partner/merge", {"name": "spree", "password": f"guess {n}"}) for n in range(6)]
    assert [answer.status_code for answer in guesses] == [422] * 5 + [429]


def test_clients_and_oneself_are_not_merged(seller: PortalClient, elbe: ResellerAccounts, api: Api) -> None:
    for name in ("elbe", "elbe client"):
        assert seller.post("/partner/merge", {"name": name, "password": PASSWORD, "confirm": "1"}).status_code == 422
    assert merges(api) == 0


def test_revert_lists_who_is_let_go_and_happens_when_confirmed(
    seller: PortalClient, elbe: ResellerAccounts, api: Api
) -> None:
    page = seller.get("/partner/revert")
    assert (page_of(page), f'data-client="{elbe.client}"' in page.text) == ("partner.revert", True)
    assert seller.post("/partner/revert").status_code == 200
    assert api.ok(f"GET /v1/accounts/{elbe.reseller}")["kind"] == "reseller"
    assert seller.post("/partner/revert", {"confirm": "1"}).headers["location"] == "/account?done=reverted"
    kinds = [api.ok(f"GET /v1/accounts/{each}")["kind"] for each in (elbe.reseller, elbe.client)]
    assert kinds == ["regular", "regular"]
    assert seller.get("/partner").status_code == 404


def test_merge_needs_the_second_factor_of_the_other_account(
    seller: PortalClient, api: Api, make_accounts: Make, clock: ManualClock
) -> None:
    other = make_accounts("spree")
    set_password(api, other.reseller)
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        browser = PortalClient(http)
        browser.sign_in("spree")
        secret, _ = add_app(browser, clock)
    clock.advance(timedelta(seconds=30))
    alone = seller.post("/partner/merge", {"name": "spree", "password": PASSWORD})
    assert (alone.status_code, "data-merge" in alone.text) == (422, False)
    sent = {"name": "spree", "password": PASSWORD, "code": code_of(secret, clock)}
    assert f'data-merge="{other.reseller}"' in seller.post("/partner/merge", sent).text
