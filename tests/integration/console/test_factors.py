"""Second factors: set up, asked for when signing in, used, removed."""

import html
import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pyotp
import pytest
from sqlalchemy import select

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from kontor.http.passkeys import RelyingParty
from kontor.operators.factors import OperatorFactors
from models.people import Operator, OperatorFactor, RecoveryCode
from tests.support.console import HIDDEN, PASSWORD, ConsoleClient
from tests.support.passkeys import SoftPasskey

As = Callable[[str], ConsoleClient]
SECOND = "/console/login/second"
SECRET = re.compile(r'<code class="secret">([A-Z2-7 ]+)</code>')
RECOVERY = re.compile(r'<code class="secret">([a-z2-7-]{19})</code>')
OPTIONS = re.compile(r'data-options="([^"]+)"')
ORIGIN, HOST = "http://localhost", "localhost"


def code_of(secret: str, clock: ManualClock) -> str:
    return pyotp.TOTP(secret).at(int(clock.wall_time().timestamp()))


def hidden(page: str) -> dict[str, str]:
    return dict(HIDDEN.findall(page))


def add_app(someone: ConsoleClient, clock: ManualClock) -> tuple[str, list[str]]:
    """Add an authenticator app; returns its secret and the recovery codes."""
    page = someone.get("/console/security/totp").text
    match = SECRET.search(page)
    assert match
    secret = match[1].replace(" ", "")
    sent = {"sealed": hidden(page)["sealed"], "name": "Phone", "code": code_of(secret, clock)}
    added = someone.post("/console/security/totp", sent)
    assert added.status_code == 200
    return secret, RECOVERY.findall(added.text)


def add_passkey(someone: ConsoleClient) -> SoftPasskey:
    page = someone.get("/console/security").text
    options = OPTIONS.search(page)
    state = re.search(r'name="state" value="([^"]+)"', page)
    assert options
    assert state
    passkey = SoftPasskey(ORIGIN, HOST)
    sent = {"state": state[1], "credential": passkey.create(html.unescape(options[1])), "name": "Key"}
    assert someone.post("/console/security/passkeys", sent).status_code == 200
    return passkey


def password_only(someone: ConsoleClient, role: str = "viewer") -> httpx.Response:
    """Sign out and enter the right password."""
    assert someone.post("/console/logout").status_code == 303
    return someone.sign_in(f"{role}@kontor.example")


def second(someone: ConsoleClient, **fields: str) -> httpx.Response:
    return someone.http.post(SECOND, data={**hidden(someone.http.get(SECOND).text), **fields})


