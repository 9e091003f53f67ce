"""OpenTelemetry spans, sent as OTLP over HTTP in batches by a thread. Imported only where tracing is on."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags

from kontor.kernel.tracing import NO_ATTRIBUTES, Attributes, Span, SpanKind, TraceContext

SYSTEM: Final = "kontor"
CLOSE_SECONDS: Final = 3.0
KINDS: Final = {
    SpanKind.SERVER: trace.SpanKind.SERVER,
    SpanKind.CLIENT: trace.SpanKind.CLIENT,
    SpanKind.PRODUCER: trace.SpanKind.PRODUCER,
    SpanKind.CONSUMER: trace.SpanKind.CONSUMER,
    SpanKind.INTERNAL: trace.SpanKind.INTERNAL,
}


class OtelSpan:
    """Implements kontor.kernel.tracing.Span."""

    def __init__(self, inner: trace.Span) -> None:
        self.inner = inner

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        self.end()

    @property
    def place(self) -> TraceContext:
        """The context of the span."""
        return from_otel(self.inner.get_span_context())

    def rename(self, name: str) -> None:
        """Change the name."""
        self.inner.update_name(name)

    def set(self, name: str, value: str | int) -> None:
        """Set an attribute."""
        self.inner.set_attribute(name, value)

    def fail(self, kind: str) -> None:
        """Mark the span as failed."""
        self.inner.set_attribute("error.type", kind)
        self.inner.set_status(StatusCode.ERROR)

    def end(self) -> None:
        """End the span; later calls have no effect."""
        if self.inner.is_recording():
            self.inner.end()


class PresetIds(RandomIdGenerator):
    """Random ids, except for spans with a preset context."""

    def __init__(self) -> None:
        self._preset = threading.local()

    @contextmanager
    def at(self, place: TraceContext | None) -> Iterator[None]:
        """Preset the context of this thread's next span."""
        self._preset.place = place
        try:
            yield
        finally:
            self._preset.place = None

    def generate_trace_id(self) -> int:
        """Return the preset trace id, or a new one."""
        place: TraceContext | None = getattr(self._preset, "place", None)
        return super().generate_trace_id() if place is None else int(place.trace_id, 16)

    def generate_span_id(self) -> int:
        """Return the preset span id, or a new one."""
        place: TraceContext | None = getattr(self._preset, "place", None)
        return super().generate_span_id() if place is None else int(place.span_id, 16)


class OtelTracer:
    """Implements kontor.kernel.tracing.Tracer. Sets no OpenTelemetry globals: other libraries stay untraced."""

    def __init__(self, processor: SpanProcessor, role: str, version: str) -> None:
        service = {"service.namespace": SYSTEM, "service.name": f"{SYSTEM}-{role}", "service.version": version}
        resource = Resource.create(service).merge(OTELResourceDetector().detect())
        self._ids = PresetIds()
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(SYSTEM, version)

    def start(
        self, name: str, kind: SpanKind, attributes: Attributes = NO_ATTRIBUTES, *, under: TraceContext | None = None,
        at: TraceContext | None = None,
    ) -> OtelSpan:  # fmt: skip
        """Start a span."""
        context = None if under is None else trace.set_span_in_context(NonRecordingSpan(to_otel(under)), Context())
        with self._ids.at(at):
            return OtelSpan(self._tracer.start_span(name, context, KINDS[kind], dict(attributes)))

    @contextmanager
    def within(self, span: Span) -> Iterator[None]:
        """Make the span current during the block."""
        assert isinstance(span, OtelSpan)
        with trace.use_span(span.inner, record_exception=False, set_status_on_exception=False):
            yield

    def current(self) -> TraceContext | None:
        """Return the context of the current span."""
        context = trace.get_current_span().get_span_context()
        return from_otel(context) if context.is_valid else None

    def close(self) -> None:
        """Flush the spans; wait at most 3 s for the collector."""
        closing = threading.Thread(target=self._provider.shutdown, name="tracing", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def otlp_tracer(endpoint: str, role: str, version: str) -> OtelTracer:
    """Return a tracer that sends to a collector. The standard OTEL_* variables configure the rest."""
    logging.getLogger("opentelemetry.exporter").setLevel(
        logging.ERROR
    )  # one line per failed export of every batch is too much
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    return OtelTracer(BatchSpanProcessor(exporter), role, version)


def from_otel(context: SpanContext) -> TraceContext:
    """Convert from OpenTelemetry's SpanContext."""
    trace_id, span_id = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
    return TraceContext(trace_id, span_id, context.trace_flags.sampled)


def to_otel(place: TraceContext) -> SpanContext:
    """Convert to OpenTelemetry's SpanContext, marked as remote."""
    flags = TraceFlags(TraceFlags.SAMPLED if place.sampled else TraceFlags.DEFAULT)
    return SpanContext(int(place.trace_id, 16), int(place.span_id, 16), is_remote=True, trace_flags=flags)
