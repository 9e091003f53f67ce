"""Records failures of handlers: the job is retried, its lane is held, or the job is dead."""

import hashlib
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from kontor.engine import lanes, ledger
from kontor.engine.endings import EndedJob, notify
from kontor.engine.handlers import Failure, FailureListener, Permanent, RemoteUnavailable, Transient, Undecided
from kontor.engine.ledger import JobRow, UnsuccessfulAttempt
from kontor.engine.retry import next_attempt_at
from kontor.engine.runtime import WorkerRuntime
from kontor.kernel.database import PgConnection, is_disconnect
from kontor.kernel.states import AttemptOutcome, DeadReason, JobState

log = structlog.get_logger(__name__)

UNANSWERED = "unanswered"
"""Reason of a queued job whose remote got its call and gave no answer."""
_VARIABLE_PARTS = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|\d+", re.IGNORECASE)


def to_failure(error: BaseException) -> Failure:
    """Convert an exception to its stored form. The fingerprint ignores numbers and ids."""
    kind = type(error).__name__
    message = jsonb_safe(str(error) or kind)
    location = ""
    if not isinstance(error, Transient | Permanent | RemoteUnavailable):
        frames = traceback.extract_tb(error.__traceback__)
        location = f"{frames[-1].filename}:{frames[-1].name}" if frames else ""
    signature = f"{kind}|{_VARIABLE_PARTS.sub('#', message)}|{location}"
    fingerprint = hashlib.sha256(signature.encode()).hexdigest()[:16]
    text = "".join(traceback.format_exception(error, limit=-20))
    return Failure(kind, message[:4000], jsonb_safe(text[-16000:]), fingerprint)


def jsonb_safe(text: str) -> str:
    """Replace characters that jsonb rejects: NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A failed attempt; `number` includes it."""

    row: JobRow
    number: int
    started_at: datetime | None


def record_failure(
    runtime: WorkerRuntime,
    session: Session,
    connection: PgConnection,
    attempt: FailedAttempt,
    error: BaseException,
    *,
    remote_reached: bool = True,
) -> None:
    """Record a failed attempt in the caller's transaction, then retry the job, hold its lane or mark it dead.

    `remote_reached` is False when the failure implies nothing about the lane's remote.
    """
    row, now = attempt.row, runtime.clock.now()
    failure = to_failure(error)
    if isinstance(error, RemoteUnavailable) and row.lane is not None:
        _open_breaker(runtime, session, connection, attempt, error, failure)
        return
    _record_attempt(connection, runtime, attempt, AttemptOutcome.FAILED, failure, now)
    runtime.free_lane(session, connection, row, healthy=remote_reached)
    policy = replace(runtime.registry.catalogue[row.task].policy.retry, max_attempts=max(1, row.max_attempts))
    retry_at = next_attempt_at(policy, attempt.number, now, runtime.random, getattr(error, "retry_in", None))
    if isinstance(error, Permanent) or retry_at is None:
        reason = DeadReason.PERMANENT if isinstance(error, Permanent) else DeadReason.FAILED
        reason = DeadReason.UNKNOWN if isinstance(error, Undecided) else reason
        mark_dead(runtime, session, connection, attempt, reason, failure)
        return
    ledger.reschedule(
        connection, row.id, JobState.RETRYING, retry_at, attempt.number,
        error=failure.document(), fingerprint=failure.fingerprint,
    )  # fmt: skip
    _notify_handler(runtime, session, row, attempt.number, failure.message, None)


def mark_dead(
    runtime: WorkerRuntime,
    session: Session,
    connection: PgConnection,
    attempt: FailedAttempt,
    reason: DeadReason,
    failure: Failure,
) -> None:
    """Mark a job dead and notify its handler and the operators."""
    row = attempt.row
    now = runtime.clock.now()
    ledger.mark_dead(connection, row.id, attempt.number, reason, now, failure.document(), failure.fingerprint)
    log.error("job.dead", **_log_fields(attempt, failure), reason=str(reason))
    _notify_handler(runtime, session, row, attempt.number, failure.message, reason)
    job = runtime.context(row, attempt.number)
    notify(session, job.jobs, EndedJob(row.id, row.task, row.tenant, JobState.DEAD, error=failure.message))
    _call_safely(runtime, session, row, lambda: runtime.on_dead(session, job, reason, failure.message))


