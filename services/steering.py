"""What operators do to queues and workers beside pausing: how many at once, and draining a process."""

from typing import Final

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import FieldError, Invalid, NotFound
from engine.control import Actor
from engine.enqueue import Jobs, ring_after_commit
from models.control import Queue, WorkerProcess
from store import audit

MOST_AT_ONCE: Final = 10_000


def limit_queue(session: Session, jobs: Jobs, name: str, most: int | None, actor: Actor) -> None:
    """Let at most so many jobs of a queue be out at once, None for as many as there are threads.

    Raises NotFound, Invalid.
    """
    if name not in jobs.catalogue.queues:
        raise NotFound("unknown_queue", f"There is no queue {name!r}.")
    if most is not None and not 1 <= most <= MOST_AT_ONCE:
        message = f"At once is a whole number from 1 to {MOST_AT_ONCE:,}, or nothing for no limit."
        raise Invalid(message=message, errors=[FieldError("concurrency", message)])
    statement = insert(Queue).values(name=name, concurrency=most)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"concurrency": most}))
    _note(session, jobs, "queue.limit", f"queue:{name}", actor, {"concurrency": most})
    ring_after_commit(session, jobs.doorbell)


def drain(session: Session, jobs: Jobs, worker: str, actor: Actor, *, draining: bool) -> None:
    """Let a process finish what it has and take nothing more, or take work again. Raises NotFound."""
    mine = update(WorkerProcess).where(WorkerProcess.id == worker).values(draining=draining)
    if session.scalars(mine.returning(WorkerProcess.id)).first() is None:
        raise NotFound("unknown_worker", "There is no such process, or not any more.")
    _note(session, jobs, "worker.drain" if draining else "worker.undrain", f"worker:{worker}", actor, {})
    ring_after_commit(session, jobs.doorbell)


def _note(session: Session, jobs: Jobs, action: str, target: str, actor: Actor, detail: dict[str, int | None]) -> None:
    audit.add(
        session, at=jobs.clock.now(), actor=actor.name, action=action, target=target, reason=actor.reason,
        origin=actor.origin, detail=detail,
    )  # fmt: skip
