"""Remembered cancellations: of jobs whose row or lane was locked when someone cancelled them.

The claim, `job.cancelled()` of a running handler and, every half second, the relay obey them.
"""

from datetime import datetime
from uuid import UUID

import psycopg

from kontor.engine import dead_jobs, declared, lanes, ledger
from kontor.engine.catalogue import Catalogue
from kontor.engine.payloads import HandlersCancel
from kontor.kernel.database import PgConnection
from kontor.kernel.ids import new_id
from kontor.kernel.states import JobState

CHUNK = 200
REMEMBER = """
INSERT INTO cancel_requests (job_id, requested_at, actor, reason) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
FORGET = "DELETE FROM cancel_requests WHERE job_id = %s"
REQUESTS = "SELECT job_id, actor, reason FROM cancel_requests ORDER BY requested_at, job_id LIMIT %s"
REQUEST = "SELECT actor, reason FROM cancel_requests WHERE job_id = %s"
LOCK = "SELECT state, lane, task FROM jobs WHERE id = %s FOR UPDATE SKIP LOCKED"
EXISTS = "SELECT state FROM jobs WHERE id = %s"
HAND_ON = """
INSERT INTO jobs (id, task, queue, state, max_attempts, payload, unique_key, run_at, created_at)
VALUES (%s, %s, %s, 'queued', %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
ASK_RUNNING = "UPDATE jobs SET cancel_requested = true WHERE id = %s"


def remember(connection: PgConnection, job_id: UUID, actor: str, reason: str | None, now: datetime) -> None:
    """Remember the cancellation of a job that is locked now."""
    connection.execute(REMEMBER, (job_id, now, actor, reason))


def forget(connection: PgConnection, job_id: UUID) -> None:
    """Forget a remembered cancellation: the job was retried."""
    connection.execute(FORGET, (job_id,))


def apply_requests(connection: PgConnection, catalogue: Catalogue, now: datetime) -> int:
    """Carry out the remembered cancellations of jobs that are no longer locked; return how many.

    Those of declared types are a worker's: their handlers are asked, and compensations follow.
    """
    applied = 0
    for job_id, actor, reason in connection.execute(REQUESTS, (CHUNK,)).fetchall():
        try:
            with connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '100ms'")
                applied += _apply(connection, catalogue, job_id, reason or f"cancelled by {actor}", now)
        except psycopg.errors.LockNotAvailable:
            continue
    return applied


def cancel_locked(
    connection: PgConnection, job_id: UUID, state: str, lane: str | None, reason: str, now: datetime
) -> None:
    """Cancel a job whose row the caller has locked, or ask its handler to stop."""
    if state == JobState.RUNNING:
        connection.execute(ASK_RUNNING, (job_id,))
        return
    ledger.archive(
        connection, [(job_id, None)], state=JobState.CANCELLED, reason=reason, attempt_increment=0, worker=None,
        started=None, finished=now,
    )  # fmt: skip
    declared.erase(connection, job_id)
    if lane is not None and state != JobState.DEAD:
        lanes.leave(connection, lane, job_id, healthy=False)


def _apply(connection: PgConnection, catalogue: Catalogue, job_id: UUID, reason: str, now: datetime) -> bool:
    row = connection.execute(LOCK, (job_id,)).fetchone()
    if row is None and dead_jobs.recall(connection, job_id):
        row = connection.execute(LOCK, (job_id,)).fetchone()
    if row is not None and not catalogue.is_own(row[2]):
        return hand_on(connection, job_id, now)
    if row is not None:
        cancel_locked(connection, job_id, row[0], row[1], reason, now)
    elif connection.execute(EXISTS, (job_id,)).fetchone() is not None:
        return False
    forget(connection, job_id)
    return row is not None


def hand_on(connection: PgConnection, job_id: UUID, now: datetime) -> bool:
    """Enqueue the cancellation of a job of a declared type, once; the relay has no Jobs, which know SQLAlchemy."""
    payload = HandlersCancel(job_id=job_id)
    policy, body = payload.policy, payload.model_dump_json(exclude_unset=True)
    values = (new_id(), policy.name, policy.queue, policy.retry.max_attempts, body, str(job_id), now, now)
    return bool(connection.execute(HAND_ON, values).rowcount)


def reason_of(connection: PgConnection, job_id: UUID) -> str:
    """Return why a job is to be cancelled, as it was remembered."""
    row = connection.execute(REQUEST, (job_id,)).fetchone()
    return "cancelled on request" if row is None else row[1] or f"cancelled by {row[0]}"
