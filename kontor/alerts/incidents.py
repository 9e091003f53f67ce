"""Open incidents, found by querying, and which of them were reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from kontor.accounts.instances import customers_of_lanes
from kontor.alerts.rules import Incident
from kontor.engine.admin import job_details, overview, queues
from kontor.engine.catalogue import Catalogue
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.ids import new_id
from kontor.kernel.states import AlertKind, RunState
from kontor.mails.payloads import SEND
from models.accounts import Account
from models.control import BreakerState, Lane
from models.discounts import DiscountRun
from models.mails import Mail, MailState
from models.people import Alert

HELD_FOR: Final = timedelta(minutes=5)
"""Shorter outages usually resolve themselves and are not reported."""


def current(session: Session, catalogue: Catalogue, now: datetime) -> list[Incident]:
    """Return every open incident, each once."""
    return [
        *_dead_jobs(session),
        *_overdue_tasks(session, catalogue, now),
        *_open_lanes(session, now),
        *_held_mails(session),
        *_held_discount_runs(session),
        *gaps(psycopg_connection(session)),
    ]


def _dead_jobs(session: Session) -> Iterator[Incident]:
    """One incident per error. Growth in dead mail jobs is not news, or digests would cause digests."""
    for group in job_details.dead_groups(psycopg_connection(session)):
        tasks = ", ".join(group.tasks)
        yield Incident(
            AlertKind.DEAD_JOBS,
            group.fingerprint or tasks,
            group.count,
            f"{tasks}: {group.says or 'no error recorded'}",
            group.last,
            grows=group.tasks != [SEND],
        )


def _overdue_tasks(session: Session, catalogue: Catalogue, now: datetime) -> Iterator[Incident]:
    connection = psycopg_connection(session)
    due_by = {payload.policy.name: payload.policy.due_by.total_seconds() for payload in catalogue}
    paused = queues.paused(connection)
    for task, (count, since) in overview.overdue_by_task(connection, due_by, now).items():
        queue = catalogue[task].policy.queue
        note = f"; the queue {queue} is paused" if queue in paused else ""
        yield Incident(AlertKind.LATE_WORK, task, count, f"{task}: due since {since:%Y-%m-%d %H:%M} UTC{note}")


def _open_lanes(session: Session, now: datetime) -> Iterator[Incident]:
    """A lane that opened again, because its jobs died waiting, is news."""
    lanes = held_lanes(session, now - HELD_FOR)
    customers = customers_of_lanes(session, [lane.name for lane in lanes])
    for lane in lanes:
        detail = f"{customers[lane.name]}: {lane.last_error or 'no answer'}"
        yield Incident(AlertKind.HELD_LANES, lane.name, 1, detail, lane.held_since, grows=True)


def _held_mails(session: Session) -> Iterator[Incident]:
    for name, count in held_mails(session):
        yield Incident(AlertKind.HELD_MAILS, name, count, f"{name}: the limit of mails to strangers is reached")


def _held_discount_runs(session: Session) -> Iterator[Incident]:
    """The mail itself was sent when the run was held; this keeps the incident open until an operator decides."""
    for run in held_runs(session):
        detail = f"{run.programme} {run.day}: {run.moved} of {run.resellers} resellers would change tier"
        yield Incident(AlertKind.GUARD_RAIL, f"{run.programme} {run.day}", run.moved, detail, run.started_at)


TURN: Final = text("SELECT pg_advisory_xact_lock(hashtext('kontor alerts'))")
MAX_LANES: Final = 1_000
GAPS: Final = """
SELECT kind, count(*), max(since), (array_agg(detail ORDER BY since DESC))[1]
FROM reconciliation_gaps WHERE mended_at IS NULL GROUP BY kind
"""


def lock(session: Session) -> None:
    """Lock alerting against other checks and alerts until the transaction ends."""
    session.execute(TURN)


def open_alerts(session: Session) -> dict[tuple[str, str], Alert]:
    """Return the open alerts by kind and incident name."""
    alerts = session.scalars(select(Alert).where(Alert.cleared_at.is_(None)))
    return {(alert.kind, alert.matter): alert for alert in alerts}


def add(session: Session, incident: Incident, now: datetime) -> Alert:
    """Insert an alert for a new incident."""
    alert = Alert(
        id=new_id(),
        kind=incident.kind.value,
        matter=incident.name,
        detail=incident.detail,
        count=incident.count,
        first_at=now,
        last_at=now,
    )
    session.add(alert)
    return alert


def unreported_cleared(session: Session) -> list[Alert]:
    """Return reported alerts that are resolved but not yet reported as resolved."""
    conditions = (Alert.cleared_at.is_not(None), Alert.told_at.is_not(None), Alert.over_in.is_(None))
    return list(session.scalars(select(Alert).where(*conditions).order_by(Alert.cleared_at, Alert.id)))


def was_mailed(session: Session, fact_key: str) -> bool:
    """Whether a mail with that key reported anything."""
    query = select(Alert.id).where(or_(Alert.told_in == fact_key, Alert.over_in == fact_key))
    return session.scalars(query.limit(1)).first() is not None


def open_state(session: Session, fact_key: str) -> tuple[bool, bool]:
    """Return whether an alert reported under that key is open, and whether any reported alert is open."""
    query = select(Alert.id).where(Alert.cleared_at.is_(None), Alert.told_at.is_not(None))
    own = query.where(Alert.told_in == fact_key)
    return session.scalars(own.limit(1)).first() is not None, session.scalars(query.limit(1)).first() is not None


def mark_reported_cleared(session: Session, ids: Iterable[UUID], fact_key: str) -> None:
    """Record the mail that reported the alerts as resolved."""
    session.execute(update(Alert).where(Alert.id.in_(list(ids))).values(over_in=fact_key))


def held_lanes(session: Session, before: datetime) -> list[Lane]:
    """Return lanes that have not delivered since before then, longest first, including lanes on hold."""
    conditions = (Lane.state != BreakerState.CLOSED, Lane.held_since <= before)
    return list(session.scalars(select(Lane).where(*conditions).order_by(Lane.held_since, Lane.name).limit(MAX_LANES)))


def held_mails(session: Session) -> list[tuple[str, int]]:
    """Return (reseller, count) of the mails that wait for a reseller's allowance."""
    query = select(Account.name, func.count()).join(Mail, Mail.reseller_id == Account.id)
    held = query.where(Mail.state == MailState.HELD_LIMIT).group_by(Account.name).order_by(Account.name)
    return [(name, count) for name, count in session.execute(held)]


def held_runs(session: Session) -> list[DiscountRun]:
    """Return discount runs waiting for an operator."""
    return list(session.scalars(select(DiscountRun).where(DiscountRun.state == RunState.HELD.value)))


def gaps(driver: PgConnection) -> list[Incident]:
    """Return one incident per kind of open reconciliation gap, with the newest gap's detail."""
    return [
        Incident(AlertKind.RECONCILIATION, kind, count, f"{kind}: {detail}", newest, grows=True)
        for kind, count, newest, detail in driver.execute(GAPS).fetchall()
    ]
