"""Signing in and out of the console."""

from collections.abc import Callable
from datetime import timedelta

import httpx

from kontor.adapters.fakes import ManualClock
from kontor.http.context import Deps
from tests.support.console import PASSWORD, ConsoleClient, create_operator

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


def test_session_cookie_is_http_only_and_secure_behind_tls(deps: Deps, visitor: ConsoleClient) -> None:
    email = create_operator(deps, "viewer")
    plain = visitor.sign_in(email).headers.get_list("set-cookie")
    mine = next(cookie for cookie in plain if cookie.startswith("kontor_session="))
    assert "HttpOnly" in mine
    assert "SameSite=lax" in mine
    assert "Secure" not in mine
    visitor.http.cookies.clear()
    visitor.http.headers["x-forwarded-proto"] = "https"
    form = visitor.fields("/console/login")
    ticket = {"cookie": f"kontor_login={form['ticket']}"}
    tls = visitor.http.post("/console/login", data={**form, "email": email, "password": PASSWORD}, headers=ticket)
    assert all("Secure" in cookie for cookie in tls.headers.get_list("set-cookie"))


def test_login_replaces_a_session_id_that_was_set_before(deps: Deps, visitor: ConsoleClient) -> None:
    email = create_operator(deps, "viewer")
    visitor.http.cookies.set("kontor_session", "planted by somebody else", path="/console")
    assert visitor.sign_in(email).status_code == 303
    first = {cookie.value for cookie in visitor.http.cookies.jar if cookie.name == "kontor_session"}
    assert first
    visitor.http.cookies.clear()
    visitor.http.cookies.set("kontor_session", "planted by somebody else", path="/console")
    assert visitor.http.get("/console").status_code == 303


def test_login_ends_a_live_session_that_was_set_before(deps: Deps, visitor: ConsoleClient, address: str) -> None:
    with httpx.Client(base_url=address, timeout=30) as http:
        ConsoleClient(http).sign_in(create_operator(deps, "viewer"))
        planted = http.cookies["kontor_session"]
        assert http.get("/console").status_code == 200
        form = visitor.fields("/console/login")
        visitor.http.cookies.set("kontor_session", planted, path="/console")
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
    assert visitor.sign_in(email.upper()).status_code == 429
    clock.advance(timedelta(minutes=15))
    assert visitor.sign_in(email).status_code == 303


def test_login_form_of_another_site_is_refused(deps: Deps, visitor: ConsoleClient) -> None:
    email = create_operator(deps, "viewer")
    answer = visitor.http.post("/console/login", data={"email": email, "password": PASSWORD, "ticket": ""})
    assert answer.status_code == 403
    assert "kontor_session" not in visitor.http.cookies


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
    kept = someone.http.cookies["kontor_session"]
    assert someone.post("/console/logout").headers["location"] == "/console/login"
    someone.http.cookies.set("kontor_session", kept, path="/console")
    assert someone.http.get("/console").status_code == 303


def test_session_ends_after_twelve_hours(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("viewer")
    clock.advance(timedelta(hours=12))
    assert someone.http.get("/console").status_code == 303


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
