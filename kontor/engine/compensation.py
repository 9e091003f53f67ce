"""The end of cancelled jobs of declared types: what undoes one that may have acted, and who is told.

A compensation has the args of the cancelled job: the masked ones as they stand, the sealed ones copied sealed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from kontor.engine import declared
from kontor.engine.declared import DeclaredPayload
from kontor.engine.endings import EndedJob, notify
from kontor.engine.enqueue import JobRequest, Jobs, ring_after_commit
from kontor.engine.ledger import ROW, JobRow, job_row_factory
from kontor.kernel.database import PgConnection
from kontor.kernel.errors import Invalid
from kontor.kernel.states import JobState

log = structlog.get_logger(__name__)

FIND: Final = f"SELECT {ROW} FROM jobs WHERE id = %s"  # noqa: S608 -- constants


def may_have_acted(row: JobRow) -> bool:
    """Whether an attempt of a job that does not run had begun; one whose handler was down had not."""
    return row.attempt > 0 or row.reason is not None


@contextmanager
def cancelling(
    connection: PgConnection, session: Session, family: Jobs, row: JobRow, reason: str, *, acted: bool
) -> Iterator[None]:
    """Record the end of a cancelled job around the block that archives it; `family`: whose jobs are its children."""
    if row.task not in family.catalogue.declared:
        yield
        return
    compensation = _enqueue(connection, session, family, row) if acted else None
    yield
    state = JobState.CANCELLED
    ended = EndedJob(row.id, row.task, row.tenant, state, error=reason, may_have_acted=acted, compensation=compensation)
    notify(session, family, ended)


@contextmanager
def cancelling_waiting(
    connection: PgConnection, session: Session, jobs: Jobs, job_id: UUID, reason: str
) -> Iterator[None]:
    """Do the same for a job that does not run."""
    row = connection.cursor(row_factory=job_row_factory).execute(FIND, (job_id,)).fetchone()
    assert row is not None, "the caller has locked it"
    family = jobs.child_of(row.id, row.trace_id)
    with cancelling(connection, session, family, row, reason, acted=may_have_acted(row)):
        yield


def _enqueue(connection: PgConnection, session: Session, family: Jobs, row: JobRow) -> UUID | None:
    """Enqueue what the type names to undo a job."""
    model = family.catalogue.declared[row.task]
    task = model.task.compensate if issubclass(model, DeclaredPayload) else None
    target = None if task is None else family.catalogue.declared.get(task)
    if task is None or target is None or not issubclass(target, DeclaredPayload):
        if task is not None:
            log.error("task_type.compensation_missing", job=str(row.id), task=task)
        return None
    subject, payload = declared.subject_of(connection, row.id), target.model_validate(row.payload)
    try:
        lane = declared.lane_of(payload, subject)
    except Invalid:
        lane = row.lane
    request = JobRequest(task, row.payload, tenant=row.tenant, lane=lane, subject=subject)
    job_id = family.enqueue_copy(connection, request, payload, row.id)
    ring_after_commit(session, family.doorbell)
    return job_id
