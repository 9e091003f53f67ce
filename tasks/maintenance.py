"""Tasks of the installation itself: probe, retention, idempotency keys, rollups, reconciliation, alerts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.alerts.payloads import AlertsDigest
from kontor.alerts.service import check
from kontor.engine import retention
from kontor.engine.handlers import Cancelled, Done, Handler, JobContext, Outcome, Released
from kontor.engine.payloads import ConsoleRollup, ProbeEcho, UpkeepIdempotency, UpkeepRetention
from kontor.http import stored_responses
from kontor.kernel.database import lock_limit, psycopg_connection
from kontor.kernel.errors import Busy
from kontor.mails import queries as mails_queries
from kontor.monitoring import queries as monitoring_queries
from kontor.operators.notifications import notify_expiring
from kontor.operators.payloads import KeysExpiring
from kontor.programme.service import Programmes
from kontor.reconciliation.payloads import ReconciliationCompare
from kontor.reconciliation.service import reconcile
from kontor.webhooks import queries as webhooks_queries
from models.console import RollupSize
from tasks.deps import HandlerDeps, Sleep


class UpkeepRetentionHandler:
    """Deletes one chunk of finished jobs, bodies of mails and deliveries; drops a month, and makes those to come."""

    payload = UpkeepRetention

    def run(self, job: JobContext, session: Session, payload: UpkeepRetention) -> Outcome:
        """Delete a chunk of each kind; enqueue the next job when one was full, a month was dropped, or a lock taken."""
        before = job.now - timedelta(days=payload.days)
        result: dict[str, JsonValue] = dict(retention.delete_chunk(psycopg_connection(session), job.now, before))
        result["mail_bodies"] = mails_queries.forget_bodies(session, job.now - MAIL_BODIES, BODY_CHUNK)
        result["deliveries"] = webhooks_queries.delete_deliveries(session, job.now - DELIVERIES, BODY_CHUNK)
        again = any(result[kind] == most for kind, most in FULL.items())
        try:
            with lock_limit(session):
                months = retention.keep_months(psycopg_connection(session), job.now, before)
        except Busy:
            job.jobs.enqueue(session, payload, run_at=job.now + LOCKED_PAUSE)
            return Done({**result, "months": "locked"})
        if again or months != retention.Months():
            job.jobs.enqueue(session, payload)
        dropped = {"partitions_dropped": int(months.dropped is not None), "dropped": months.dropped}
        return Done({**result, "months_made": months.made, **dropped})


CHUNK = 10_000
MAIL_BODIES: Final = timedelta(days=90)
"""How long the mail log keeps messages as they were sent (production.md 3.1)."""
DELIVERIES: Final = timedelta(days=30)
"""How long deliveries to webhook endpoints are kept (production.md 3.1)."""
BODY_CHUNK: Final = 2_000
FULL: Final = {**dict.fromkeys(retention.KINDS, retention.CHUNK), "mail_bodies": BODY_CHUNK, "deliveries": BODY_CHUNK}
LOCKED_PAUSE: Final = timedelta(minutes=1)
"""Until a month is dropped or made again after a long reader held its table."""


class UpkeepIdempotencyHandler:
    """Deletes one chunk."""

    payload = UpkeepIdempotency

    def run(self, job: JobContext, session: Session, payload: UpkeepIdempotency) -> Done:
        """Delete a chunk; enqueue the next one when this one was full."""
        deleted = stored_responses.purge(session, job.now, CHUNK)
        if deleted == CHUNK:
            job.jobs.enqueue(session, payload)
        return Done({"deleted": deleted})


OVERLAP: Final = timedelta(minutes=2)
"""Jobs that ended this long before the last rollup are counted again, because commits may arrive late."""

CURRENT_INSTANT: Final = timedelta(seconds=1)
"""Includes jobs that ended at this very instant."""

MAX_AGE: Final = timedelta(days=7)
MAX_SPAN: Final = timedelta(hours=6)
KEEP_MINUTES: Final = timedelta(days=2)
KEEP_HOURS: Final = timedelta(days=92)


class ConsoleRollupHandler:
    """Counts at most six hours per job; idempotent."""

    payload = ConsoleRollup

    def run(self, job: JobContext, session: Session, payload: ConsoleRollup) -> Done:
        """Count, delete old statistics, enqueue the rest."""
        connection = psycopg_connection(session)
        start = _minute(max(payload.since or self._start(session, job.now), job.now - MAX_AGE))
        end = job.now + CURRENT_INSTANT
        stop = min(start + MAX_SPAN, end)
        due_by = {payload.policy.name: payload.policy.due_by.total_seconds() for payload in job.jobs.catalogue}
        monitoring_queries.roll(connection, start, stop, due_by)
        monitoring_queries.delete_older(connection, RollupSize.MINUTE, job.now - KEEP_MINUTES)
        monitoring_queries.delete_older(connection, RollupSize.HOUR, job.now - KEEP_HOURS)
        if stop < end:
            job.jobs.enqueue(session, ConsoleRollup(since=stop))
        return Done({"from": start.isoformat(), "to": stop.isoformat()})

    @staticmethod
    def _start(session: Session, now: datetime) -> datetime:
        last = monitoring_queries.last_minute(psycopg_connection(session))
        return now - MAX_AGE if last is None else last - OVERLAP


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)


class AlertsDigestHandler:
    """Runs one check."""

    payload: ClassVar[type[AlertsDigest]] = AlertsDigest

    def run(self, job: JobContext, session: Session, payload: AlertsDigest) -> Outcome:
        """Check and send the digest."""
        return Done(check(session, job.jobs, job.now))


class ReconciliationCompareHandler:
    """Runs one reconciliation."""

    payload: ClassVar[type[ReconciliationCompare]] = ReconciliationCompare

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ReconciliationCompare) -> Outcome:
        """Run the checks and record the gaps."""
        result = reconcile(session, self._programmes, job.now, everything=payload.everything)
        return Done(result.document())


class KeysExpiringHandler:
    """Mails each notice once."""

    payload: ClassVar[type[KeysExpiring]] = KeysExpiring

    def run(self, job: JobContext, session: Session, payload: KeysExpiring) -> Outcome:
        """Mail the owners of the keys that expire soon."""
        return Done({"mails": notify_expiring(session, job.jobs)})


NAP: Final = 0.1
FINISH_SECONDS: Final = 10.0
"""A stopping worker finishes a probe with less to go, and gives back one with more."""


class ProbeEchoHandler:
    """Sleeps in short steps, so that a cancellation is noticed."""

    payload = ProbeEcho

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep

    def claim(self, job: JobContext, session: Session, payload: ProbeEcho) -> ProbeEcho:
        """Return the payload; there is nothing to check."""
        return payload

    def act(self, job: JobContext, plan: ProbeEcho) -> dict[str, object]:
        """Sleep for the requested time, then return the args that were sent."""
        left = plan.seconds or 0.0
        while left > 0:
            if job.cancelled():
                raise Cancelled
            if job.stopping() and left > FINISH_SECONDS:
                raise Released
            nap = min(left, NAP)
            self._sleep(nap)
            left -= nap
        return plan.model_dump(mode="json", exclude_unset=True)

    def record(
        self,
        job: JobContext,
        session: Session,
        payload: ProbeEcho,
        plan: ProbeEcho,
        result: dict[str, object],
    ) -> Done:
        """Return the echo as the result."""
        return Done(result)


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of the installation."""
    return [
        ProbeEchoHandler(deps.sleep),
        UpkeepRetentionHandler(),
        UpkeepIdempotencyHandler(),
        ConsoleRollupHandler(),
        AlertsDigestHandler(),
        ReconciliationCompareHandler(deps.programmes),
        KeysExpiringHandler(),
    ]
