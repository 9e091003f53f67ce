"""Signing in and out of the console."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import httpx
from sqlalchemy import select

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from kontor.operators import service as operators
from models.mails import Mail
from tests.support.api import running_server
from tests.support.console import HIDDEN, PASSWORD, ConsoleClient, create_operator
from workers.web_app import build

As = Callable[[str], ConsoleClient]


def test_visitor_is_sent_to_the_login_and_back_to_the_requested_page(deps: Deps, visitor: ConsoleClient) -> None:
    email = create_operator(deps, "viewer")
    asked = visitor.http.get("/console/jobs?state=dead")
    assert asked.headers["location"] == "/console/login?next=%2Fconsole%2Fjobs%3Fstate%3Ddead"
    form = visitor.fields(asked.headers["location"])
    answer = visitor.http.post("/console/login", data={**form, "email": email, "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/jobs?state=dead")


def test_pages_redirect_to_the_login_without_a_session(visitor: ConsoleClient) -> None:
    for path in ("/console/jobs", "/console/mail", "/console/audit", "/console/nowhere"):
        assert visitor.http.get(path).status_code == 303
    assert visitor.http.post("/console/queues/probe/pause").headers["location"] == "/console/login"


def test_session_cookie_is_http_only_and_not_secure_when_the_console_url_is_http(
    deps: Deps, visitor: ConsoleClient
) -> None:
    email = create_operator(deps, "viewer")
    plain = visitor.sign_in(email).headers.get_list("set-cookie")
    mine = next(cookie for cookie in plain if cookie.startswith("console="))
    assert "HttpOnly" in mine
    assert "SameSite=lax" in mine
    assert "Secure" not in mine
    assert not any("Secure" in cookie for cookie in plain)


def test_cookies_are_secure_and_of_this_host_when_the_console_url_is_https(deps: Deps) -> None:
    """Whatever a proxy says of the request."""
    email = create_operator(deps, "viewer")
    secure = replace(deps, console_url="", public_url="https://kontor.example")
    with running_server(build(secure)) as url, httpx.Client(base_url=url, timeout=30, verify=False) as http:
        form = dict(HIDDEN.findall(http.get("/console/login").text))
        sent = {**form, "email": email, "password": PASSWORD}
        other, own = ({"cookie": f"{name}={form['ticket']}"} for name in ("console-ticket", "__Host-console-ticket"))
        assert http.post("/console/login", data=sent, headers=other).status_code == 403
        answer = http.post("/console/login", data=sent, headers=own)
        cookies = answer.headers.get_list("set-cookie")
        assert answer.status_code == 303
        assert all(c.startswith("__Host-console") and "Secure" in c and "Path=/;" in f"{c};" for c in cookies)
        mine = next(c for c in cookies if c.startswith("__Host-console=")).partition(";")[0]
        assert http.get("/console", headers={"cookie": mine}).status_code == 200
        assert http.get("/console", headers={"cookie": mine.removeprefix("__Host-")}).status_code == 303


def test_login_replaces_a_session_id_that_was_set_before(deps: Deps, visitor: ConsoleClient) -> None:
    email = create_operator(deps, "viewer")
    visitor.http.cookies.set("console", "planted by somebody else", path="/")
    assert visitor.sign_in(email).status_code == 303
    first = {cookie.value for cookie in visitor.http.cookies.jar if cookie.name == "console"}
    assert first
    visitor.http.cookies.clear()
    visitor.http.cookies.set("console", "planted by somebody else", path="/")
    assert visitor.http.get("/console").status_code == 303


def test_login_ends_a_live_session_that_was_set_before(deps: Deps, visitor: ConsoleClient, address: str) -> None:
    with httpx.Client(base_url=address, timeout=30, verify=False) as http:
        ConsoleClient(http).sign_in(create_operator(deps, "viewer"))
        planted = http.cookies["console"]
        assert http.get("/console").status_code == 200
        form = visitor.fields("/console/login")
        visitor.http.cookies.set("console", planted, path="/")
        login = {**form, "email": create_operator(deps, "admin"), "password": PASSWORD}
        assert visitor.http.post("/console/login", data=login).status_code == 303
        assert http.get("/console").status_code == 303


def test_wrong_password_and_unknown_address_get_the_same_message(deps: Deps, visitor: ConsoleClient) -> None:
    email = create_operator(deps, "viewer")
    answers = [visitor.sign_in(email, "not this one"), visitor.sign_in("nobody@kontor.example")]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert all("Wrong e-mail or password." in answer.text for answer in answers)


def test_five_wrong_passwords_lock_the_login_for_fifteen_minutes(
    deps: Deps, visitor: ConsoleClient, clock: ManualClock
) -> None:
    email = create_operator(deps, "viewer")
    assert [visitor.sign_in(email, "a guess").status_code for _ in range(5)] == [401] * 5
    refused = visitor.sign_in(email.upper())
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "900")
    clock.advance(timedelta(minutes=15))
    assert visitor.sign_in(email).status_code == 303


def test_login_form_of_another_site_is_refused(deps: Deps, visitor: ConsoleClient) -> None:
    email = create_operator(deps, "viewer")
    answer = visitor.http.post("/console/login", data={"email": email, "password": PASSWORD, "ticket": ""})
    assert answer.status_code == 403
    assert "console" not in visitor.http.cookies


def test_redirect_after_login_never_leaves_the_console(deps: Deps, visitor: ConsoleClient) -> None:
    email = create_operator(deps, "viewer")
    for target in (
        "https://evil.example",
        "//evil.example",
        "/console//evil.example",
        "/\\evil.example",
        "/console\\x",
    ):
        visitor.http.cookies.clear()
        form = visitor.fields("/console/login")
        sent = {**form, "email": email, "password": PASSWORD, "next": target}
        assert visitor.http.post("/console/login", data=sent).headers["location"] == "/console"


def test_signing_out_invalidates_every_copy_of_the_cookie(signed_in: As) -> None:
    someone = signed_in("viewer")
    kept = someone.http.cookies["console"]
    left = someone.post("/console/logout")
    assert (left.headers["location"], left.headers["clear-site-data"]) == ("/console/login", '"cache", "storage"')
    someone.http.cookies.set("console", kept, path="/")
    assert someone.http.get("/console").status_code == 303


def test_session_ends_after_twelve_hours_however_much_it_is_used(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    for _ in range(12):
        clock.advance(timedelta(minutes=59))
        assert someone.http.get("/console").status_code == 200
    clock.advance(timedelta(minutes=12))
    assert someone.http.get("/console").status_code == 303


def test_session_ends_when_nobody_uses_it_for_an_hour(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    clock.advance(timedelta(minutes=60))
    assert someone.http.get("/console").status_code == 303


def test_page_that_updates_itself_does_not_keep_the_session_alive(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    clock.advance(timedelta(minutes=59))
    with someone.http.stream("GET", "/console", headers={"accept": "text/event-stream"}) as live:
        assert any(line.startswith("event: part") for line in live.iter_lines())
    clock.advance(timedelta(minutes=1))
    assert someone.http.get("/console").status_code == 303


def test_first_password_opens_only_the_page_that_changes_it(deps: Deps, visitor: ConsoleClient) -> None:
    with deps.sessions() as session:
        now = deps.clock.now()
        made = operators.create(session, deps.passwords, "new@kontor.example", "admin", now=now, actor="test")
        session.commit()
    assert visitor.sign_in("new@kontor.example", made.password).headers["location"] == "/console/password"
    for path in ("/console", "/console/people", "/console/keys", "/console/audit.csv", "/console/jobs"):
        assert visitor.http.get(path).headers["location"] == "/console/password"
    csrf = visitor.fields("/console/password")["csrf"]
    made_key = visitor.http.post("/console/keys", data={"csrf": csrf, "name": "x", "scope-admin": "1"})
    assert made_key.headers["location"] == "/console/password"
    changed = {"csrf": csrf, "old": made.password, "new": "a password of one's own"}
    assert visitor.http.post("/console/password", data=changed).headers["location"] == "/console?done=password"
    assert visitor.http.get("/console/people").status_code == 200


def test_first_password_opens_nothing_after_a_day(deps: Deps, visitor: ConsoleClient, clock: ManualClock) -> None:
    with deps.sessions() as session:
        made = operators.create(session, deps.passwords, "new@kontor.example", "admin", now=clock.now(), actor="test")
        session.commit()
    clock.advance(timedelta(hours=23, minutes=59))
    assert visitor.sign_in("new@kontor.example", made.password).status_code == 303
    csrf = visitor.fields("/console/password")["csrf"]
    clock.advance(timedelta(minutes=1))
    changed = {"csrf": csrf, "old": made.password, "new": "a password of one's own"}
    assert visitor.http.post("/console/password", data=changed).status_code == 403
    visitor.http.cookies.clear()
    expired = visitor.sign_in("new@kontor.example", made.password)
    assert (expired.status_code, "kontor operator reset" in expired.text) == (403, True)
    assert visitor.http.get("/console").status_code == 303


class ClockAhead(ManualClock):
    """A test clock that is a year ahead of real time."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=365)


