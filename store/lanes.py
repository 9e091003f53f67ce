"""Queries and switches of lanes for operators."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from models.accounts import Account
from models.control import BreakerState, Lane
from models.instances import Instance
from models.jobs import Job

SHOWN: Final = 500


def not_closed(session: Session) -> int:
    """Count the lanes that are open or held."""
    count = select(func.count()).select_from(Lane).where(Lane.state != BreakerState.CLOSED)
    return session.scalar(count) or 0


def listed(session: Session) -> list[Lane]:
    """Return lanes, those not closed first, at most 500."""
    trouble = case((Lane.state == BreakerState.CLOSED, 1), else_=0)
    return list(session.scalars(select(Lane).order_by(trouble, Lane.name).limit(SHOWN)))


def waiting(session: Session, names: list[str]) -> dict[str, int]:
    """Count the unfinished jobs of each lane."""
    conditions = (Job.lane.in_(names), Job.state != "dead")
    query = select(Job.lane, func.count()).where(*conditions).group_by(Job.lane)
    return {str(name): count for name, count in session.execute(query)}


def owners(session: Session, account_ids: list[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return (name, instance URL) of the accounts that have an instance."""
    query = select(Account.id, Account.name, Instance.url).join(Instance, Instance.account_id == Account.id)
    return {row[0]: (row[1], row[2]) for row in session.execute(query.where(Account.id.in_(account_ids)))}


def locked(session: Session, name: str) -> Lane | None:
    """Lock and return a lane."""
    return session.get(Lane, name, with_for_update=True, populate_existing=True)


def switch(session: Session, name: str, state: BreakerState, *, since: datetime | None, probe: datetime | None) -> None:
    """Set a lane's breaker."""
    values = {"state": state.value, "held_since": since, "probe_at": probe}
    session.execute(update(Lane).where(Lane.name == name).values(**values))
