"""Second factors of the portal: set up, asked for when signing in, used once, removed; proof for sensitive acts."""

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest
from sqlalchemy import select

from kontor.adapters.fakes import ManualClock
from models.control import AuditEntry
from models.portal import PortalFactor, PortalRecoveryCode
from tests.support.api import Api, ResellerAccounts
from tests.support.portal import HIDDEN, PASSWORD, PortalClient, error_of, mailed_path, page_of, set_password

SECURITY = "/account/security"
SECRET = re.compile(r'<code class="secret">([A-Z2-7 ]+)</code>')
RECOVERY = re.compile(r'<code class="secret">([a-z2-7-]{19})</code>')
OTHER = "another password for the portal"


def code_of(secret: str, clock: ManualClock) -> str:
    return pyotp.TOTP(secret).at(int(clock.wall_time().timestamp()))


def add_app(someone: PortalClient, clock: ManualClock, page: str = SECURITY) -> tuple[str, list[str]]:
    """Add an authenticator app; returns its secret and the recovery codes."""
    shown = someone.get(f"{page}/totp").text
    match = SECRET.search(shown)
    assert match
    secret = match[1].replace(" ", "")
    sent = {**dict(HIDDEN.findall(shown)), "name": "Phone", "code": code_of(secret, clock)}
    added = someone.http.post(f"{page}/totp", data=sent)
    assert added.status_code == 200
    return secret, RECOVERY.findall(added.text)


def enter_code(someone: PortalClient, code: str) -> httpx.Response:
    return someone.http.post("/login", data={"csrf": someone.csrf(), "code": code})


@pytest.fixture
def owner(elbe: ResellerAccounts, visitor: PortalClient) -> PortalClient:
    """The client's owner, signed in."""
    assert visitor.sign_in("elbe client").status_code == 303
    return visitor


@pytest.fixture
def other(api: Api) -> Iterator[PortalClient]:
    """Another browser."""
    with httpx.Client(base_url=api.http.base_url, timeout=30, verify=False) as http:
        yield PortalClient(http)


def test_password_alone_opens_nothing_when_there_is_a_second_factor(
    owner: PortalClient, other: PortalClient, clock: ManualClock
) -> None:
    secret, _ = add_app(owner, clock)
    clock.advance(timedelta(seconds=30))
    answer = other.sign_in("elbe client", following="/updates")
    assert (answer.headers["location"], "session" in other.http.cookies) == ("/login", False)
    assert other.get("/account").status_code == 303
    assert 'name="code"' in other.get("/login").text
    assert enter_code(other, code_of(secret, clock)).headers["location"] == "/updates"
    assert other.get("/account").status_code == 200


def test_code_is_refused_when_it_was_used_before(owner: PortalClient, other: PortalClient, clock: ManualClock) -> None:
    secret, _ = add_app(owner, clock)
    other.sign_in("elbe client")
    replayed = enter_code(other, code_of(secret, clock))
    assert (replayed.status_code, error_of(replayed, "code") != "") == (422, True)
    clock.advance(timedelta(seconds=30))
    assert enter_code(other, code_of(secret, clock)).status_code == 303
    other.post("/logout")
    other.sign_in("elbe client")
    assert enter_code(other, code_of(secret, clock)).status_code == 422


def test_recovery_code_opens_once_and_is_stored_as_a_hash_only(
    owner: PortalClient, other: PortalClient, clock: ManualClock, api: Api
) -> None:
    _, codes = add_app(owner, clock)
    assert len(set(codes)) == 10
    with api.deps.sessions() as session:
        stored = {row.code_hash for row in session.scalars(select(PortalRecoveryCode))}
        written = repr([entry.detail for entry in session.scalars(select(AuditEntry))])
    assert not stored & set(codes)
    other.sign_in("elbe client")
    assert enter_code(other, codes[0].upper().replace("-", " ")).status_code == 303
    assert "Recovery codes left: 9" in owner.get(f"{SECURITY}?lang=en").text
    other.post("/logout")
    other.sign_in("elbe client")
    assert enter_code(other, codes[0]).status_code == 422
    with api.deps.sessions() as session:
        written += repr([entry.detail for entry in session.scalars(select(AuditEntry))])
    assert not [code for code in codes if code in written]


