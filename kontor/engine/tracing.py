"""Spans of attempts, from the first call of the handler until the outcome is counted. Only where tracing is on."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, fields, replace
from datetime import datetime
from types import SimpleNamespace, TracebackType
from typing import Final, ParamSpec, TypeVar, cast
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from kontor.engine.enqueue import EnqueueResult, JobRequest, Jobs
from kontor.engine.handlers import Handler
from kontor.engine.ledger import JobRow
from kontor.engine.runner import Runner
from kontor.engine.runtime import WorkerRuntime
from kontor.kernel.database import PgConnection
from kontor.kernel.doorbells import Doorbell, DoorbellChannel, DoorbellResult, Offers, RelayEvents
from kontor.kernel.states import AttemptOutcome
from kontor.kernel.tracing import Attributes, Span, SpanKind, Tracer, job_context

TRACES: Final = "SELECT id, trace_id FROM jobs WHERE id = ANY(%s)"


def span_attributes(operation: str, kind: str, queue: str, task: str, job_id: UUID) -> Attributes:
    """Span attributes of a job (OpenTelemetry semantic conventions for messaging)."""
    return {
        "messaging.system": "kontor",
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": queue,
        "messaging.message.id": str(job_id),
        "kontor.task": task,
    }


@dataclass(frozen=True, slots=True)
class TracedJobs(Jobs):
    """Gives every job a trace and a `create` span, the parent of its doorbell and attempt spans."""

    tracer: Tracer | None = None

    def child_of(self, job_id: UUID, trace_id: str | None) -> Jobs:
        """Return a copy whose jobs are children of `job_id`."""
        return replace(self, parent_id=job_id, trace_id=trace_id)

    def enqueue_on(self, connection: PgConnection, request: JobRequest) -> EnqueueResult:
        """Do as `Jobs.place` and record a span."""
        traced = self.with_trace()
        result = Jobs.enqueue_on(traced, connection, request)
        if result.created:
            traced.record_span(result.id, request)
        return result

    def enqueue_many(self, session: Session, requests: Sequence[JobRequest]) -> list[UUID]:
        """Do as `Jobs.enqueue_many` and record spans; `record_created` has those of keyed jobs."""
        traced = self.with_trace()
        ids = Jobs.enqueue_many(traced, session, requests)
        for job_id, request in zip(ids, requests, strict=True):
            if not request.has_key_or_lane:
                traced.record_span(job_id, request)
        return ids

    def record_created(self, job_id: UUID, request: JobRequest) -> None:
        """Record the span of a new keyed job of a batch."""
        self.record_span(job_id, request)

    def with_trace(self) -> "TracedJobs":
        """Return a copy whose jobs belong to the caller's trace, or to a new one."""
        if self.trace_id is not None or self.tracer is None:
            return self
        current = self.tracer.current()
        return replace(self, trace_id=uuid4().hex if current is None else current.trace_id)

    def record_span(self, job_id: UUID, request: JobRequest) -> None:
        """Record the span of a job's creation; its parent is the caller's span, else the span of the parent job."""
        if self.tracer is None:
            return
        at, current, parent = job_context(job_id, self.trace_id), self.tracer.current(), None
        if (current is None or current.trace_id != at.trace_id) and self.parent_id is not None:
            parent = job_context(self.parent_id, at.trace_id)
        queue = request.queue or self.catalogue[request.task].policy.queue
        attributes = span_attributes("create", "create", queue, request.task, job_id)
        self.tracer.start(f"create {request.task}", SpanKind.PRODUCER, attributes, under=parent, at=at).end()


def with_tracing(jobs: Jobs, tracer: Tracer | None) -> Jobs:
    """Return `jobs` with tracing, or unchanged without a tracer."""
    if tracer is None:
        return jobs
    return TracedJobs(jobs.catalogue, jobs.clock, jobs.doorbell, jobs.parent_id, jobs.trace_id, jobs.secret_box, tracer)


P = ParamSpec("P")
R = TypeVar("R")


