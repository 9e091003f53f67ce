"""Operator actions on queues and workers in addition to pausing: concurrency limits and draining."""

from typing import Final

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import FieldError, Invalid, NotFound
from engine.control import Actor
from engine.enqueue import Jobs, ring_after_commit
from models.control import Queue, WorkerProcess
from store import audit

MAX_CONCURRENCY: Final = 10_000


def limit_queue(session: Session, jobs: Jobs, name: str, limit: int | None, actor: Actor) -> None:
    """Set the concurrency limit of a queue; None: limited by worker threads only.

    Raises NotFound, Invalid.
    """
    if name not in jobs.catalogue.queues:
        raise NotFound("unknown_queue", f"There is no queue {name!r}.")
    if limit is not None and not 1 <= limit <= MAX_CONCURRENCY:
        message = f"The concurrency limit must be a whole number from 1 to {MAX_CONCURRENCY:,}, or empty for no limit."
        raise Invalid(message=message, errors=[FieldError("concurrency", message)])
    statement = insert(Queue).values(name=name, concurrency=limit)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"concurrency": limit}))
    _note(session, jobs, "queue.limit", f"queue:{name}", actor, {"concurrency": limit})
    ring_after_commit(session, jobs.doorbell)


def drain(session: Session, jobs: Jobs, worker: str, actor: Actor, *, draining: bool) -> None:
    """Make a worker finish its jobs and take no new ones, or take jobs again. Raises NotFound."""
    statement = update(WorkerProcess).where(WorkerProcess.id == worker).values(draining=draining)
    if session.scalars(statement.returning(WorkerProcess.id)).first() is None:
        raise NotFound("unknown_worker", "No such worker process; it may have ended.")
    _note(session, jobs, "worker.drain" if draining else "worker.undrain", f"worker:{worker}", actor, {})
    ring_after_commit(session, jobs.doorbell)


def _note(session: Session, jobs: Jobs, action: str, target: str, actor: Actor, detail: dict[str, int | None]) -> None:
    audit.add(
        session, at=jobs.clock.now(), actor=actor.name, action=action, target=target, reason=actor.reason,
        origin=actor.origin, detail=detail,
    )  # fmt: skip
