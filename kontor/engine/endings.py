"""Subscribers to the ends of declared jobs: told in the transaction that records the end.

A process subscribes once where it starts (`Catalogue.subscribe`); Kontor's own tasks need none, since their handlers
write what follows themselves. A subscriber that raises undoes the record, so that the job ends again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from pydantic import JsonValue

from kontor.kernel.states import JobState

if TYPE_CHECKING:  # the relay has a catalogue and loads no SQLAlchemy
    from sqlalchemy.orm import Session

    from kontor.engine.enqueue import Jobs


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A job of a declared type that succeeded, is dead or was cancelled.

    `error`: why it is dead or cancelled. `may_have_acted`: an attempt had begun. `compensation`: the job that undoes
    a cancelled one.
    """

    id: UUID
    task: str
    tenant: str
    state: JobState
    result: JsonValue = None
    error: str | None = None
    may_have_acted: bool = True
    compensation: UUID | None = None


class EndingSubscriber(Protocol):
    """Is told of ends; `jobs` enqueues children of the job that ended."""

    def __call__(self, session: Session, jobs: Jobs, ended: EndedJob) -> None:
        """Record what follows from the end of a job, in the caller's transaction."""

    def refuse_retry(self, session: Session, job_id: UUID) -> str | None:
        """Return why a dead or cancelled job must not run again by itself; None: it may."""


def notify(session: Session, jobs: Jobs, ended: EndedJob) -> None:
    """Tell the subscribers of the end of a declared job; other jobs cost nothing."""
    if ended.task in jobs.catalogue.declared:
        for subscriber in jobs.catalogue.subscribers:
            subscriber(session, jobs, ended)