class TracedDoorbellChannel:
    """A `DoorbellChannel` with one span per dispatched job; one query of the ledger per batch."""

    def __init__(self, inner: DoorbellChannel, connection: PgConnection, tracer: Tracer) -> None:
        self._inner = inner
        self._connection = connection
        self._tracer = tracer

    def ring(self, bells: Sequence[Doorbell]) -> None:
        """Publish in one round trip. Raises DoorbellUnavailable, DoorbellReset."""
        ids = [job_id for bell in bells for job_id in bell.ids]
        traces = dict(self._connection.execute(TRACES, (ids,)).fetchall())
        with ExitStack() as spans:
            for bell in bells:
                for job_id in bell.ids:
                    if job_id in traces:
                        attributes = span_attributes("ring", "send", bell.queue, bell.task, job_id)
                        under = job_context(job_id, traces[job_id])
                        span = self._tracer.start(f"ring {bell.task}", SpanKind.CLIENT, attributes, under=under)
                        spans.enter_context(span)
            self._inner.ring(bells)

    def begin(self) -> None:
        """Start an epoch: forget every bell in the broker. Raises DoorbellUnavailable."""
        self._inner.begin()

    def listen(self, seconds: float) -> RelayEvents:
        """Wait for answers or a hint. Raises DoorbellUnavailable, DoorbellReset."""
        return self._inner.listen(seconds)

    def reclaim(self, worker: str) -> tuple[Doorbell, ...]:
        """Remove and return the bells a dead worker had picked up. Raises DoorbellUnavailable."""
        return self._inner.reclaim(worker)

    def waiting(self, queue: str, workers: Sequence[str]) -> frozenset[str]:
        """Return the ids of the bells in a queue and taken from it by these workers. Raises DoorbellUnavailable."""
        return self._inner.waiting(queue, workers)

    def discard(self, bell: Doorbell, workers: Sequence[str]) -> None:
        """Remove a bell from what these workers have taken. Raises DoorbellUnavailable."""
        self._inner.discard(bell, workers)

    def holders(self) -> frozenset[str]:
        """Return some workers that have taken bells. Raises DoorbellUnavailable."""
        return self._inner.holders()

    def offer(self, offers: Offers) -> None:
        """Hint to waiting pull workers that jobs are there for them. Raises DoorbellUnavailable."""
        self._inner.offer(offers)


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
    """The open attempts of a process: a thread may claim and record the jobs of others."""

    def __init__(self, tracer: Tracer, queue_of: Callable[[str], str]) -> None:
        self._tracer = tracer
        self._queue_of = queue_of
        self._open: dict[UUID, AttemptSpan] = {}

    def instrumented(self, row: JobRow, handler: Handler) -> SimpleNamespace:
        """Return a proxy of the handler whose methods run inside the attempt's span."""
        phases = {name: self._phase(row, name, getattr(handler, name)) for name in PHASES if hasattr(handler, name)}
        return SimpleNamespace(payload=handler.payload, **phases)

    def end(self, job_id: UUID, outcome: str) -> None:
        """End the span of an attempt that was counted."""
        attempt = self._open.get(job_id)
        if attempt is not None:
            attempt.end(outcome)

    def finish(self, ids: Sequence[UUID]) -> None:
        """End all spans of a finished doorbell; attempts not counted were rolled back."""
        for job_id in ids:
            attempt = self._open.pop(job_id, None)
            if attempt is not None:
                attempt.end(ROLLED_BACK)

    def _phase(self, row: JobRow, name: str, method: Callable[P, R]) -> Callable[P, R]:
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            if name in FIRST_PHASES:
                self._begin(row)
            attempt = self._open.get(row.id)
            with self._inside(attempt), attempt or nullcontext():
                return method(*args, **kwargs)

        return run

    def _inside(self, attempt: AttemptSpan | None) -> AbstractContextManager[None]:
        return nullcontext() if attempt is None else self._tracer.within(attempt.span)

    def _begin(self, row: JobRow) -> None:
        """Open the span of an attempt; an earlier open one was rolled back."""
        self.end(row.id, ROLLED_BACK)
        attributes = {
            **span_attributes("process", "process", self._queue_of(row.task), row.task, row.id),
            "kontor.attempt": row.attempt + 1,
        }
        under = job_context(row.id, row.trace_id)
        self._open[row.id] = AttemptSpan(
            self._tracer.start(f"process {row.task}", SpanKind.CONSUMER, attributes, under=under)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedWorkerRuntime(WorkerRuntime):
    """A worker runtime that records attempts as spans."""

    attempts: AttemptSpans

    def handler(self, row: JobRow) -> Handler:
        """Return the instrumented handler of a job's task."""
        return cast(Handler, self.attempts.instrumented(row, WorkerRuntime.handler(self, row)))

    def count(self, row: JobRow, outcome: str, started: datetime | None, ended: datetime) -> None:
        """Count an attempt that ended and end its span."""
        WorkerRuntime.count(self, row, outcome, started, ended)
        self.attempts.end(row.id, outcome)


class TracedRunner(Runner):
    """A runner that records attempts as spans."""

    def __init__(self, runtime: WorkerRuntime, tracer: Tracer) -> None:
        self._attempts = AttemptSpans(tracer, lambda task: runtime.registry.catalogue[task].policy.queue)
        values = {field.name: getattr(runtime, field.name) for field in fields(WorkerRuntime)}
        super().__init__(TracedWorkerRuntime(**values, attempts=self._attempts))

    def run(self, bell_id: str, task: str, ids: Sequence[UUID]) -> DoorbellResult:
        """Run the jobs that still wait."""
        try:
            return super().run(bell_id, task, ids)
        finally:
            self._attempts.finish(ids)
