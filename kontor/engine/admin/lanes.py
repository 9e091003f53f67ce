"""Lanes for operators: list, probe at once, hold, release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.engine.dead_jobs import dead_jobs
from kontor.engine.enqueue import Jobs, ring_after_commit
from kontor.kernel.database import lock_limit, psycopg_connection
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.paging import Page, page_of
from models.accounts import Account, Instance
from models.control import BreakerState, Lane
from models.jobs import Job

UNKNOWN: Final = "No such lane."
DEAD: Final = f"SELECT lane, count(*) FROM {dead_jobs('lane')} WHERE lane = ANY(%s) GROUP BY lane"  # noqa: S608 -- constants


def probe(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """Let an open lane send its next job now. Raises NotFound, Conflict(`not_open`)."""
    lane = _locked(session, name)
    if lane.state != BreakerState.OPEN:
        raise Conflict("not_open", f"Only an open lane can be probed; this one is {lane.state}.", state=lane.state)
    switch(session, name, BreakerState.OPEN, since=lane.held_since, probe=jobs.clock.now())
    audit.record(session, actor, "lane.probe", f"lane:{name}", at=jobs.clock.now())
    ring_after_commit(session, jobs.doorbell)


def hold(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """Send nothing until released; running jobs continue. Raises NotFound, Conflict(`already_held`)."""
    lane = _locked(session, name)
    if lane.state == BreakerState.FORCED:
        raise Conflict("already_held", "The lane is already on hold.", state=lane.state)
    switch(session, name, BreakerState.FORCED, since=lane.held_since, probe=None)
    audit.record(session, actor, "lane.hold", f"lane:{name}", at=jobs.clock.now())
    ring_after_commit(session, jobs.doorbell)


def release(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """End a hold; the next job is sent now, as a probe. Raises NotFound, Conflict(`not_held`)."""
    lane = _locked(session, name)
    if lane.state != BreakerState.FORCED:
        raise Conflict("not_held", "The lane is not on hold.", state=lane.state)
    now = jobs.clock.now()
    switch(session, name, BreakerState.OPEN, since=lane.held_since or now, probe=now)
    audit.record(session, actor, "lane.release", f"lane:{name}", at=jobs.clock.now())
    ring_after_commit(session, jobs.doorbell)


def _locked(session: Session, name: str) -> Lane:
    with lock_limit(session):
        lane = lock_lane(session, name)
    if lane is None:
        raise NotFound("unknown_lane", UNKNOWN)
    return lane


SHOWN: Final = 500


def not_closed(session: Session) -> int:
    """Count the lanes that are open or held."""
    count = select(func.count()).select_from(Lane).where(Lane.state != BreakerState.CLOSED)
    return session.scalar(count) or 0


def list_lanes(session: Session) -> list[Lane]:
    """Return lanes, those not closed first, at most 500."""
    trouble = case((Lane.state == BreakerState.CLOSED, 1), else_=0)
    return list(session.scalars(select(Lane).order_by(trouble, Lane.name).limit(SHOWN)))


def unfinished_by_lane(session: Session, names: list[str]) -> dict[str, int]:
    """Count the unfinished jobs of each lane."""
    conditions = (Job.lane.in_(names), Job.state != "dead")
    query = select(Job.lane, func.count()).where(*conditions).group_by(Job.lane)
    return {str(name): count for name, count in session.execute(query)}


def owners(session: Session, account_ids: list[UUID]) -> dict[UUID, tuple[str, str]]:
    """Return (name, instance URL) of the accounts that have an instance."""
    query = select(Account.id, Account.name, Instance.url).join(Instance, Instance.account_id == Account.id)
    return {row[0]: (row[1], row[2]) for row in session.execute(query.where(Account.id.in_(account_ids)))}


@dataclass(frozen=True, slots=True)
class LaneCounts:
    """The jobs of a lane that wait or run, and those that are dead."""

    waiting: int = 0
    dead: int = 0


def page(session: Session, state: BreakerState | None, cursor: str | None, limit: int) -> Page[Lane]:
    """Return lanes by name."""
    query = select(Lane) if state is None else select(Lane).where(Lane.state == state)
    return page_of(session, query, Lane.name, cursor, limit, ascending=True, parse=str)


def counts_by_lane(session: Session, names: Sequence[str]) -> dict[str, LaneCounts]:
    """Count the unfinished and the dead jobs of lanes."""
    waiting = unfinished_by_lane(session, list(names))
    dead = dict(psycopg_connection(session).execute(DEAD, (list(names),)).fetchall())
    return {name: LaneCounts(waiting.get(name, 0), dead.get(name, 0)) for name in waiting.keys() | dead.keys()}


def lock_lane(session: Session, name: str) -> Lane | None:
    """Lock and return a lane."""
    return session.get(Lane, name, with_for_update=True, populate_existing=True)


def switch(session: Session, name: str, state: BreakerState, *, since: datetime | None, probe: datetime | None) -> None:
    """Set a lane's breaker."""
    values = {"state": state.value, "held_since": since, "probe_at": probe}
    session.execute(update(Lane).where(Lane.name == name).values(**values))
