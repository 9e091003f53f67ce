"""Signing in to the portal by password and by link, and out of it."""

from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import select

from kontor.adapters.fakes import ManualClock
from models.mails import Mail
from models.portal import PortalSession
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import PASSWORD, PortalClient, error_of, mailed_path, page_of, set_password

OTHER = "another password for the portal"


def test_owner_signs_in_by_name_and_by_address_when_the_password_is_right(
    elbe: ResellerAccounts, visitor: PortalClient
) -> None:
    for identifier in ("ELBE client", "Admin@elbe.example"):
        answer = visitor.sign_in(identifier)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert visitor.sign_in("elbe").headers["location"] == "/partner"


def test_answer_is_the_same_when_the_account_is_unknown_or_the_password_wrong(
    elbe: ResellerAccounts, visitor: PortalClient
) -> None:
    wrong, unknown = visitor.sign_in("elbe client", OTHER), visitor.sign_in("nobody at all", OTHER)
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    assert error_of(wrong, "password") == error_of(unknown, "password") != ""
    assert 'value="elbe client"' in wrong.text
    assert page_of(wrong) == "login"


def test_visitor_is_led_to_the_sign_in_and_back_when_a_page_asks_for_one(
    elbe: ResellerAccounts, visitor: PortalClient
) -> None:
    asked = visitor.get("/account/password?lang=de")
    assert asked.headers["location"] == "/login?next=%2Faccount%2Fpassword%3Flang%3Dde"
    assert visitor.sign_in("elbe client", following="/account/password").headers["location"] == "/account/password"


@pytest.mark.parametrize(
    ("following", "led_to"), [("/account/visits", "/account/visits"), ("//evil.example", "/account")]
)
def test_next_of_the_address_counts_when_the_form_names_none(
    elbe: ResellerAccounts, visitor: PortalClient, following: str, led_to: str
) -> None:
    form = {"csrf": visitor.csrf(), "identifier": "elbe client", "password": PASSWORD}
    answer = visitor.http.post("/login", params={"next": following}, data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, led_to)


@pytest.mark.parametrize(
    ("path", "above"),
    [("/account/plan", "/account"), ("/login/link", "/login"), ("/partner/orders/1/cancel", "/partner/orders")],
)
def test_address_of_a_form_leads_to_its_page_when_it_is_opened(visitor: PortalClient, path: str, above: str) -> None:
    for answer in (visitor.get(path), visitor.http.head(path)):
        assert (answer.status_code, answer.headers["location"]) == (303, above)


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb"])
def test_next_is_ignored_when_it_is_not_a_path_of_this_host(
    elbe: ResellerAccounts, visitor: PortalClient, path: str
) -> None:
    assert visitor.sign_in("elbe client", following=path).headers["location"] == "/account"


