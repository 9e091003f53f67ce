"""Signing up, and becoming a reseller."""

from urllib.parse import urlsplit

from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, error_of, mailed_path, page_of

NEW = {"programme": "learning", "name": "Havel", "admin_email": "chef@havel.example", "party": "company"}


def test_account_is_made_and_its_owner_becomes_reseller_once_the_address_is_confirmed(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    assert page_of(visitor.get("/signup")) == "signup"
    data = {**NEW, "password": PASSWORD, "terms": "1"}
    made = visitor.post("/signup", data, page="/signup")
    assert (made.status_code, made.headers["location"]) == (303, "/account?done=signed-up")
    early = visitor.post("/account/become-reseller", {"terms": "on"})
    assert (early.status_code, page_of(early)) == (409, "account.become-reseller")
    path = urlsplit(mailed_path(api, "activation")).path
    assert visitor.http.post(path).status_code == 200
    unread = visitor.post("/account/become-reseller", {})
    assert (unread.status_code, error_of(unread, "terms") != "") == (422, True)
    done = visitor.post("/account/become-reseller", {"terms": "on"})
    assert done.headers["location"] == "/partner?done=reseller"
    assert visitor.get("/partner").status_code == 200


def test_what_was_typed_stays_and_each_field_is_named_when_a_signup_is_refused(
    elbe: ResellerAccounts, visitor: PortalClient
) -> None:
    without = visitor.post("/signup", {**NEW, "password": PASSWORD}, page="/signup")
    assert (without.status_code, error_of(without, "terms") != "", 'value="Havel"' in without.text) == (422, True, True)
    weak = visitor.post("/signup", {**NEW, "password": "short", "terms": "1"}, page="/signup")
    assert error_of(weak, "password") != ""
    taken = visitor.post("/signup", {**NEW, "name": "ELBE", "password": PASSWORD, "terms": "1"}, page="/signup")
    assert error_of(taken, "name") != ""
    closed = visitor.post("/signup", {**NEW, "programme": "x", "password": PASSWORD, "terms": "1"}, page="/signup")
    assert error_of(closed, "programme") != ""
    assert PASSWORD not in taken.text


def test_client_is_not_offered_to_become_a_reseller(elbe: ResellerAccounts, visitor: PortalClient) -> None:
    visitor.sign_in("elbe client")
    assert visitor.get("/account/become-reseller").status_code == 404
    assert visitor.post("/account/become-reseller", {"terms": "on"}).status_code == 404
    assert "become-reseller" not in visitor.get("/account").text
