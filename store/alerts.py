"""SQL of what operators are told of: what there is to tell, and what was told."""

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
LANES_MOST: Final = 1_000
GAPS: Final = """
SELECT kind, count(*), max(since), (array_agg(detail ORDER BY since DESC))[1]
FROM reconciliation_gaps WHERE mended_at IS NULL GROUP BY kind
"""


def take_turn(session: Session) -> None:
    """Let no other look or alert come between, until the transaction ends."""
    session.execute(TURN)


def open_alerts(session: Session) -> dict[tuple[str, str], Alert]:
    """What is not over, by kind and matter."""
    found = session.scalars(select(Alert).where(Alert.cleared_at.is_(None)))
    return {(alert.kind, alert.matter): alert for alert in found}


def add(session: Session, matter: Matter, now: datetime) -> Alert:
    """Write down a matter that nobody knew of."""
    alert = Alert(
        id=new_id(),
        kind=matter.kind.value,
        matter=matter.name,
        detail=matter.detail,
        count=matter.count,
        first_at=now,
        last_at=now,
    )
    session.add(alert)
    return alert


def over(session: Session) -> list[Alert]:
    """What operators were told of, and is over, which they were not told yet."""
    untold = (Alert.cleared_at.is_not(None), Alert.told_at.is_not(None), Alert.over_in.is_(None))
    return list(session.scalars(select(Alert).where(*untold).order_by(Alert.cleared_at, Alert.id)))


def spoken_in(session: Session, fact_key: str) -> bool:
    """Whether a mail with that key told of anything."""
    said = select(Alert.id).where(or_(Alert.told_in == fact_key, Alert.over_in == fact_key))
    return session.scalars(said.limit(1)).first() is not None


def still(session: Session, fact_key: str) -> tuple[bool, bool]:
    """Of a mail with that key: whether it told of anything that is not over, and whether anything told is open."""
    told = select(Alert.id).where(Alert.cleared_at.is_(None), Alert.told_at.is_not(None))
    mine = told.where(Alert.told_in == fact_key)
    return session.scalars(mine.limit(1)).first() is not None, session.scalars(told.limit(1)).first() is not None


def mark_over(session: Session, ids: Iterable[UUID], fact_key: str) -> None:
    """Note which mail told that they are over."""
    session.execute(update(Alert).where(Alert.id.in_(list(ids))).values(over_in=fact_key))


def held_lanes(session: Session, before: datetime) -> list[Lane]:
    """Lanes that have not delivered since before then, longest first; one that an operator holds was well."""
    held = (Lane.state != BreakerState.CLOSED, Lane.held_since <= before)
    return list(session.scalars(select(Lane).where(*held).order_by(Lane.held_since, Lane.name).limit(LANES_MOST)))


def held_runs(session: Session) -> list[DiscountRun]:
    """Discount runs that wait for an operator."""
    return list(session.scalars(select(DiscountRun).where(DiscountRun.state == RunState.HELD.value)))


def gaps(driver: Connection[Any]) -> list[Matter]:
    """Open gaps of reconciliation, a matter for each kind; the newest one's words."""
    return [
        Matter(AlertKind.RECONCILIATION, kind, count, f"{kind}: {detail}", newest, grows=True)
        for kind, count, newest, detail in driver.execute(GAPS).fetchall()
    ]