def test_form_is_refused_when_its_csrf_is_missing_or_of_another_browser(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    data = {"identifier": "elbe client", "password": PASSWORD}
    assert visitor.http.post("/login", data=data).status_code == 403
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as other:
        theirs = PortalClient(other).csrf()
    assert visitor.http.post("/login", data={"csrf": theirs, **data}).status_code == 403
    visitor.sign_in("elbe client")
    for form in ({}, {"csrf": theirs}):
        assert visitor.http.post("/logout", data=form).status_code == 403
        assert visitor.http.post("/account/password", data=form).status_code == 403


def test_session_is_new_and_the_planted_one_ends_when_somebody_signs_in(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    visitor.sign_in("elbe client")
    before = visitor.http.cookies["session"]
    visitor.http.cookies.delete("session")
    form = {"csrf": visitor.csrf(), "identifier": "elbe", "password": PASSWORD}
    visitor.http.cookies.set("session", before, domain="127.0.0.1", path="/")
    csrf = visitor.csrf("/account/password")
    assert visitor.http.post("/login", data={**form, "csrf": csrf}).status_code == 303
    assert visitor.http.cookies["session"] != before
    with api.deps.sessions() as session:
        assert len(session.scalars(select(PortalSession)).all()) == 1


def test_cookie_is_http_only_and_without_a_product_name(elbe: ResellerAccounts, visitor: PortalClient) -> None:
    cookies = visitor.sign_in("elbe client").headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("session="))
    assert all(part in session for part in ("HttpOnly", "SameSite=lax", "Path=/"))
    assert not any("kontor" in cookie.lower() or "console" in cookie for cookie in cookies)


def test_session_ends_when_it_is_idle_for_an_hour_or_signed_out(
    elbe: ResellerAccounts, visitor: PortalClient, clock: ManualClock
) -> None:
    visitor.sign_in("elbe client")
    clock.advance(timedelta(minutes=59))
    assert visitor.get("/account/password").status_code == 200
    clock.advance(timedelta(minutes=60))
    assert visitor.get("/account/password").status_code == 303
    visitor.sign_in("elbe client")
    kept = visitor.http.cookies["session"]
    assert visitor.post("/logout").headers["location"] == "/login"
    visitor.http.cookies.set("session", kept, domain="127.0.0.1", path="/")
    assert visitor.get("/account/password").status_code == 303


def test_five_failures_lock_strangers_out_and_not_the_device_that_signed_in(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    visitor.sign_in("elbe client")
    visitor.post("/logout")
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        stranger = PortalClient(http)
        assert [stranger.sign_in("elbe client", OTHER).status_code for _ in range(5)] == [422] * 5
        locked = stranger.sign_in("elbe client")
        assert (locked.status_code, "retry-after" in locked.headers) == (429, True)
    assert visitor.sign_in("elbe client").status_code == 303


def test_address_opens_exactly_the_accounts_whose_password_it_is(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    new = {"programme": "learning", "admin_email": "admin@elbe.example"}
    second = api.ok("POST /v1/accounts", {**new, "name": "Second", "password": PASSWORD})["id"]
    third = api.ok("POST /v1/accounts", {**new, "name": "Third", "password": OTHER})["id"]
    answer = visitor.sign_in("admin@elbe.example")
    assert answer.headers["location"] == "/account/switch"
    choice = visitor.get("/account/switch").text
    assert (second in choice, third in choice) == (True, False)
    chosen = visitor.post("/account/switch", {"account_id": second}, page="/account/switch")
    assert chosen.headers["location"] == "/account"
    for foreign in (third, str(elbe.reseller), "nonsense"):
        assert visitor.post("/account/switch", {"account_id": foreign}).status_code == 404


def test_member_and_owner_passwords_of_one_address_open_each_their_own(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    api.ok(f"POST /v1/accounts/{elbe.reseller}/members", {"email": "admin@elbe.example", "role": "viewer"})
    invitation = mailed_path(api, "member-invited")
    api.http.post(invitation, data={"password": OTHER})
    assert visitor.sign_in("admin@elbe.example", OTHER).headers["location"] == "/partner"
    assert visitor.sign_in("admin@elbe.example").headers["location"] == "/account"
    set_password(api, elbe.client, "a third password here")
    assert visitor.get("/account/password").status_code == 303
    assert visitor.sign_in("admin@elbe.example", OTHER).status_code == 303


def test_removed_member_is_out_at_the_next_request(elbe: ResellerAccounts, visitor: PortalClient, api: Api) -> None:
    path = f"/v1/accounts/{elbe.client}/members"
    member = api.ok(f"POST {path}", {"email": "jana@weser.example", "role": "staff"})["id"]
    assert visitor.sign_in("jana@weser.example", OTHER).status_code == 422
    api.http.post(mailed_path(api, "member-invited"), data={"password": OTHER})
    assert visitor.sign_in("jana@weser.example", OTHER).headers["location"] == "/account"
    api.ok(f"DELETE {path}/{member}")
    assert visitor.get("/account/password").status_code == 303


def test_link_signs_in_once_and_leads_on_when_it_is_fresh(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    sent = {"csrf": visitor.csrf(), "identifier": "elbe client", "next": "/account/password"}
    assert visitor.http.post("/login/link", data=sent).status_code == 303
    path = mailed_path(api, "sign-in-link")
    for _ in range(2):
        assert visitor.get(path).status_code == 200
        assert visitor.http.head(path).status_code == 200
    signed = visitor.http.post(path, data={"csrf": visitor.csrf(path)})
    assert (signed.status_code, signed.headers["location"]) == (303, "/account/password")
    visitor.post("/logout")
    again = visitor.get(path)
    assert (again.status_code, page_of(again)) == (200, "login")
    assert 'name="next" value="/account/password"' in again.text
    assert visitor.http.post(path, data={"csrf": visitor.csrf()}).status_code == 200
    assert visitor.get("/account/password").status_code == 303


def test_link_is_of_no_use_after_a_quarter_of_an_hour_or_a_change_of_address(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api, clock: ManualClock
) -> None:
    visitor.http.post("/login/link", data={"csrf": visitor.csrf(), "identifier": "elbe client"})
    first = mailed_path(api, "sign-in-link")
    clock.advance(timedelta(minutes=15))
    assert page_of(visitor.get(first)) == "login"
    visitor.http.post("/login/link", data={"csrf": visitor.csrf(), "identifier": "elbe client"})
    second = mailed_path(api, "sign-in-link")
    api.ok(f"PATCH /v1/accounts/{elbe.client}", {"admin_email": "new@weser.example"})
    assert page_of(visitor.get(second)) == "login"
    assert visitor.get("/sign-in/forged").status_code == 404


def test_answer_about_a_link_is_the_same_when_the_account_is_unknown(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    answers = [
        visitor.http.post("/login/link", data={"csrf": visitor.csrf(), "identifier": identifier})
        for identifier in ("elbe client", "nobody at all", "x@nowhere.example")
    ]
    assert {(each.status_code, each.headers["location"]) for each in answers} == {(303, "/login?done=link")}
    for _ in range(10):
        visitor.http.post("/login/link", data={"csrf": visitor.csrf(), "identifier": "elbe client"})
    with api.deps.sessions() as session:
        mails = session.scalars(select(Mail).where(Mail.template == "sign-in-link")).all()
    assert len(mails) == 5


def test_portal_session_of_the_api_opens_the_portal_once_within_five_minutes(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api, clock: ManualClock
) -> None:
    made = api.ok(f"POST /v1/accounts/{elbe.client}/portal-sessions", {"path": "/account/password"})
    path = urlsplit(made["url"]).path
    assert visitor.http.post(path, data={"csrf": visitor.csrf(path)}).headers["location"] == "/account/password"
    assert visitor.get("/account/password").status_code == 200
    expired = urlsplit(api.ok(f"POST /v1/accounts/{elbe.client}/portal-sessions", {})["url"]).path
    clock.advance(timedelta(minutes=5))
    visitor.post("/logout")
    assert page_of(visitor.get(expired)) == "login"


def test_portal_session_is_refused_when_the_key_or_the_path_is_foreign(elbe: ResellerAccounts, api: Api) -> None:
    line = f"POST /v1/accounts/{elbe.client}/portal-sessions"
    assert api.call(line, {}, key=api.key(reseller_id=elbe.reseller)).status_code == 201
    assert api.call(line, {}, key=api.key(account_id=elbe.reseller)).status_code == 404
    assert api.call(line, {}, key=api.key(account_id=elbe.client)).status_code == 201
    for path in ("//evil.example", "https://evil.example", "updates"):
        assert api.call(line, {"path": path}).status_code == 422
    assert api.call(line, {"member": "nobody@weser.example"}).status_code == 404


def test_password_changes_and_other_sessions_end_when_the_current_one_is_right(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        other = PortalClient(http)
        other.sign_in("elbe client")
        visitor.sign_in("elbe client")
        wrong = visitor.post("/account/password", {"current_password": OTHER, "new_password": OTHER})
        assert (wrong.status_code, error_of(wrong, "current_password") != "") == (422, True)
        weak = visitor.post("/account/password", {"current_password": PASSWORD, "new_password": "short"})
        assert error_of(weak, "new_password") != ""
        done = visitor.post("/account/password", {"current_password": PASSWORD, "new_password": OTHER})
        assert done.headers["location"] == "/account/password?done=password"
        assert visitor.get("/account/password").status_code == 200
        assert other.get("/account/password").status_code == 303
    assert visitor.sign_in("elbe client", OTHER).status_code == 303


def test_link_stands_in_for_a_forgotten_password_for_ten_minutes(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api, clock: ManualClock
) -> None:
    visitor.http.post("/login/link", data={"csrf": visitor.csrf(), "identifier": "elbe client"})
    path = mailed_path(api, "sign-in-link")
    visitor.http.post(path, data={"csrf": visitor.csrf(path)})
    clock.advance(timedelta(minutes=10))
    assert visitor.post("/account/password", {"new_password": OTHER}).status_code == 422
    visitor.http.post("/login/link", data={"csrf": visitor.csrf("/account/password"), "identifier": "elbe client"})
    path = mailed_path(api, "sign-in-link")
    visitor.http.post(path, data={"csrf": visitor.csrf("/account/password")})
    assert visitor.post("/account/password", {"new_password": OTHER}).status_code == 303


def test_pages_say_so_when_the_account_is_suspended_and_sign_in_when_it_is_deleted(
    elbe: ResellerAccounts, visitor: PortalClient, api: Api
) -> None:
    visitor.sign_in("elbe client")
    api.ok(f"POST /v1/accounts/{elbe.client}/suspend", {"reason": "test"})
    stopped = visitor.get("/account/password")
    assert (stopped.status_code, "elbe@shop.example" in stopped.text) == (403, True)
    api.ok(f"POST /v1/accounts/{elbe.client}/resume", {"reason": "test"})
    api.ok(f"DELETE /v1/accounts/{elbe.client}")
    assert visitor.get("/account/password").status_code == 303
    assert visitor.sign_in("elbe client").status_code == 422
