"""Where a span stands in its trace, and the port that records spans. Without a tracer nothing of it runs."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType, TracebackType
from typing import Final, Protocol, Self
from uuid import UUID

HEADER: Final = "traceparent"
_FORM: Final = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_TRACE_ID: Final = re.compile(r"(?!0{32})[0-9a-f]{32}")

Attributes = Mapping[str, str | int]
"""What a span says: names of OpenTelemetry's semantic conventions; never a secret, an address, or what a mail says."""

NOTHING: Final[Attributes] = MappingProxyType({})


class SpanKind(StrEnum):
    """Which side of a conversation a span is."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Place:
    """A span's place by W3C Trace Context: 32 and 16 hexadecimal digits, neither all zero."""

    trace_id: str
    span_id: str
    sampled: bool = True

    def header(self) -> str:
        """The place as a `traceparent`."""
        return f"00-{self.trace_id}-{self.span_id}-0{int(self.sampled)}"


def place_in(header: str) -> Place | None:
    """The place a `traceparent` names; None for one that names none."""
    found = _FORM.fullmatch(header.strip().lower())
    if found is None or (found[1] == "00" and found[4] is not None):
        return None
    return Place(found[2], found[3])


def place_of(job_id: UUID, trace_id: str | None) -> Place:
    """The span under which a job was enqueued: its id is half of the job's, so that nobody has to pass it on.

    A job without a trace, or with a foreign word for one, begins a trace of its own.
    """
    digits = job_id.hex
    known = trace_id is not None and _TRACE_ID.fullmatch(trace_id)
    return Place(trace_id if known and trace_id else digits, digits[16:])


class Span(Protocol):
    """Something that is happening: over when its block is; an error that leaves the block is its failure."""

    def __enter__(self) -> Self:
        """The span itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Fail by the error's type if there is one; end."""

    @property
    def place(self) -> Place:
        """Where it stands."""

    def rename(self, name: str) -> None:
        """Call it what it turned out to be."""

    def set(self, name: str, value: str | int) -> None:
        """Say one thing more of it."""

    def fail(self, kind: str) -> None:
        """It failed. `kind` is the type of the error, never its message."""

    def end(self) -> None:
        """It is over; a second end does nothing."""


class Tracer(Protocol):
    """Records spans. Never raises, never waits for whoever collects them, drops what is too much."""

    def start(
        self, name: str, kind: SpanKind, attributes: Attributes = NOTHING, *, under: Place | None = None,
        at: Place | None = None,
    ) -> Span:  # fmt: skip
        """Begin a span under the given place, else under where the caller is; `at` is where it shall stand itself."""

    def within(self, span: Span) -> AbstractContextManager[None]:
        """What the block does is part of this span."""

    def here(self) -> Place | None:
        """The span the caller is in."""

    def close(self) -> None:
        """Hand over what is left, for a few seconds at most."""
