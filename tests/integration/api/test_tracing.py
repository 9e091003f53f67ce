"""Requests as spans: routes, not paths; the caller's trace, or a new one; and nothing of it while tracing is off."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from opentelemetry.trace import StatusCode
from sqlalchemy import text

from api.app import build
from api.deps import Deps
from api.tracing import Traced
from domain.tracing import Place
from engine.enqueue import Jobs
from engine.traced_jobs import traced_jobs
from tests.support.api import Api, running_server
from tests.support.spans import SpanRecorder, parent_context, span_context
from workers.tracing import CarryingThreads

CALLER = Place("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
JOB = {"task": "probe.echo", "args": {"message": "hello"}}


@pytest.fixture
def spans() -> SpanRecorder:
    return SpanRecorder()


@pytest.fixture
def traced(deps: Deps, spans: SpanRecorder) -> Iterator[Api]:
    """The API of a process that traces."""
    with CarryingThreads(4) as threads:
        given = replace(deps, tracer=spans.tracer, jobs=traced_jobs(deps.jobs, spans.tracer), threads=threads)
        app = build(given)
        with running_server(app) as url, httpx.Client(base_url=url, timeout=30) as http:
            yield Api(http, given, app)


def trace_in_ledger(deps: Deps, job_id: UUID) -> str | None:
    with deps.sessions() as session:
        found: str | None = session.scalar(text("SELECT trace_id FROM jobs WHERE id = :id"), {"id": job_id})
        return found


def test_a_job_put_by_a_request_stands_under_it_and_under_the_caller(traced: Api, spans: SpanRecorder) -> None:
    answer = traced.call("POST /v1/jobs", JOB, headers={"traceparent": CALLER.header()})
    request, created = spans.single("POST /v1/jobs"), spans.single("create probe.echo")
    assert answer.headers["X-Trace-Id"] == CALLER.trace_id
    assert parent_context(request) == CALLER
    assert parent_context(created) == span_context(request)
    assert trace_in_ledger(traced.deps, answer.json()["id"]) == CALLER.trace_id


def test_a_request_without_a_trace_begins_one_that_the_answer_and_the_job_name(
    traced: Api, spans: SpanRecorder
) -> None:
    answer = traced.call("POST /v1/jobs/batch", {"jobs": [JOB, JOB]})
    trace = answer.headers["X-Trace-Id"]
    assert parent_context(spans.single("POST /v1/jobs/batch")) is None
    assert {span_context(span).trace_id for span in spans.named("create probe.echo")} == {trace}
    assert {trace_in_ledger(traced.deps, job_id) for job_id in answer.json()["ids"]} == {trace}


def test_the_same_caller_may_ask_twice_in_one_trace(traced: Api, spans: SpanRecorder) -> None:
    for _ in range(2):
        traced.call("POST /v1/jobs", JOB, headers={"traceparent": CALLER.header()})
    assert len({span_context(span) for span in spans.named("POST /v1/jobs")}) == 2
    assert [parent_context(span) for span in spans.named("create probe.echo")] == [
        span_context(span) for span in spans.named("POST /v1/jobs")
    ]


@pytest.mark.parametrize(
    ("call", "name", "status"),
    [
        ("GET /v1/jobs/018f0000-0000-7000-8000-000000000000", "GET /v1/jobs/{job_id}", 404),
        ("GET /offers/a-capability-of-somebody", "GET /offers/{token}", 404),
        ("GET /nothing/is/here", "GET", 404),
    ],
)
def test_a_span_is_named_after_the_route_and_never_after_the_path(
    traced: Api, spans: SpanRecorder, call: str, name: str, status: int
) -> None:
    traced.call(call)
    span = spans.single(name)
    assert (span.attributes or {})["http.response.status_code"] == status
    assert span.status.status_code is StatusCode.UNSET
    assert call.rpartition("/")[2] not in span.to_json()


def test_a_method_nobody_knows_makes_no_name(traced: Api, spans: SpanRecorder) -> None:
    traced.http.request("PROPFIND", "/v1/jobs")
    assert "PROPFIND" not in "".join(span.to_json() for span in spans.exporter.get_finished_spans())
    assert spans.attribute_values("HTTP /v1/jobs", "http.request.method") == ["_OTHER"]


def test_a_fault_of_our_own_is_an_error_under_the_id_that_the_caller_is_told(traced: Api, spans: SpanRecorder) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    traced.app.add_api_route("/broken", broken)
    answer = traced.http.get("/broken")
    span = spans.single("GET /broken")
    assert answer.status_code == 500
    assert answer.headers["X-Trace-Id"] == span_context(span).trace_id
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (StatusCode.ERROR, "ZeroDivisionError")


def test_health_checks_and_live_streams_are_not_told(traced: Api, spans: SpanRecorder) -> None:
    traced.http.get("/healthz")
    traced.http.get("/readyz")
    traced.http.get("/console", headers={"Accept": "text/event-stream"})
    assert spans.trace_ids() == set()


def test_nothing_of_it_is_there_while_tracing_is_off(api: Api, deps: Deps) -> None:
    assert [one for one in api.app.user_middleware if str(one.cls) == str(Traced)] == []
    assert type(deps.jobs) is Jobs
    assert traced_jobs(deps.jobs, None) is deps.jobs
    assert type(deps.threads) is ThreadPoolExecutor
