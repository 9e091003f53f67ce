"""Span contexts, and the port that records spans. Without a tracer, none of this runs."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType, TracebackType
from typing import Final, Protocol, Self
from uuid import UUID

TRACEPARENT: Final = "traceparent"
_FORM: Final = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_TRACE_ID: Final = re.compile(r"(?!0{32})[0-9a-f]{32}")

Attributes = Mapping[str, str | int]
"""Attributes of a span, named by OpenTelemetry's semantic conventions; never secrets, addresses or mail contents."""

NO_ATTRIBUTES: Final[Attributes] = MappingProxyType({})


class SpanKind(StrEnum):
    """Kinds of span, as in OpenTelemetry."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Trace id and span id (W3C Trace Context): 32 and 16 hexadecimal digits, neither all zero."""

    trace_id: str
    span_id: str
    sampled: bool = True

    def header(self) -> str:
        """Return the context as a `traceparent` header."""
        return f"00-{self.trace_id}-{self.span_id}-0{int(self.sampled)}"


def parse_traceparent(header: str) -> TraceContext | None:
    """Parse a `traceparent` header; None if it is invalid."""
    match = _FORM.fullmatch(header.strip().lower())
    if match is None or (match[1] == "00" and match[4] is not None):
        return None
    return TraceContext(match[2], match[3])


def job_context(job_id: UUID, trace_id: str | None) -> TraceContext:
    """Return the context of the span that enqueued a job; its span id is the second half of the job's id.

    A job without a trace id, or with an invalid one, starts its own trace.
    """
    digits = job_id.hex
    valid = trace_id is not None and _TRACE_ID.fullmatch(trace_id)
    return TraceContext(trace_id if valid and trace_id else digits, digits[16:])


class Span(Protocol):
    """A running span; leaving the block ends it, and an error that leaves the block marks it as failed."""

    def __enter__(self) -> Self:
        """Return the span itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Mark the span as failed if there is an error; end it."""

    @property
    def place(self) -> TraceContext:
        """Context of the span."""

    def rename(self, name: str) -> None:
        """Change the name of the span."""

    def set(self, name: str, value: str | int) -> None:
        """Set an attribute."""

    def fail(self, kind: str) -> None:
        """Mark the span as failed. `kind` is the type of the error, never its message."""

    def end(self) -> None:
        """End the span; further calls are ignored."""


class Tracer(Protocol):
    """Records spans. Never raises, never waits for the collector, drops excess spans."""

    def start(
        self, name: str, kind: SpanKind, attributes: Attributes = NO_ATTRIBUTES, *, under: TraceContext | None = None,
        at: TraceContext | None = None,
    ) -> Span:  # fmt: skip
        """Start a span under `under`, else under the current span; `at` sets its own context."""

    def within(self, span: Span) -> AbstractContextManager[None]:
        """Make `span` the current span inside the block."""

    def current(self) -> TraceContext | None:
        """Return the context of the current span, if any."""

    def close(self) -> None:
        """Flush the remaining spans, for a few seconds at most."""
