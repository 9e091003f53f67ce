"""Attacks on every route of the console are refused."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
from sqlalchemy import func, select
from starlette.routing import Route

from kontor import audit
from kontor.adapters.fakes import ManualClock
from kontor.audit import Actor
from kontor.console import jobs
from kontor.console.actions import ACTIONS
from kontor.console.app import router_of
from kontor.console.handler import ConsoleHandler
from kontor.console.render import Templates
from kontor.http.context import Deps
from kontor.operators import keys
from kontor.operators import queries as operators_queries
from models.console import SavedSearch
from models.control import Lane, WorkerProcess
from models.people import OperatorSession
from tests.support.console import PASSWORD, ConsoleClient, create_operator, enqueue_probe, mark_dead, unknown_id

As = Callable[[str], ConsoleClient]
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
OPEN = {"/console/login", "/console/login/second", "/console/login/provider", "/console/login/provider/callback"}
HOLE = re.compile(r"{[^}]+}")


def addresses(method: str) -> list[str]:
    """The paths of every console route for a method, with placeholders, without the catch-all."""
    routes = [route for route in router_of(ConsoleHandler(Templates())).routes if isinstance(route, Route)]
    paths = [route.path for route in routes if method in (route.methods or ()) and not route.path.endswith(":path}")]
    assert len(paths) > 20
    return paths


def filled(path: str, thing: object) -> str:
    """Fill every placeholder of a path."""
    return HOLE.sub(str(thing), path)


def test_every_form_requires_the_csrf_token_of_the_session(signed_in: As) -> None:
    someone = signed_in("admin")
    tried = [path for path in addresses("POST") if path not in OPEN]
    for path in tried:
        for token in ({}, {"csrf": ""}, {"csrf": "guessed"}):
            refused = someone.http.post(filled(path, unknown_id()), data={"reason": "because", **token})
            assert refused.status_code == 403, path
            assert "does not belong to your session" in refused.text, path


def test_csrf_token_of_another_session_is_refused(signed_in: As, deps: Deps, address: str) -> None:
    someone = signed_in("operator")
    with httpx.Client(base_url=address, verify=False) as http:
        other = ConsoleClient(http)
        other.sign_in(create_operator(deps, "admin"))
        theirs = other.fields("/console")["csrf"]
    refused = someone.http.post("/console/queues/probe/pause", data={"csrf": theirs, "reason": "because"})
    assert refused.status_code == 403


def test_every_route_requires_signing_in(visitor: ConsoleClient) -> None:
    for method in ("GET", "POST"):
        for path in addresses(method):
            if path in OPEN:
                continue
            answer = visitor.http.request(method, filled(path, unknown_id()))
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/console/login"), path


def test_every_form_of_admins_asks_for_the_password_again_after_ten_minutes(signed_in: As, clock: ManualClock) -> None:
    someone = signed_in("operator")
    paths = [filled(path, unknown_id()) for path in addresses("POST") if path not in {*OPEN, "/console/logout"}]
    csrf = someone.fields("/console")["csrf"]
    sent = {"csrf": csrf, "reason": "because"}
    refused = [path for path in paths if "requires the role admin" in someone.http.post(path, data=sent).text]
    assert len(refused) >= 7
    someone.http.cookies.clear()
    admin = signed_in("admin")
    clock.advance(timedelta(minutes=10))
    sent = {"csrf": admin.fields("/console")["csrf"], "reason": "because"}
    for path in refused:
        answer = admin.http.post(path, data=sent)
        assert (answer.status_code, "Confirm that it is you" in answer.text) == (403, True), path


def test_live_updates_require_signing_in(visitor: ConsoleClient) -> None:
    answer = visitor.http.get("/console/jobs", headers={"Accept": "text/event-stream"})
    assert "event: over" in answer.text
    assert "event: part" not in answer.text


def test_foreign_or_malformed_id_is_not_found_and_causes_no_error(signed_in: As) -> None:
    someone = signed_in("admin")
    things = (
        unknown_id(),
        uuid4(),
        "018f0000-0000-7000-8000-00000000000g",
        "..%2f..%2fetc",
        "%00",
        "'; DROP TABLE jobs--",
    )
    questions = {action.path for action in ACTIONS}
    for path in addresses("GET"):
        for thing in things if "{" in path else ():
            status = someone.http.get(filled(path, thing)).status_code
            assert status in ({200, 404} if path in questions else {404, 422}), (path, thing, status)


def test_every_page_forbids_framing_sniffing_and_caching(signed_in: As) -> None:
    someone = signed_in("admin")
    for path in addresses("GET"):
        headers = someone.http.get(filled(path, unknown_id())).headers
        assert headers["x-frame-options"] == "DENY", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cache-control"] == "no-store", path
        assert headers["referrer-policy"] == "same-origin", path


def test_stored_markup_is_escaped(signed_in: As, deps: Deps) -> None:
    admin = signed_in("admin")
    job = enqueue_probe(deps, ATTACK)
    mark_dead(deps, job, ValueError(ATTACK))
    lane = "instance:evil"
    with deps.sessions() as session:
        me = operators_queries.list_operators(session)[0]
        jobs.save(session, me, ATTACK[:60], f"error={ATTACK}", deps.clock.now())
        keys.create(session, ATTACK, ["read"], deps.clock.now())
        deps.jobs.enqueue(session, "probe.echo", {}, tenant=ATTACK, unique_key=ATTACK)
        session.add(Lane(name=lane, state="open", failures=1, last_error=ATTACK))
        session.add(
            WorkerProcess(
                id="w", host=ATTACK, pid=1, version=ATTACK, threads=1, queues=[ATTACK],
                started_at=func.clock_timestamp(), heartbeat_at=func.clock_timestamp(),
            )
        )  # fmt: skip
        audit.record(session, Actor(ATTACK, reason=ATTACK), ATTACK, ATTACK, at=deps.clock.now())
        session.commit()
    begun = admin.post("/console/bulk", {"action": "cancel", "filter": f"state=dead&error={ATTACK}"})
    pages = (
        "", "/jobs", f"/jobs/{job}", f"/jobs/{job}/again", "/dead", "/bulk", begun.headers["location"][8:],
        "/workers", "/instances", f"/instances/{lane}", "/queues/probe", "/audit", "/keys", "/people",
    )  # fmt: skip
    for page in pages:
        text = admin.get(f"/console{page}").text
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page


def test_markup_in_the_query_string_is_escaped(signed_in: As) -> None:
    someone = signed_in("admin")
    names = (
        "span",
        "task",
        "tenant",
        "error",
        "key",
        "args.x",
        "done",
        "actor",
        "template",
        "target",
        "next",
        "look",
        "code",
    )
    for path in addresses("GET"):
        text = someone.http.get(filled(path, unknown_id()), params=dict.fromkeys(names, ATTACK)).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


def test_saved_search_stays_in_the_console_and_is_private(signed_in: As, deps: Deps, address: str) -> None:
    someone = signed_in("operator")
    kept = someone.post(
        "/console/searches", {"name": "mine", "filter": "state=dead&next=https://evil.example&x=//evil"}
    )
    assert kept.headers["location"] == "/console/jobs?state=dead&done=kept"
    assert someone.post("/console/searches", {"name": "", "filter": "state=dead"}).status_code == 422
    assert someone.post("/console/searches", {"name": "a\nb", "filter": "state=dead"}).status_code == 422
    with deps.sessions() as session:
        mine: UUID = session.scalars(select(SavedSearch.id)).one()
    with httpx.Client(base_url=address, verify=False) as http:
        other = ConsoleClient(http)
        other.sign_in(create_operator(deps, "admin"))
        assert "mine" not in other.get("/console/jobs?state=dead").text
        other.post(f"/console/searches/{mine}/forget")
    assert 'aria-current="true">mine' in someone.get("/console/jobs?state=dead").text
    someone.post(f"/console/searches/{mine}/forget")
    assert "mine" not in someone.get("/console/jobs?state=dead").text


def test_theme_form_redirects_within_the_console_only(signed_in: As) -> None:
    someone = signed_in("viewer")
    for back in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert someone.post("/console/theme", {"theme": "dark", "back": back}).headers["location"] == "/console"


def test_every_login_creates_a_new_session(signed_in: As, deps: Deps) -> None:
    someone = signed_in("viewer")
    before = someone.http.cookies["console"]
    form = {**someone.fields("/console"), "email": "viewer@kontor.example", "password": PASSWORD}
    someone.http.cookies.delete("console")
    someone.http.cookies.set("console", before, path="/")
    ticket = someone.http.get("/console/login").cookies.get("console-ticket") or ""
    someone.http.post("/console/login", data={**form, "ticket": ticket})
    with deps.sessions() as session:
        sessions = session.scalars(select(OperatorSession)).all()
    assert before not in {row.secret_hash for row in sessions}
