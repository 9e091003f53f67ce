"""Spans of attempts, from the first call of the handler until the outcome is counted. Only where tracing is on."""

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

FIRST_PHASES: Final = frozenset({"run", "claim"})
PHASES: Final = ("run", "claim", "act", "verify", "record", "failed")
OUTCOME: Final = "kontor.outcome"
ROLLED_BACK: Final = "rolled_back"
"""The attempt was rolled back for another job's failure or a lost connection; the job runs again."""
FAILED_OUTCOMES: Final = frozenset({AttemptOutcome.FAILED, AttemptOutcome.DOWN})


@dataclass(slots=True)
class AttemptSpan:
    """The span of an attempt; `error` is the type of the exception its handler raised."""

    span: Span
    error: str | None = None
    ended: bool = False

    def __enter__(self) -> None:
        """No-op; see `__exit__`."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.error = kind.__name__

    def end(self, outcome: str) -> None:
        """Set the outcome and end the span; later calls are ignored."""
        if self.ended:
            return
        self.ended = True
        self.span.set(OUTCOME, outcome)
        if outcome in FAILED_OUTCOMES:
            self.span.fail(self.error or outcome)
        self.span.end()


class AttemptSpans:
    """The open attempts of each thread's doorbell; `queue_of` returns the doorbell's queue."""

    def __init__(self, tracer: Tracer, queue_of: Callable[[], str]) -> None:
        self._tracer = tracer
        self._queue_of = queue_of
        self._local = threading.local()

    def instrumented(self, row: JobRow, handler: Handler) -> SimpleNamespace:
        """Return a proxy of the handler whose methods run inside the attempt's span."""
        phases = {name: self._phase(row, name, getattr(handler, name)) for name in PHASES if hasattr(handler, name)}
        return SimpleNamespace(payload=handler.payload, **phases)

    def end(self, job_id: UUID, outcome: str) -> None:
        """End the span of an attempt that was counted."""
        if job_id in self._open():
            self._open()[job_id].end(outcome)

    def finish(self) -> None:
        """End all spans of a finished doorbell; attempts not counted were rolled back."""
        for attempt in self._open().values():
            attempt.end(ROLLED_BACK)
        self._open().clear()

    def _open(self) -> dict[UUID, AttemptSpan]:
        if not hasattr(self._local, "open"):
            self._local.open = {}
        return cast(dict[UUID, AttemptSpan], self._local.open)

    def _phase(self, row: JobRow, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            if name in FIRST_PHASES:
                self._begin(row)
            attempt = self._open().get(row.id)
            with self._inside(attempt), attempt or nullcontext():
                return method(*args)

        return run

    def _inside(self, attempt: AttemptSpan | None) -> AbstractContextManager[None]:
        return nullcontext() if attempt is None else self._tracer.within(attempt.span)

    def _begin(self, row: JobRow) -> None:
        """Open the span of an attempt; an earlier open one was rolled back."""
        self.end(row.id, ROLLED_BACK)
        attributes = {
            **about("process", "process", self._queue_of(), row.task, row.id),
            "kontor.attempt": row.attempt + 1,
        }
        under = place_of(row.id, row.trace_id)
        self._open()[row.id] = AttemptSpan(
            self._tracer.start(f"process {row.task}", SpanKind.CONSUMER, attributes, under=under)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedWorkerRuntime(Workshop):
    """A worker runtime that records attempts as spans."""

    attempts: AttemptSpans

    def handler(self, row: JobRow) -> Handler:
        """Return the instrumented handler of a job's task."""
        return cast(Handler, self.attempts.instrumented(row, Workshop.handler(self, row)))

    def count(self, row: JobRow, outcome: str, started: datetime | None, ended: datetime) -> None:
        """Count an attempt that ended and end its span."""
        Workshop.count(self, row, outcome, started, ended)
        self.attempts.end(row.id, outcome)


class TracedRunner(Runner):
    """A runner that records attempts as spans."""

    def __init__(self, runtime: Workshop, tracer: Tracer, queue_of: Callable[[], str]) -> None:
        self._attempts = AttemptSpans(tracer, queue_of)
        values = {field.name: getattr(runtime, field.name) for field in fields(Workshop)}
        super().__init__(TracedWorkerRuntime(**values, attempts=self._attempts))

    def run(self, bell_id: str, task: str, ids: Sequence[UUID]) -> Answer:
        """Run the jobs that still wait."""
        try:
            return super().run(bell_id, task, ids)
        finally:
            self._attempts.finish()
