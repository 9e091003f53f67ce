"""Attempts as spans: open from a handler's first word until their outcome is counted. Only where tracing is on."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from datetime import datetime
from types import SimpleNamespace, TracebackType
from typing import Any, Final, cast
from uuid import UUID

from domain.bells import Answer
from domain.jobs import AttemptOutcome
from domain.tracing import Span, SpanKind, Tracer, place_of
from engine.handlers import Handler
from engine.ledger import JobRow
from engine.runner import Runner
from engine.traced_jobs import about
from engine.workshop import Workshop

FIRST: Final = frozenset({"run", "claim"})
PARTS: Final = ("run", "claim", "act", "verify", "record", "failed")
OUTCOME: Final = "kontor.outcome"
ROLLED_BACK: Final = "rolled_back"
"""It ran in a commit that was given up for another job's failure, or whose connection was lost: it runs again."""
BAD: Final = frozenset({AttemptOutcome.FAILED, AttemptOutcome.DOWN})


@dataclass(slots=True)
class Attempt:
    """A span that is open, or was; with the type of the error its handler raised."""

    span: Span
    error: str | None = None
    over: bool = False

    def __enter__(self) -> None:
        """Nothing: this is for leaving."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.error = kind.__name__

    def end(self, outcome: str) -> None:
        """It came to this; what comes later is not heard."""
        if self.over:
            return
        self.over = True
        self.span.set(OUTCOME, outcome)
        if outcome in BAD:
            self.span.fail(self.error or outcome)
        self.span.end()


class Attempts:
    """The attempts of the doorbell that each thread works on; `queue_of` names the queue it came from."""

    def __init__(self, tracer: Tracer, queue_of: Callable[[], str]) -> None:
        self._tracer = tracer
        self._queue_of = queue_of
        self._mine = threading.local()

    def watched(self, row: JobRow, handler: Handler) -> SimpleNamespace:
        """The handler, of whose every part the attempt takes note; it has the parts that the handler has."""
        parts = {name: self._part(row, name, getattr(handler, name)) for name in PARTS if hasattr(handler, name)}
        return SimpleNamespace(payload=handler.payload, **parts)

    def end(self, job_id: UUID, outcome: str) -> None:
        """An attempt was counted."""
        if job_id in self._open():
            self._open()[job_id].end(outcome)

    def leave(self) -> None:
        """The doorbell is done: what was not counted was rolled back."""
        for attempt in self._open().values():
            attempt.end(ROLLED_BACK)
        self._open().clear()

    def _open(self) -> dict[UUID, Attempt]:
        if not hasattr(self._mine, "open"):
            self._mine.open = {}
        return cast(dict[UUID, Attempt], self._mine.open)

    def _part(self, row: JobRow, name: str, part: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            if name in FIRST:
                self._begin(row)
            attempt = self._open().get(row.id)
            with self._inside(attempt), attempt or nullcontext():
                return part(*given)

        return run

    def _inside(self, attempt: Attempt | None) -> AbstractContextManager[None]:
        return nullcontext() if attempt is None else self._tracer.within(attempt.span)

    def _begin(self, row: JobRow) -> None:
        """Open the attempt; one that is open already was rolled back."""
        self.end(row.id, ROLLED_BACK)
        words = {**about("process", "process", self._queue_of(), row.task, row.id), "kontor.attempt": row.attempt + 1}
        under = place_of(row.id, row.trace_id)
        self._open()[row.id] = Attempt(self._tracer.start(f"process {row.task}", SpanKind.CONSUMER, words, under=under))


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedWorkshop(Workshop):
    """A workshop whose attempts are spans."""

    attempts: Attempts

    def handler(self, row: JobRow) -> Handler:
        """The handler of a job's task, watched."""
        return cast(Handler, self.attempts.watched(row, Workshop.handler(self, row)))

    def count(self, row: JobRow, outcome: str, started: datetime | None, ended: datetime) -> None:
        """Count an attempt that ended, which ends its span."""
        Workshop.count(self, row, outcome, started, ended)
        self.attempts.end(row.id, outcome)


class TracedRunner(Runner):
    """A runner whose attempts are spans."""

    def __init__(self, shop: Workshop, tracer: Tracer, queue_of: Callable[[], str]) -> None:
        self._attempts = Attempts(tracer, queue_of)
        given = {field.name: getattr(shop, field.name) for field in fields(Workshop)}
        super().__init__(TracedWorkshop(**given, attempts=self._attempts))

    def run(self, bell_id: str, task: str, ids: Sequence[UUID]) -> Answer:
        """Run those of the jobs that still wait."""
        try:
            return super().run(bell_id, task, ids)
        finally:
            self._attempts.leave()
