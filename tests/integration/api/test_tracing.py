"""Request spans: named by route, in the caller's trace or a new one; none while tracing is off."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
from opentelemetry.trace import StatusCode
from sqlalchemy import text

from kontor.engine.enqueue import Jobs
from kontor.engine.tracing import with_tracing
from kontor.http.context import Deps
from kontor.http.tracing import TracingMiddleware
from kontor.kernel.tracing import TraceContext
from tests.support.api import Api, running_server
from tests.support.spans import SpanRecorder, parent_context, span_context
from workers.connections import ContextThreads
from workers.web_app import build

CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
JOB = {"task": "probe.echo", "args": {"message": "hello"}}


@pytest.fixture
def spans() -> SpanRecorder:
    return SpanRecorder()


@pytest.fixture
def traced(deps: Deps, spans: SpanRecorder) -> Iterator[Api]:
    """The API of a process with tracing."""
    with ContextThreads(4) as threads:
        traced_deps = replace(deps, tracer=spans.tracer, jobs=with_tracing(deps.jobs, spans.tracer), threads=threads)
        app = build(traced_deps)
        with running_server(app) as url, httpx.Client(base_url=url, timeout=30, verify=False) as http:
            yield Api(http, traced_deps, app)


def trace_in_ledger(deps: Deps, job_id: UUID) -> str | None:
    with deps.sessions() as session:
        trace_id: str | None = session.scalar(text("SELECT trace_id FROM jobs WHERE id = :id"), {"id": job_id})
        return trace_id


def test_job_span_is_a_child_of_the_request_span_in_the_callers_trace(traced: Api, spans: SpanRecorder) -> None:
    answer = traced.call("POST /v1/jobs", JOB, headers={"traceparent": CALLER.header()})
    request, created = spans.single("POST /v1/jobs"), spans.single("create probe.echo")
    assert answer.headers["X-Trace-Id"] == CALLER.trace_id
    assert parent_context(request) == CALLER
    assert parent_context(created) == span_context(request)
    assert trace_in_ledger(traced.deps, answer.json()["id"]) == CALLER.trace_id


def test_request_without_a_trace_starts_one_shared_by_response_and_jobs(traced: Api, spans: SpanRecorder) -> None:
    answer = traced.call("POST /v1/jobs/batch", {"jobs": [JOB, JOB]})
    trace = answer.headers["X-Trace-Id"]
    assert parent_context(spans.single("POST /v1/jobs/batch")) is None
    assert {span_context(span).trace_id for span in spans.named("create probe.echo")} == {trace}
    assert {trace_in_ledger(traced.deps, job_id) for job_id in answer.json()["ids"]} == {trace}


def test_caller_may_send_two_requests_in_one_trace(traced: Api, spans: SpanRecorder) -> None:
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
def test_span_is_named_by_the_route_and_not_by_the_path(
    traced: Api, spans: SpanRecorder, call: str, name: str, status: int
) -> None:
    traced.call(call)
    span = spans.single(name)
    assert (span.attributes or {})["http.response.status_code"] == status
    assert span.status.status_code is StatusCode.UNSET
    assert call.rpartition("/")[2] not in span.to_json()


def test_unknown_method_does_not_become_a_span_name(traced: Api, spans: SpanRecorder) -> None:
    traced.http.request("PROPFIND", "/v1/jobs")
    assert "PROPFIND" not in "".join(span.to_json() for span in spans.exporter.get_finished_spans())
    assert spans.attribute_values("HTTP /v1/jobs", "http.request.method") == ["_OTHER"]


def test_internal_error_is_an_error_span_with_the_reported_trace_id(traced: Api, spans: SpanRecorder) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    traced.app.add_api_route("/broken", broken)
    answer = traced.http.get("/broken")
    span = spans.single("GET /broken")
    assert answer.status_code == 500
    assert answer.headers["X-Trace-Id"] == span_context(span).trace_id
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (StatusCode.ERROR, "ZeroDivisionError")


def test_health_checks_and_live_streams_are_not_traced(traced: Api, spans: SpanRecorder) -> None:
    traced.http.get("/healthz")
    traced.http.get("/readyz")
    traced.http.get("/console", headers={"Accept": "text/event-stream"})
    assert spans.trace_ids() == set()


def test_nothing_is_traced_while_tracing_is_off(api: Api, deps: Deps) -> None:
    assert [middleware for middleware in api.app.user_middleware if str(middleware.cls) == str(TracingMiddleware)] == []
    assert type(deps.jobs) is Jobs
    assert with_tracing(deps.jobs, None) is deps.jobs
    assert type(deps.threads) is ThreadPoolExecutor