def test_sessions_and_first_passwords_run_on_real_time_whatever_the_test_clock_says(deps: Deps) -> None:
    clock = ClockAhead()
    with deps.sessions() as session:
        made = operators.create(
            session, deps.passwords, "new@kontor.example", "viewer", now=clock.now(), actor="test",
            wall_time=clock.wall_time(),
        )  # fmt: skip
        session.commit()
    with (
        running_server(build(replace(deps, clock=clock))) as url,
        httpx.Client(base_url=url, timeout=30, verify=False) as http,
    ):
        someone = ConsoleClient(http)
        clock.advance(timedelta(hours=23))
        assert someone.sign_in("new@kontor.example", made.password).status_code == 303
        csrf = someone.fields("/console/password")["csrf"]
        changed = {"csrf": csrf, "old": made.password, "new": "a password of one's own"}
        assert http.post("/console/password", data=changed).status_code == 303
        clock.advance(timedelta(minutes=59))
        assert http.get("/console").status_code == 200
        clock.advance(timedelta(minutes=60))
        assert http.get("/console").status_code == 303


def test_mail_says_that_a_new_device_signed_in(deps: Deps, visitor: ConsoleClient) -> None:
    email = create_operator(deps, "viewer")
    visitor.http.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 <b>"
    visitor.http.headers["accept-language"] = "de-AT,de;q=0.9,en;q=0.8"
    assert visitor.sign_in(email).status_code == 303
    assert visitor.post("/console/logout").status_code == 303
    assert visitor.sign_in(email).status_code == 303
    with deps.sessions() as session:
        mails = session.scalars(select(Mail).where(Mail.template == "new-sign-in")).all()
        (mail,) = mails
        facts = (mail.facts["email"], mail.facts["device"], mail.facts["origin"], mail.locale)
        assert facts == (email, "Firefox, Linux", "127.0.0.1", "de")


