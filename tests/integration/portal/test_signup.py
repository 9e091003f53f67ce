"""Signing up, and becoming a reseller."""

from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select

from models.mails import Mail
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, error_of, mailed_path, page_of, set_password

NEW = {"programme": "learning", "name": "Havel", "admin_email": "chef@havel.example", "party": "company"}


def test_account_is_made_and_its_owner_becomes_reseller_once_the_address_is_confirmed(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    assert page_of(visitor.get("/signup?lang=en")) == "signup"
    data = {**NEW, "password": PASSWORD, "terms": "1"}
    made = visitor.post("/signup", data, page="/signup")
    assert (made.status_code, made.headers["location"]) == (303, "/account?done=signed-up")
    early = visitor.post("/account/become-reseller", {"terms": "on"})
    assert (early.status_code, page_of(early)) == (422, "account.become-reseller")
    assert "confirm your own address" in error_of(early, "terms")
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


def test_client_leaves_its_reseller_when_it_becomes_one_and_reads_so_before_any_terms(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    body = {"name": "Mulde", "admin_email": "chef@mulde.example"}
    key = api.key("read", "enqueue", reseller_id=elbe.reseller)
    client = api.ok(f"POST /v1/resellers/{elbe.reseller}/clients", body, key=key)["id"]
    set_password(api, client)
    visitor.sign_in("Mulde")
    assert "become-reseller" not in visitor.get("/account").text
    page = visitor.get("/account/become-reseller")
    assert (page.status_code, "elbe" in page.text, "learning.example" in page.text) == (200, True, False)
    assert 'name="terms"' not in page.text
    unread = visitor.post("/account/become-reseller", {"terms": "on"})
    assert (unread.status_code, 'name="terms"' in unread.text) == (200, False)
    terms = visitor.post("/account/become-reseller", {"leave": "1"})
    assert (terms.status_code, 'name="terms"' in terms.text, "learning.example" in terms.text) == (200, True, True)
    early = visitor.post("/account/become-reseller", {"leave": "1", "terms": "on"})
    assert (early.status_code, error_of(early, "terms") != "") == (422, True)
    visitor.post("/login/link", {"identifier": "Mulde"})
    assert visitor.post(mailed_path(api, "sign-in-link")).status_code == 303
    unticked = visitor.post("/account/become-reseller", {"leave": "1", "sent": "1"})
    assert (unticked.status_code, error_of(unticked, "terms") != "") == (422, True)
    old = visitor.post("/account/become-reseller", {"leave": "1", "terms": "1999-01"})
    assert (old.status_code, error_of(old, "terms") != "") == (422, True)
    assert api.ok(f"GET /v1/accounts/{client}")["kind"] == "client"
    done = visitor.post("/account/become-reseller", {"leave": "1", "terms": "on"})
    assert done.headers["location"] == "/partner?done=reseller-left"
    account = api.ok(f"GET /v1/accounts/{client}")
    assert (account["kind"], account["reseller_id"]) == ("reseller", None)
    assert mailed_accounts(api, "welcome-reseller")[-1] == UUID(client)


def mailed_accounts(api: Api, template: str) -> list[UUID | None]:
    """The accounts that got a mail of a kind, oldest first."""
    with api.deps.sessions() as session:
        return list(session.scalars(select(Mail.account_id).where(Mail.template == template).order_by(Mail.id)))
