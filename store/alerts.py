"""Queries of operator alerts: open incidents, and what was reported."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from sqlalchemy import or_, select, text, update
from sqlalchemy.orm import Session

from domain.alerts import AlertKind, Matter
from domain.discounts import RunState
from domain.ids import new_id
from models.alerts import Alert
from models.control import BreakerState, Lane
from models.discounts import DiscountRun

TURN: Final = text("SELECT pg_advisory_xact_lock(hashtext('kontor alerts'))")
MAX_LANES: Final = 1_000
GAPS: Final = """
SELECT kind, count(*), max(since), (array_agg(detail ORDER BY since DESC))[1]
FROM reconciliation_gaps WHERE mended_at IS NULL GROUP BY kind
"""


def take_turn(session: Session) -> None:
    """Lock alerting against other checks and alerts until the transaction ends."""
    session.execute(TURN)


def open_alerts(session: Session) -> dict[tuple[str, str], Alert]:
    """Return the open alerts by kind and incident name."""
    alerts = session.scalars(select(Alert).where(Alert.cleared_at.is_(None)))
    return {(alert.kind, alert.matter): alert for alert in alerts}


def add(session: Session, incident: Matter, now: datetime) -> Alert:
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


def over(session: Session) -> list[Alert]:
    """Return reported alerts that are resolved but not yet reported as resolved."""
    conditions = (Alert.cleared_at.is_not(None), Alert.told_at.is_not(None), Alert.over_in.is_(None))
    return list(session.scalars(select(Alert).where(*conditions).order_by(Alert.cleared_at, Alert.id)))


def spoken_in(session: Session, fact_key: str) -> bool:
    """Whether a mail with that key reported anything."""
    query = select(Alert.id).where(or_(Alert.told_in == fact_key, Alert.over_in == fact_key))
    return session.scalars(query.limit(1)).first() is not None


def still(session: Session, fact_key: str) -> tuple[bool, bool]:
    """Return whether an alert reported under that key is open, and whether any reported alert is open."""
    query = select(Alert.id).where(Alert.cleared_at.is_(None), Alert.told_at.is_not(None))
    own = query.where(Alert.told_in == fact_key)
    return session.scalars(own.limit(1)).first() is not None, session.scalars(query.limit(1)).first() is not None


def mark_over(session: Session, ids: Iterable[UUID], fact_key: str) -> None:
    """Record the mail that reported the alerts as resolved."""
    session.execute(update(Alert).where(Alert.id.in_(list(ids))).values(over_in=fact_key))


def held_lanes(session: Session, before: datetime) -> list[Lane]:
    """Return lanes that have not delivered since before then, longest first, including lanes on hold."""
    conditions = (Lane.state != BreakerState.CLOSED, Lane.held_since <= before)
    return list(session.scalars(select(Lane).where(*conditions).order_by(Lane.held_since, Lane.name).limit(MAX_LANES)))


def held_runs(session: Session) -> list[DiscountRun]:
    """Return discount runs waiting for an operator."""
    return list(session.scalars(select(DiscountRun).where(DiscountRun.state == RunState.HELD.value)))


def gaps(driver: Connection[Any]) -> list[Matter]:
    """Return one incident per kind of open reconciliation gap, with the newest gap's detail."""
    return [
        Matter(AlertKind.RECONCILIATION, kind, count, f"{kind}: {detail}", newest, grows=True)
        for kind, count, newest, detail in driver.execute(GAPS).fetchall()
    ]