def test_keys_and_people_ask_for_the_password_again_after_ten_minutes(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("admin")
    form = {"name": "mine", "scope-read": "1"}
    assert "kontor_" in someone.post("/console/keys", form).text
    clock.advance(timedelta(minutes=10))
    asked = someone.post("/console/keys", form)
    assert (asked.status_code, 'name="scope-read" value="1"' in asked.text) == (403, True)
    assert someone.post("/console/keys", {**form, "proof_password": "a guess"}).status_code == 403
    made = someone.post("/console/keys", {**form, "proof_password": PASSWORD})
    assert (made.status_code, "kontor_" in made.text) == (200, True)
    assert someone.post("/console/keys", form).status_code == 200


def test_wrong_proofs_are_limited_like_wrong_passwords(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("admin")
    clock.advance(timedelta(minutes=10))
    wrong = {"email": "x@kontor.example", "role": "viewer", "proof_password": "a guess"}
    assert [someone.post("/console/people", wrong).status_code for _ in range(5)] == [403] * 5
    assert someone.post("/console/people", {**wrong, "proof_password": PASSWORD}).status_code == 429


def test_new_password_replaces_the_old_one(signed_in: As) -> None:
    someone = signed_in("viewer")
    assert someone.post("/console/password", {"old": "wrong", "new": "another password"}).status_code == 403
    assert someone.post("/console/password", {"old": PASSWORD, "new": "short"}).status_code == 422
    done = someone.post("/console/password", {"old": PASSWORD, "new": "another password"})
    assert done.headers["location"] == "/console?done=password"
    assert someone.http.get("/console").status_code == 200
    someone.http.cookies.clear()
    assert someone.sign_in("viewer@kontor.example").status_code == 401
    assert someone.sign_in("viewer@kontor.example", "another password").status_code == 303