def test_wrong_codes_lock_like_wrong_passwords_and_not_the_device_that_signed_in(
    owner: PortalClient, other: PortalClient, clock: ManualClock
) -> None:
    secret, _ = add_app(owner, clock)
    other.sign_in("elbe client")
    assert [enter_code(other, "000000").status_code for _ in range(5)] == [422] * 5
    clock.advance(timedelta(seconds=30))
    locked = enter_code(other, code_of(secret, clock))
    assert (locked.status_code, "retry-after" in locked.headers) == (429, True)
    assert other.sign_in("elbe client").status_code == 429
    owner.post("/logout")
    assert owner.sign_in("elbe client").headers["location"] == "/login"
    assert enter_code(owner, code_of(secret, clock)).status_code == 303


def test_mailed_link_asks_for_the_factor_and_one_of_the_api_does_not_prove_the_person(
    owner: PortalClient, other: PortalClient, clock: ManualClock, api: Api, elbe: ResellerAccounts
) -> None:
    secret, _ = add_app(owner, clock)
    other.http.post("/login/link", data={"csrf": other.csrf(), "identifier": "elbe client"})
    path = mailed_path(api, "sign-in-link")
    assert other.http.post(path, data={"csrf": other.csrf(path)}).headers["location"] == "/login"
    assert other.get("/account").status_code == 303
    clock.advance(timedelta(seconds=30))
    assert enter_code(other, code_of(secret, clock)).headers["location"] == "/account"
    other.post("/logout")
    made = urlsplit(api.ok(f"POST /v1/accounts/{elbe.client}/portal-sessions", {})["url"]).path
    assert other.http.post(made, data={"csrf": other.csrf(made)}).status_code == 303
    assert other.post("/account/password", {"new_password": OTHER}).status_code == 422
    assert other.post("/account/members", {"email": "eve@evil.example", "role": "staff"}).status_code == 403


def test_code_opens_what_it_belongs_to_and_nothing_else(
    owner: PortalClient, other: PortalClient, clock: ManualClock, api: Api, elbe: ResellerAccounts
) -> None:
    new = {"programme": "learning", "admin_email": "admin@elbe.example", "password": PASSWORD}
    second = api.ok("POST /v1/accounts", {**new, "name": "Second"})["id"]
    third = api.ok("POST /v1/accounts", {**new, "name": "Third"})["id"]
    secret, _ = add_app(owner, clock)
    other.sign_in("Second")
    theirs, _ = add_app(other, clock)
    other.post("/logout")
    clock.advance(timedelta(seconds=30))
    other.sign_in("admin@elbe.example")
    assert enter_code(other, code_of(secret, clock)).headers["location"] == "/account/switch"
    choice = other.get("/account/switch").text
    assert [each in choice for each in (str(elbe.client), second, third)] == [True, False, True]
    assert theirs != secret


def test_sign_in_is_over_when_the_password_changes_or_ten_minutes_pass(
    owner: PortalClient, other: PortalClient, clock: ManualClock, api: Api, elbe: ResellerAccounts
) -> None:
    secret, codes = add_app(owner, clock)
    other.sign_in("elbe client")
    set_password(api, elbe.client, OTHER)
    assert page_of(enter_code(other, codes[0])) == "login"
    assert "session" not in other.http.cookies
    other.sign_in("elbe client", OTHER)
    clock.advance(timedelta(minutes=10))
    assert enter_code(other, code_of(secret, clock)).status_code == 422
    assert 'name="password"' in other.get("/login").text


def test_factor_is_removed_with_a_code_only_and_is_its_holders(
    owner: PortalClient, other: PortalClient, clock: ManualClock, api: Api
) -> None:
    secret, codes = add_app(owner, clock)
    with api.deps.sessions() as session:
        factor = session.scalars(select(PortalFactor)).one().id
    path = f"{SECURITY}/factors/{factor}/remove"
    refused = owner.post(path, {"code": "000000"})
    assert (refused.status_code, error_of(refused, "code") != "") == (422, True)
    assert owner.post(path, {}).status_code == 422
    other.sign_in("elbe")
    assert other.post(path, {"code": codes[1]}).status_code == 404
    clock.advance(timedelta(seconds=30))
    assert owner.post(path, {"code": code_of(secret, clock)}).headers["location"] == f"{SECURITY}?done=factor-removed"
    owner.post("/logout")
    assert owner.sign_in("elbe client").headers["location"] == "/account"
    with api.deps.sessions() as session:
        assert session.scalars(select(PortalRecoveryCode)).all() == []


