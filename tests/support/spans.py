"""A tracer that records its spans for a test."""

from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kontor.adapters.tracing import OtelTracer, from_otel
from kontor.kernel.tracing import TraceContext


@dataclass
class SpanRecorder:
    """The ended spans, in order."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        self.tracer = OtelTracer(SimpleSpanProcessor(self.exporter), "test", "0")

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def single(self, name: str) -> ReadableSpan:
        spans = self.named(name)
        assert len(spans) == 1, [span.name for span in self.exporter.get_finished_spans()]
        return spans[0]

    def attribute_values(self, name: str, attribute: str) -> list[object]:
        """The values of an attribute on all spans of a name."""
        return [(span.attributes or {}).get(attribute) for span in self.named(name)]

    def trace_ids(self) -> set[str]:
        return {span_context(span).trace_id for span in self.exporter.get_finished_spans()}


def span_context(span: ReadableSpan) -> TraceContext:
    """The context of a span."""
    assert span.context is not None
    return from_otel(span.context)


def parent_context(span: ReadableSpan) -> TraceContext | None:
    """The context of the parent span."""
    return None if span.parent is None else from_otel(span.parent)
