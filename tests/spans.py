"""A tracer whose spans a test can look at."""

from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.tracing import OtelTracer, place_at
from domain.tracing import Place


@dataclass
class Spans:
    """The spans that ended, in that order."""

    kept: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        self.tracer = OtelTracer(SimpleSpanProcessor(self.kept), "test", "0")

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.kept.get_finished_spans() if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        found = self.named(name)
        assert len(found) == 1, [span.name for span in self.kept.get_finished_spans()]
        return found[0]

    def said(self, name: str, attribute: str) -> list[object]:
        """What the spans of a name say."""
        return [(span.attributes or {}).get(attribute) for span in self.named(name)]

    def traces(self) -> set[str]:
        return {where(span).trace_id for span in self.kept.get_finished_spans()}


def where(span: ReadableSpan) -> Place:
    """Where a span stands."""
    assert span.context is not None
    return place_at(span.context)


def above(span: ReadableSpan) -> Place | None:
    """Where the span above it stands."""
    return None if span.parent is None else place_at(span.parent)