def test_app_is_not_added_when_its_first_code_is_wrong(owner: PortalClient, api: Api) -> None:
    shown = owner.get(f"{SECURITY}/totp").text
    sealed = dict(HIDDEN.findall(shown))
    secret = SECRET.search(shown)
    refused = owner.http.post(f"{SECURITY}/totp", data={**sealed, "code": "000000"})
    assert (refused.status_code, error_of(refused, "code") != "") == (422, True)
    assert secret
    assert secret[1] in refused.text
    assert owner.http.post(f"{SECURITY}/totp", data={**sealed, "sealed": "x", "code": "0"}).status_code == 422
    with api.deps.sessions() as session:
        assert session.scalars(select(PortalFactor)).all() == []


def test_qr_code_is_drawn_in_the_page_and_names_the_brand(owner: PortalClient) -> None:
    shown = owner.get(f"{SECURITY}/totp").text
    assert "<svg" in shown
    assert "issuer=elbe" in shown.lower()
    assert "kontor" not in shown.lower()


def test_member_has_a_factor_of_its_own_and_the_owners_pages_are_closed_to_it(
    owner: PortalClient, other: PortalClient, clock: ManualClock, api: Api, elbe: ResellerAccounts
) -> None:
    api.ok(f"POST /v1/accounts/{elbe.client}/members", {"email": "jana@weser.example", "role": "staff"})
    api.http.post(mailed_path(api, "member-invited"), data={"password": OTHER})
    other.sign_in("jana@weser.example", OTHER)
    assert other.get(SECURITY).status_code == 403
    secret, _ = add_app(other, clock, "/account/sign-in")
    owner.post("/logout")
    assert owner.sign_in("elbe client").headers["location"] == "/account"
    other.post("/logout")
    clock.advance(timedelta(seconds=30))
    assert other.sign_in("jana@weser.example", OTHER).headers["location"] == "/login"
    assert enter_code(other, code_of(secret, clock)).status_code == 303


def test_sensitive_act_asks_again_after_ten_minutes_and_keeps_what_was_typed(
    owner: PortalClient, clock: ManualClock, api: Api, elbe: ResellerAccounts
) -> None:
    typed = {"email": "jana@weser.example", "role": "viewer", "name": "Jana <Weser>"}
    clock.advance(timedelta(minutes=10))
    asked = owner.post("/account/members", typed, page="/account/password")
    assert (asked.status_code, 'name="proof_password"' in asked.text) == (403, True)
    kept = dict(HIDDEN.findall(asked.text))
    assert {**kept, "name": "Jana <Weser>"}.items() >= typed.items()
    assert 'value="Jana &lt;Weser&gt;"' in asked.text
    wrong = owner.http.post("/account/members", data={**kept, "proof_password": OTHER})
    assert (wrong.status_code, error_of(wrong, "proof_password") != "") == (422, True)
    done = owner.http.post("/account/members", data={**kept, "proof_password": PASSWORD})
    assert done.headers["location"] == "/account/members?done=member-added"
    assert owner.post("/account/members", {**typed, "email": "b@weser.example"}).status_code == 303
    people = api.ok(f"GET /v1/accounts/{elbe.client}/members")["items"]
    assert [each["email"] for each in people][1:] == ["jana@weser.example", "b@weser.example"]


def test_wrong_proofs_lock_like_wrong_passwords(owner: PortalClient, clock: ManualClock) -> None:
    clock.advance(timedelta(minutes=10))
    typed = {"email": "jana@weser.example", "role": "viewer", "proof_password": OTHER}
    answers = [owner.post("/account/members", typed).status_code for _ in range(5)]
    assert answers == [422] * 5
    assert owner.post("/account/members", {**typed, "proof_password": PASSWORD}).status_code == 429


def test_factor_counts_as_proof(owner: PortalClient, clock: ManualClock) -> None:
    secret, _ = add_app(owner, clock)
    clock.advance(timedelta(minutes=10))
    assert owner.post(f"{SECURITY}/codes").status_code == 403
    new = owner.post(f"{SECURITY}/codes", {"proof_code": code_of(secret, clock)})
    assert (new.status_code, len(RECOVERY.findall(new.text))) == (200, 10)