def test_right_password_opens_nothing_without_the_second_factor(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    add_app(someone, clock)
    assert password_only(someone).headers["location"] == SECOND
    assert someone.http.get("/console").headers["location"] == "/console/login"


def test_code_of_the_app_opens_a_session_once(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    secret, _ = add_app(someone, clock)
    password_only(someone)
    assert second(someone, code=code_of(secret, clock)).status_code == 401
    clock.advance(timedelta(seconds=30))
    assert second(someone, code=code_of(secret, clock)).headers["location"] == "/console"
    assert someone.http.get("/console").status_code == 200
    password_only(someone)
    assert second(someone, code=code_of(secret, clock)).status_code == 401


def test_wrong_codes_lock_like_wrong_passwords(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    secret, _ = add_app(someone, clock)
    password_only(someone)
    assert [second(someone, code="000000").status_code for _ in range(5)] == [401] * 5
    clock.advance(timedelta(seconds=30))
    locked = second(someone, code=code_of(secret, clock))
    assert (locked.status_code, "retry-after" in locked.headers) == (429, True)


def test_recovery_code_opens_a_session_once(deps: Deps, signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    _, codes = add_app(someone, clock)
    assert len(set(codes)) == 10
    with deps.sessions() as session:
        assert not {row.code_hash for row in session.scalars(select(RecoveryCode))} & set(codes)
    password_only(someone)
    assert second(someone, code=codes[0].upper().replace("-", " ")).status_code == 303
    assert "Recovery codes left: 9" in someone.get("/console/security").text
    password_only(someone)
    assert second(someone, code=codes[0]).status_code == 401


def test_new_recovery_codes_replace_the_old_ones(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    _, old = add_app(someone, clock)
    new = RECOVERY.findall(someone.post("/console/security/codes").text)
    assert (len(new), set(new) & set(old)) == (10, set())
    password_only(someone)
    assert second(someone, code=old[0]).status_code == 401


def test_app_is_not_added_when_its_first_code_is_wrong(deps: Deps, signed_in: As) -> None:
    someone = signed_in("viewer")
    page = someone.get("/console/security/totp").text
    refused = someone.post("/console/security/totp", {"sealed": hidden(page)["sealed"], "code": "000000"})
    assert (refused.status_code, "not right" in refused.text) == (422, True)
    assert someone.post("/console/security/totp", {"sealed": "forged", "code": "000000"}).status_code == 422
    with deps.sessions() as session:
        assert session.scalars(select(OperatorFactor)).all() == []


def test_passkey_opens_a_session_and_its_answer_is_used_up(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    passkey = add_passkey(someone)
    password_only(someone)
    page = someone.http.get(SECOND).text
    options = OPTIONS.search(page)
    assert options
    answer = {**hidden(page), "credential": passkey.get(html.unescape(options[1]))}
    assert someone.http.post(SECOND, data=answer).headers["location"] == "/console"
    password_only(someone)
    assert second(someone, credential=answer["credential"], state=answer["state"]).status_code == 401


@pytest.mark.parametrize(("origin", "host"), [("http://evil.example", HOST), (ORIGIN, "evil.example")])
def test_passkey_of_another_host_is_refused(signed_in: As, origin: str, host: str) -> None:
    someone = signed_in("viewer")
    passkey = add_passkey(someone)
    password_only(someone)
    page = someone.http.get(SECOND).text
    options = OPTIONS.search(page)
    assert options
    passkey.origin, passkey.host = origin, host
    assert second(someone, credential=passkey.get(html.unescape(options[1]))).status_code == 401
    assert second(someone, credential="{}").status_code == 401


def test_removed_factor_is_no_longer_asked_for(deps: Deps, signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    add_app(someone, clock)
    with deps.sessions() as session:
        factor = session.scalars(select(OperatorFactor)).one()
    assert someone.post(f"/console/security/factors/{factor.id}/remove").status_code == 303
    assert password_only(someone).headers["location"] == "/console"
    with deps.sessions() as session:
        assert session.scalars(select(RecoveryCode)).all() == []


def test_factor_is_added_and_removed_only_with_a_recent_proof(deps: Deps, signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    secret, _ = add_app(someone, clock)
    with deps.sessions() as session:
        factor = session.scalars(select(OperatorFactor)).one()
    clock.advance(timedelta(minutes=10))
    path = f"/console/security/factors/{factor.id}/remove"
    assert someone.post(path).status_code == 403
    assert someone.post("/console/security/codes").status_code == 403
    assert someone.post(path, {"proof_code": code_of(secret, clock)}).status_code == 303


def test_another_operators_factor_or_session_is_not_found(
    deps: Deps, signed_in: As, clock: ManualClock, address: str
) -> None:
    someone = signed_in("viewer")
    add_app(someone, clock)
    with deps.sessions() as session:
        factor = session.scalars(select(OperatorFactor)).one()
        theirs = OperatorFactors(session, session.scalars(select(Operator)).one()).factors()
        assert [item.id for item in theirs] == [factor.id]
    someone.http.cookies.clear()
    other = signed_in("admin")
    assert other.post(f"/console/security/factors/{factor.id}/remove").status_code == 404


def test_step_is_over_when_the_password_changes_or_ten_minutes_pass(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    secret, _ = add_app(someone, clock)
    password_only(someone)
    clock.advance(timedelta(minutes=10))
    assert someone.http.get(SECOND).headers["location"] == "/console/login"
    someone.sign_in("viewer@kontor.example", PASSWORD)
    assert someone.http.get(SECOND).status_code == 200
    assert second(someone, code=code_of(secret, clock)).status_code == 303


def test_sessions_are_listed_and_ended(signed_in: As, visitor: ConsoleClient, address: str) -> None:
    someone = signed_in("viewer")
    with httpx.Client(base_url=address, headers={"user-agent": "Firefox/140 Windows"}, verify=False) as http:
        elsewhere = ConsoleClient(http)
        elsewhere.sign_in("viewer@kontor.example")
        page = someone.get("/console/security").text
        assert ("Firefox, Windows" in page, "this one" in page) == (True, True)
        end = re.search(r"/console/security/sessions/[0-9a-f-]{36}/end", page)
        assert end
        assert someone.post(end[0]).status_code == 303
        assert http.get("/console").status_code == 303
        elsewhere.sign_in("viewer@kontor.example")
        assert someone.post("/console/security/sessions/end-others").status_code == 303
        assert http.get("/console").status_code == 303
    assert someone.http.get("/console").status_code == 200


def test_passkeys_of_a_loopback_address_belong_to_localhost() -> None:
    assert RelyingParty.of("http://127.0.0.1:8000") == RelyingParty("localhost", "http://localhost:8000")
    assert RelyingParty.of("https://kontor.example") == RelyingParty("kontor.example", "https://kontor.example")
