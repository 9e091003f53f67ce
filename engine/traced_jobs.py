"""Spans of job creation and doorbells. Used only where tracing is on."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg import Connection
from sqlalchemy.orm import Session

from domain.bells import Bell, Bells, Heard
from domain.tracing import Attributes, SpanKind, Tracer, place_of
from engine.enqueue import Enqueued, Jobs, Request
from engine.ledger import Driver

TRACES: Final = "SELECT id, trace_id FROM jobs WHERE id = ANY(%s)"


def about(operation: str, kind: str, queue: str, task: str, job_id: UUID) -> Attributes:
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

    def place(self, connection: Connection[Any], request: Request) -> Enqueued:
        """Do as `Jobs.place` and record a span."""
        traced = self.with_trace()
        result = Jobs.place(traced, connection, request)
        if result.created:
            traced.record_span(result.id, request)
        return result

    def put_many(self, session: Session, requests: Sequence[Request]) -> list[UUID]:
        """Do as `Jobs.put_many` and record spans; keyed jobs are recorded by `place`."""
        traced = self.with_trace()
        ids = Jobs.put_many(traced, session, requests)
        for job_id, request in zip(ids, requests, strict=True):
            if not request.keyed:
                traced.record_span(job_id, request)
        return ids

    def with_trace(self) -> "TracedJobs":
        """Return a copy whose jobs belong to the caller's trace, or to a new one."""
        if self.trace_id is not None or self.tracer is None:
            return self
        here = self.tracer.here()
        return replace(self, trace_id=uuid4().hex if here is None else here.trace_id)

    def record_span(self, job_id: UUID, request: Request) -> None:
        """Record the span of a job's creation; its parent is the caller's span, else the span of the parent job."""
        if self.tracer is None:
            return
        at, here, parent = place_of(job_id, self.trace_id), self.tracer.here(), None
        if (here is None or here.trace_id != at.trace_id) and self.parent_id is not None:
            parent = place_of(self.parent_id, at.trace_id)
        queue = request.queue or self.catalogue[request.task].policy.queue
        attributes = about("create", "create", queue, request.task, job_id)
        self.tracer.start(f"create {request.task}", SpanKind.PRODUCER, attributes, under=parent, at=at).end()


def traced_jobs(jobs: Jobs, tracer: Tracer | None) -> Jobs:
    """Return `jobs` with tracing, or unchanged without a tracer."""
    if tracer is None:
        return jobs
    return TracedJobs(jobs.catalogue, jobs.clock, jobs.doorbell, jobs.parent_id, jobs.trace_id, tracer)


class TracedBells:
    """Implements domain.bells.Bells with one span per dispatched job. One query of the ledger per batch."""

    def __init__(self, inner: Bells, connection: Driver, tracer: Tracer) -> None:
        self._inner = inner
        self._connection = connection
        self._tracer = tracer

    def ring(self, bells: Sequence[Bell]) -> None:
        """Publish in one round trip. Raises BellsDown, BellsForgotten."""
        ids = [job_id for bell in bells for job_id in bell.ids]
        traces = dict(self._connection.execute(TRACES, (ids,)).fetchall())
        with ExitStack() as spans:
            for bell in bells:
                for job_id in bell.ids:
                    if job_id in traces:
                        attributes = about("ring", "send", bell.queue, bell.task, job_id)
                        under = place_of(job_id, traces[job_id])
                        span = self._tracer.start(f"ring {bell.task}", SpanKind.CLIENT, attributes, under=under)
                        spans.enter_context(span)
            self._inner.ring(bells)

    def begin(self) -> None:
        """Start an epoch: forget every bell in the broker. Raises BellsDown."""
        self._inner.begin()

    def listen(self, seconds: float) -> Heard:
        """Wait for answers or a hint. Raises BellsDown, BellsForgotten."""
        return self._inner.listen(seconds)

    def held_by(self, worker: str) -> tuple[Bell, ...]:
        """Remove and return the bells a dead worker had picked up. Raises BellsDown."""
        return self._inner.held_by(worker)

    def waiting(self, bell: Bell, workers: Sequence[str]) -> bool:
        """Whether a bell still waits in the broker or with one of these workers. Raises BellsDown."""
        return self._inner.waiting(bell, workers)
