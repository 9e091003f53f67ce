"""The tracer on the OpenTelemetry SDK: contexts of spans, and no waiting for a collector."""

import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import get_tracer_provider

from kontor.adapters.tracing import CLOSE_SECONDS, OtelTracer
from kontor.kernel.ids import new_id
from kontor.kernel.tracing import SpanKind, TraceContext, job_context
from tests.support.spans import SpanRecorder, parent_context, span_context

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def spans() -> SpanRecorder:
    return SpanRecorder()


def test_span_gets_the_given_context_and_parent(spans: SpanRecorder) -> None:
    at, under = job_context(new_id(), TRACE), TraceContext(TRACE, "00f067aa0ba902b7")
    spans.tracer.start("told", SpanKind.PRODUCER, under=under, at=at).end()
    spans.tracer.start("root", SpanKind.PRODUCER, at=at).end()
    spans.tracer.start("free", SpanKind.PRODUCER, under=under).end()
    assert (span_context(spans.single("told")), parent_context(spans.single("told"))) == (at, under)
    assert (span_context(spans.single("root")), parent_context(spans.single("root"))) == (at, None)
    assert span_context(spans.single("free")).trace_id == TRACE
    assert span_context(spans.single("free")).span_id not in {at.span_id, under.span_id}


def test_span_defaults_to_the_current_parent_until_the_block_ends(spans: SpanRecorder) -> None:
    with spans.tracer.start("outer", SpanKind.SERVER) as outer, spans.tracer.within(outer):
        assert spans.tracer.current() == outer.place
        spans.tracer.start("inner", SpanKind.CLIENT).end()
    assert spans.tracer.current() is None
    assert parent_context(spans.single("inner")) == span_context(spans.single("outer"))


def test_span_is_exported_once_even_when_ended_twice(spans: SpanRecorder) -> None:
    span = spans.tracer.start("once", SpanKind.INTERNAL)
    span.end()
    span.end()
    assert len(spans.named("once")) == 1


def test_other_libraries_are_not_traced(spans: SpanRecorder) -> None:
    assert "Proxy" in type(get_tracer_provider()).__name__


def test_resource_names_service_namespace_and_version(spans: SpanRecorder) -> None:
    spans.tracer.start("any", SpanKind.INTERNAL).end()
    said = spans.single("any").resource.attributes
    assert (said["service.namespace"], said["service.name"], said["service.version"]) == ("kontor", "kontor-test", "0")


def test_otel_service_name_overrides_the_service_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "back-office")
    spans = SpanRecorder()
    spans.tracer.start("any", SpanKind.INTERNAL).end()
    assert spans.single("any").resource.attributes["service.name"] == "back-office"


def test_processes_with_sampling_make_the_same_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    web, worker, seen = SpanRecorder(), SpanRecorder(), set()
    for _ in range(64):
        with web.tracer.start("request", SpanKind.SERVER) as request:
            job = job_context(new_id(), request.place.trace_id)
        with worker.tracer.start("attempt", SpanKind.CONSUMER, under=job) as attempt:
            assert attempt.place.sampled == request.place.sampled
            assert attempt.place.header().endswith("01" if attempt.place.sampled else "00")
        seen.add(attempt.place.sampled)
    assert seen == {True, False}
    assert web.trace_ids() == worker.trace_ids()


class Stuck(SpanExporter):
    """A collector that accepts connections and never responds."""

    def __init__(self) -> None:
        self.asked, self.release = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.release.wait()
        return SpanExportResult.FAILURE


def test_silent_collector_delays_nobody() -> None:
    stuck = Stuck()
    tracer = OtelTracer(BatchSpanProcessor(stuck, max_queue_size=64, max_export_batch_size=32), "test", "0")
    for _ in range(32):
        tracer.start("first", SpanKind.INTERNAL).end()
    assert stuck.asked.wait(20)
    began = time.monotonic()
    for _ in range(1000):
        tracer.start("more than the queue holds", SpanKind.INTERNAL).end()
    assert time.monotonic() - began < 5.0
    began = time.monotonic()
    tracer.close()
    assert time.monotonic() - began < CLOSE_SECONDS + 2.0
    stuck.release.set()
