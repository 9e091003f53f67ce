"""Every page is readable by a viewer, escaped, under a strict policy, and changes nothing."""

import re
from collections.abc import Callable
from html import unescape
from uuid import UUID

import httpx
import pytest

from kontor.adapters.clock import SystemClock
from kontor.console.app import PAGES
from kontor.engine.catalogue import Catalogue
from kontor.http.context import Deps
from kontor.jobs.search import Searcher
from kontor.kernel.ports import Clock
from models.control import Lane
from models.jobs import Job
from tests.support.api import ResellerAccounts
from tests.support.console import ConsoleClient, enqueue_probe, mark_dead, unknown_id
from tests.support.slow_jobs import make_slow

As = Callable[[str], ConsoleClient]
JOB = re.compile(r"/console/jobs/([0-9a-f-]{36})")
PLAIN = [path for path, _ in PAGES if "{" not in path]
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def test_viewer_reads_every_page_under_a_strict_policy(signed_in: As, deps: Deps) -> None:
    mark_dead(deps, enqueue_probe(deps), ValueError("it broke"))
    enqueue_probe(deps, "still waiting")
    someone = signed_in("viewer")
    for path in PLAIN:
        check_page(someone.http.get(path))


def check_page(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert " style=" not in answer.text
    assert "<style" not in answer.text
    assert " onclick=" not in answer.text
    assert "http://" not in answer.text.replace("http://127.0.0.1", "")


def test_quiet_system_is_described_in_words(signed_in: As) -> None:
    text = signed_in("viewer").get("/console").text
    assert "No worker is alive: nothing runs." in text
    assert "dead" in text


def test_jobs_are_found_by_state_task_argument_error_and_time(signed_in: As, deps: Deps) -> None:
    match, other = enqueue_probe(deps, "needle"), enqueue_probe(deps, "hay")
    mark_dead(deps, match, ValueError("The printer is on FIRE"))
    someone = signed_in("viewer")
    for query in (
        "state=dead", "args.message=needle", "key=message&value=needle", "error=printer+is+on+fire",
        "task=probe.echo&queue=probe&state=dead&after=2026-03-02T11:00&before=2026-03-02T13:00",
    ):  # fmt: skip
        text = someone.get(f"/console/jobs?{query}").text
        assert str(match) in text, query
        assert str(other) not in text, query
    assert "No job matches" in someone.get("/console/jobs?tenant=nobody").text
    assert someone.http.get("/console/jobs?after=never").status_code == 422
    assert someone.http.get("/console/jobs?cursor=never").status_code == 422
    assert someone.http.get("/console/jobs?args.a%00b=c%00").status_code == 200


def test_slow_search_shows_its_progress_and_continues(
    signed_in: As, deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {str(enqueue_probe(deps, "needle" if number % 10 == 0 else "hay")) for number in range(40)}
    someone, ids_seen, going_on = signed_in("viewer"), set[str](), 0
    with deps.sessions() as session:
        make_slow(session)
        session.commit()

    def hurried(catalogue: Catalogue, _: Clock, limit_ms: int, full_query_share: float) -> Searcher:
        return Searcher(catalogue, SystemClock(), limit_ms, slice=2, full_query_share=full_query_share)

    monkeypatch.setattr("kontor.console.jobs.Searcher", hurried)
    address: str | None = "/console/jobs?args.message=needle"
    while address is not None:
        page = someone.get(address).text
        ids_seen |= set(JOB.findall(page))
        following = re.search(r'href="([^"]+)" rel="next">Continue</a>', page)
        assert (following is not None) == ("were searched" in page), page
        address = None if following is None else unescape(following[1])
        going_on += 1
    assert going_on > 2, page
    assert len(ids_seen) == 4
    assert ids_seen < ids


def test_tenant_is_found_and_shown_by_its_name(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    accounts = make_accounts("elbe")
    with deps.sessions() as session:
        mine = deps.jobs.enqueue(session, "probe.echo", {"message": "mine"}, tenant=str(accounts.reseller)).id
        other = deps.jobs.enqueue(session, "probe.echo", {"message": "other"}, tenant="free form").id
        session.commit()
    someone = signed_in("viewer")
    text = someone.get("/console/jobs?tenant=ELBE&task=probe.echo").text
    assert str(mine) in text
    assert str(other) not in text
    assert ">elbe</a>" in text
    assert str(other) in someone.get("/console/jobs?tenant=free+form").text


def test_pages_of_jobs_follow_each_other_without_a_gap(signed_in: As, deps: Deps) -> None:
    ids = {str(enqueue_probe(deps, f"number {number}")) for number in range(60)}
    someone, path = signed_in("viewer"), "/console/jobs?task=probe.echo"
    seen: set[str] = set()
    for _ in range(2):
        text = someone.get(path).text
        here = {job_id for job_id in ids if job_id in text}
        assert not here & seen
        seen |= here
        path = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert seen == ids
    assert not path


def test_job_page_shows_attempts_error_and_why_it_cannot_be_retried(signed_in: As, deps: Deps) -> None:
    dead, waiting = enqueue_probe(deps), enqueue_probe(deps, "waits")
    mark_dead(deps, dead, ValueError("it broke"))
    someone = signed_in("operator")
    text = someone.get(f"/console/jobs/{dead}").text
    assert "Attempt 1" in text
    assert "ValueError: it broke" in text
    assert f"/console/jobs/{dead}/retry" in text
    refused = someone.get(f"/console/jobs/{waiting}").text
    assert "Cannot be retried. It is already queued" in refused
    assert f"/console/jobs/{waiting}/retry" not in refused


def test_integers_in_a_payload_are_exact(signed_in: As, deps: Deps) -> None:
    job = enqueue_probe(deps)
    with deps.sessions() as session:
        session.get_one(Job, job).payload = {"n": 12345678901234567890123}
        session.commit()
    assert "12345678901234567890123" in signed_in("viewer").get(f"/console/jobs/{job}").text


def test_stored_markup_is_escaped(signed_in: As, deps: Deps) -> None:
    job = enqueue_probe(deps, ATTACK)
    mark_dead(deps, job, ValueError(ATTACK))
    someone = signed_in("operator")
    for path in (f"/console/jobs/{job}", "/console/jobs", "/console/dead"):
        assert "alert(1)" in someone.get(path).text, path
    for path in (f"/console/jobs/{job}", "/console/jobs", "/console/dead", "/console"):
        assert "<script>alert" not in someone.get(path).text
        assert "<img src=x" not in someone.get(path).text


def test_markup_in_the_query_string_is_escaped(signed_in: As) -> None:
    someone = signed_in("viewer")
    names = ("task", "tenant", "error", "key", "args.x", "done", "fingerprint", "actor", "template", "target", "next")
    for page in ("/console/jobs", "/console/mail", "/console/audit", "/console/login"):
        text = someone.http.get(page, params=dict.fromkeys(names, ATTACK)).text
        assert "<script>alert" not in text, page
        assert "<img src=x" not in text, page


def test_unknown_page_is_404(signed_in: As) -> None:
    someone = signed_in("viewer")
    for path in ("jobs/{}", "mail/{}", "mail/{}/frame", "nowhere/{}"):
        statuses = {someone.http.get(f"/console/{path.format(name)}").status_code for name in (unknown_id(), "no-id")}
        assert statuses == {404}, path


def test_broken_lane_is_named_after_its_customer(
    signed_in: As, deps: Deps, make_accounts: Callable[[str], ResellerAccounts]
) -> None:
    client: UUID = make_accounts("elbe").client
    with deps.sessions() as session:
        session.add(Lane(name=f"instance:{client}", state="open", failures=3, last_error="no connection: refused"))
        session.commit()
    someone = signed_in("viewer")
    text = someone.get("/console/instances").text
    assert "elbe client" in text
    assert "connection_refused" in text
    assert "1 instance is not receiving: elbe client (down)." in someone.get("/console").text
