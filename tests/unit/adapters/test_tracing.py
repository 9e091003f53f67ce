"""The tracer on OpenTelemetry's SDK: where its spans stand, and that nobody ever waits for a collector."""

import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import get_tracer_provider

from adapters.tracing import CLOSE_SECONDS, OtelTracer
from domain.ids import new_id
from domain.tracing import Place, SpanKind, place_of
from tests.support.spans import SpanRecorder, parent_context, span_context

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def spans() -> SpanRecorder:
    return SpanRecorder()


def test_a_span_stands_where_it_is_told_to_and_under_whom(spans: SpanRecorder) -> None:
    at, under = place_of(new_id(), TRACE), Place(TRACE, "00f067aa0ba902b7")
    spans.tracer.start("told", SpanKind.PRODUCER, under=under, at=at).end()
    spans.tracer.start("root", SpanKind.PRODUCER, at=at).end()
    spans.tracer.start("free", SpanKind.PRODUCER, under=under).end()
    assert (span_context(spans.single("told")), parent_context(spans.single("told"))) == (at, under)
    assert (span_context(spans.single("root")), parent_context(spans.single("root"))) == (at, None)
    assert span_context(spans.single("free")).trace_id == TRACE
    assert span_context(spans.single("free")).span_id not in {at.span_id, under.span_id}


def test_without_a_word_it_stands_under_the_callers_and_leaving_the_block_ends_that(spans: SpanRecorder) -> None:
    with spans.tracer.start("outer", SpanKind.SERVER) as outer, spans.tracer.within(outer):
        assert spans.tracer.here() == outer.place
        spans.tracer.start("inner", SpanKind.CLIENT).end()
    assert spans.tracer.here() is None
    assert parent_context(spans.single("inner")) == span_context(spans.single("outer"))


def test_a_span_is_told_once_however_often_it_ends(spans: SpanRecorder) -> None:
    span = spans.tracer.start("once", SpanKind.INTERNAL)
    span.end()
    span.end()
    assert len(spans.named("once")) == 1


def test_other_libraries_are_not_traced(spans: SpanRecorder) -> None:
    assert "Proxy" in type(get_tracer_provider()).__name__


def test_every_process_of_the_same_name_says_which_it_is(spans: SpanRecorder) -> None:
    spans.tracer.start("any", SpanKind.INTERNAL).end()
    said = spans.single("any").resource.attributes
    assert (said["service.namespace"], said["service.name"], said["service.version"]) == ("kontor", "kontor-test", "0")


def test_the_standard_variable_names_the_service_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "back-office")
    spans = SpanRecorder()
    spans.tracer.start("any", SpanKind.INTERNAL).end()
    assert spans.single("any").resource.attributes["service.name"] == "back-office"


def test_processes_that_keep_a_part_of_all_traces_choose_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    web, worker, seen = SpanRecorder(), SpanRecorder(), set()
    for _ in range(64):
        with web.tracer.start("request", SpanKind.SERVER) as request:
            job = place_of(new_id(), request.place.trace_id)
        with worker.tracer.start("attempt", SpanKind.CONSUMER, under=job) as attempt:
            assert attempt.place.sampled == request.place.sampled
            assert attempt.place.header().endswith("01" if attempt.place.sampled else "00")
        seen.add(attempt.place.sampled)
    assert seen == {True, False}
    assert web.trace_ids() == worker.trace_ids()


class Stuck(SpanExporter):
    """A collector that takes a connection and never answers."""

    def __init__(self) -> None:
        self.asked, self.release = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        self.release.wait()
        return SpanExportResult.FAILURE


def test_nobody_waits_for_a_collector_that_never_answers() -> None:
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