def mark_exhausted_dead(runtime: WorkerRuntime, session: Session, connection: PgConnection, row: JobRow) -> bool:
    """Mark a job dead whose worker died in its last attempt. Returns whether it was one."""
    if row.attempt < row.max_attempts:
        return False
    failure = Failure("Exhausted", f"its worker died in attempt {row.attempt} of {row.max_attempts}", "", "exhausted")
    mark_dead(runtime, session, connection, FailedAttempt(row, row.attempt, None), DeadReason.FAILED, failure)
    return True


def _open_breaker(
    runtime: WorkerRuntime,
    session: Session,
    connection: PgConnection,
    attempt: FailedAttempt,
    error: RemoteUnavailable,
    failure: Failure,
) -> None:
    """Hold the lane because its remote is down; no attempt is used. After 72 h the lane's jobs are dead."""
    row, now = attempt.row, runtime.clock.now()
    assert row.lane is not None
    _record_attempt(connection, runtime, attempt, AttemptOutcome.DOWN, failure, now)
    lane = lanes.lock(connection, row.lane)
    attempts_used = attempt.number - 1
    if lane.is_counted(row.lane, row.id):
        probe_at = runtime.breaker.probe_at(lane.failures + 1, now, runtime.random, error.retry_in)
        lanes.trip(connection, row.lane, now, probe_at, failure.message)
    ledger.reschedule(
        connection, row.id, JobState.QUEUED, now, attempts_used,
        error=failure.document(), fingerprint=failure.fingerprint, held=True,
        reason=UNANSWERED if error.may_have_acted else None,
    )  # fmt: skip
    _notify_handler(runtime, session, row, attempts_used, failure.message, None)
    if lane.held_since is not None and runtime.breaker.is_expired(lane.held_since, now):
        for waiting in lanes.waiting(connection, row.lane):
            expired = FailedAttempt(waiting, waiting.attempt, None)
            mark_dead(runtime, session, connection, expired, DeadReason.LANE_HELD, failure)
        lanes.restart_hold_limit(connection, row.lane, now)


def _record_attempt(
    connection: PgConnection,
    runtime: WorkerRuntime,
    attempt: FailedAttempt,
    outcome: str,
    failure: Failure,
    now: datetime,
) -> None:
    finished = UnsuccessfulAttempt(
        attempt.row.id, attempt.number, runtime.worker, attempt.started_at, now, outcome, failure.document()
    )
    ledger.store_attempt(connection, finished)
    log.warning("job.failed", **_log_fields(attempt, failure), outcome=str(outcome))
    runtime.count(attempt.row, outcome, attempt.started_at, now)


def _log_fields(attempt: FailedAttempt, failure: Failure) -> dict[str, object]:
    """The log fields of a failure. Only the first line of the error: later lines may hold payload values."""
    row = attempt.row
    return {
        "job": str(row.id),
        "task": row.task,
        "attempt": attempt.number,
        "tenant": row.tenant,
        "trace": row.trace_id,
        "error": failure.type,
        "says": failure.message.partition("\n")[0][:300],
        "fingerprint": failure.fingerprint,
    }


def _notify_handler(
    runtime: WorkerRuntime, session: Session, row: JobRow, number: int, error: str, dead_reason: str | None
) -> None:
    handler: object = runtime.handler(row) if row.task in runtime.registry else None
    if isinstance(handler, FailureListener):
        job = runtime.context(row, number)
        _call_safely(
            runtime, session, row, lambda: handler.failed(job, session, runtime.payload(row), error, dead_reason)
        )


def _call_safely(runtime: WorkerRuntime, session: Session, row: JobRow, notify: Callable[[], None]) -> None:
    """Call in a savepoint and log what it raises: an error in a callback must not prevent recording the failure."""
    try:
        with session.begin_nested():
            notify()
    except runtime.catchable as error:
        if is_disconnect(error):
            raise
        log.error(
            "failure.untold", job=str(row.id), task=row.task, tenant=row.tenant, trace=row.trace_id, error=str(error)
        )
