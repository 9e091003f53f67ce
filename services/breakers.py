"""Operator actions on a lane's circuit breaker: probe now, hold, release."""

from typing import Final

from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from engine.control import Actor
from engine.enqueue import Jobs, ring_after_commit
from models.control import BreakerState, Lane
from store import audit
from store import lanes as rows

UNKNOWN: Final = "No such lane."


def probe(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """Let an open lane send its next job now. Raises NotFound, Conflict(`not_open`)."""
    lane = _locked(session, name)
    if lane.state != BreakerState.OPEN:
        raise Conflict("not_open", f"Only an open lane can be probed; this one is {lane.state}.", state=lane.state)
    rows.switch(session, name, BreakerState.OPEN, since=lane.held_since, probe=jobs.clock.now())
    _note(session, jobs, "lane.probe", name, actor)


def hold(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """Send nothing until released; running jobs continue. Raises NotFound, Conflict(`already_held`)."""
    lane = _locked(session, name)
    if lane.state == BreakerState.FORCED:
        raise Conflict("already_held", "The lane is already on hold.", state=lane.state)
    rows.switch(session, name, BreakerState.FORCED, since=lane.held_since, probe=None)
    _note(session, jobs, "lane.hold", name, actor)


def release(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """End a hold; the next job is sent now, as a probe. Raises NotFound, Conflict(`not_held`)."""
    lane = _locked(session, name)
    if lane.state != BreakerState.FORCED:
        raise Conflict("not_held", "The lane is not on hold.", state=lane.state)
    now = jobs.clock.now()
    rows.switch(session, name, BreakerState.OPEN, since=lane.held_since or now, probe=now)
    _note(session, jobs, "lane.release", name, actor)


def _locked(session: Session, name: str) -> Lane:
    lane = rows.locked(session, name)
    if lane is None:
        raise NotFound("unknown_lane", UNKNOWN)
    return lane


def _note(session: Session, jobs: Jobs, action: str, lane: str, actor: Actor) -> None:
    audit.add(
        session, at=jobs.clock.now(), actor=actor.name, action=action, target=f"lane:{lane}",
        reason=actor.reason, origin=actor.origin,
    )  # fmt: skip
    ring_after_commit(session, jobs.doorbell)
