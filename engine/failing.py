"""What becomes of a job whose handler raised: another try, a held lane, or the dead."""

import hashlib
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from domain.jobs import AttemptOutcome, DeadReason, JobState
from domain.retry import next_try
from engine import lanes, ledger
from engine.handlers import TellsFailure
from engine.ledger import Driver, Ended, JobRow
from engine.losses import is_lost
from engine.outcomes import Down, Failure, Permanent, Transient
from engine.workshop import Workshop

log = structlog.get_logger(__name__)

_VARIES = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|\d+", re.IGNORECASE)


def failure_of(error: BaseException) -> Failure:
    """An exception as it is stored. Numbers and ids do not count for the fingerprint."""
    kind = type(error).__name__
    message = storable(str(error) or kind)
    place = ""
    if not isinstance(error, Transient | Permanent | Down):
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{frames[-1].filename}:{frames[-1].name}" if frames else ""
    likeness = f"{kind}|{_VARIES.sub('#', message)}|{place}"
    fingerprint = hashlib.sha256(likeness.encode()).hexdigest()[:16]
    text = "".join(traceback.format_exception(error, limit=-20))
    return Failure(kind, message[:4000], storable(text[-16000:]), fingerprint)


def storable(text: str) -> str:
    """Text as jsonb takes it: without NUL and without halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


@dataclass(frozen=True, slots=True)
class Attempted:
    """A job whose attempt failed; `number` counts this attempt."""

    row: JobRow
    number: int
    started_at: datetime | None


def record_failure(
    shop: Workshop, session: Session, driver: Driver, tried: Attempted, error: BaseException, *, asked: bool = True
) -> None:
    """Write down a failed attempt and decide what follows, in the caller's transaction.

    `asked` is False when the failure says nothing about the lane's remote.
    """
    row, now = tried.row, shop.clock.now()
    failure = failure_of(error)
    if isinstance(error, Down) and row.lane is not None:
        _hold(shop, session, driver, tried, error, failure)
        return
    _write(driver, shop, tried, AttemptOutcome.FAILED, failure, now)
    shop.free_lane(session, driver, row, healthy=asked)
    policy = shop.registry.catalogue[row.task].policy.retry
    again = next_try(policy, tried.number, now, shop.random, getattr(error, "retry_in", None))
    if isinstance(error, Permanent) or again is None:
        reason = DeadReason.PERMANENT if isinstance(error, Permanent) else DeadReason.FAILED
        bury(shop, session, driver, tried, reason, failure)
        return
    ledger.reschedule(
        driver, row.id, JobState.RETRYING, again, tried.number,
        error=failure.document(), fingerprint=failure.fingerprint,
    )  # fmt: skip
    _tell(shop, session, row, tried.number, failure.message, None)


def bury(
    shop: Workshop,
    session: Session,
    driver: Driver,
    tried: Attempted,
    reason: DeadReason,
    failure: Failure,
) -> None:
    """Make a job dead and tell its handler, its operators and whoever listens."""
    row = tried.row
    now = shop.clock.now()
    ledger.bury(driver, row.id, tried.number, reason, now, failure.document(), failure.fingerprint)
    log.error("job.dead", **_named(tried, failure), reason=str(reason))
    _tell(shop, session, row, tried.number, failure.message, reason)
    job = shop.context(row, tried.number)
    _attempt(shop, session, row, lambda: shop.on_dead(session, job, reason, failure.message))


def _hold(
    shop: Workshop,
    session: Session,
    driver: Driver,
    tried: Attempted,
    error: Down,
    failure: Failure,
) -> None:
    """The remote is down: hold the lane, burn no attempt; after 72 h the lane's jobs are dead."""
    row, now = tried.row, shop.clock.now()
    assert row.lane is not None
    _write(driver, shop, tried, AttemptOutcome.DOWN, failure, now)
    lane = lanes.lock(driver, row.lane)
    kept = tried.number - 1
    probe_at = shop.breaker.probe_at(lane.failures + 1, now, shop.random, error.retry_in)
    lanes.trip(driver, row.lane, now, probe_at, failure.message)
    ledger.reschedule(
        driver, row.id, JobState.QUEUED, now, kept,
        error=failure.document(), fingerprint=failure.fingerprint, held=True,
    )  # fmt: skip
    _tell(shop, session, row, kept, failure.message, None)
    if lane.held_since is not None and shop.breaker.held_out(lane.held_since, now):
        for waiting in lanes.waiting(driver, row.lane):
            given_up = Attempted(waiting, waiting.attempt, None)
            bury(shop, session, driver, given_up, DeadReason.LANE_HELD, failure)
        lanes.restart_hold(driver, row.lane, now)


def _write(driver: Driver, shop: Workshop, tried: Attempted, outcome: str, failure: Failure, now: datetime) -> None:
    ended = Ended(tried.row.id, tried.number, shop.worker, tried.started_at, now, outcome, failure.document())
    ledger.write_attempt(driver, ended)
    log.warning("job.failed", **_named(tried, failure), outcome=str(outcome))
    shop.count(tried.row, outcome, tried.started_at, now)


def _named(tried: Attempted, failure: Failure) -> dict[str, Any]:
    """What a line of the log says of a failure. Values a job carries stand below an error's first line."""
    row = tried.row
    return {
        "job": str(row.id),
        "task": row.task,
        "attempt": tried.number,
        "tenant": row.tenant,
        "trace": row.trace_id,
        "error": failure.type,
        "says": failure.message.partition("\n")[0][:300],
        "fingerprint": failure.fingerprint,
    }


def _tell(shop: Workshop, session: Session, row: JobRow, number: int, error: str, dead: str | None) -> None:
    handler: Any = shop.handler(row) if row.task in shop.registry else None
    if isinstance(handler, TellsFailure):
        job = shop.context(row, number)
        _attempt(shop, session, row, lambda: handler.failed(job, session, shop.payload(row), error, dead))


def _attempt(shop: Workshop, session: Session, row: JobRow, tell: Callable[[], None]) -> None:
    """Telling must not keep the failure from being written down: what it raises is logged."""
    try:
        with session.begin_nested():
            tell()
    except shop.catchable as error:
        if is_lost(error):
            raise
        log.error(
            "failure.untold", job=str(row.id), task=row.task, tenant=row.tenant, trace=row.trace_id, error=str(error)
        )
