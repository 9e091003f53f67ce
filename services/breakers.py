"""What operators do to a lane's breaker: probe at once, hold, release."""

from typing import Final

from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from engine.control import Actor
from engine.enqueue import Jobs, ring_after_commit
from models.control import BreakerState, Lane
from store import audit
from store import lanes as rows

UNKNOWN: Final = "There is no such lane."


def probe(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """Let the next job of an open lane go at once. Raises NotFound, Conflict(`not_open`)."""
    lane = _locked(session, name)
    if lane.state != BreakerState.OPEN:
        raise Conflict("not_open", f"A lane that is {lane.state} is not probed.", state=lane.state)
    rows.switch(session, name, BreakerState.OPEN, since=lane.held_since, probe=jobs.clock.now())
    _note(session, jobs, "lane.probe", name, actor)


def hold(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """Send nothing until released; what is under way goes on. Raises NotFound, Conflict(`already_held`)."""
    lane = _locked(session, name)
    if lane.state == BreakerState.FORCED:
        raise Conflict("already_held", "The lane is held already.", state=lane.state)
    rows.switch(session, name, BreakerState.FORCED, since=lane.held_since, probe=None)
    _note(session, jobs, "lane.hold", name, actor)


def release(session: Session, jobs: Jobs, name: str, actor: Actor) -> None:
    """End a hold: the next job is a probe, and goes at once. Raises NotFound, Conflict(`not_held`)."""
    lane = _locked(session, name)
    if lane.state != BreakerState.FORCED:
        raise Conflict("not_held", "Nobody holds the lane.", state=lane.state)
    now = jobs.clock.now()
    rows.switch(session, name, BreakerState.OPEN, since=lane.held_since or now, probe=now)
    _note(session, jobs, "lane.release", name, actor)


def _locked(session: Session, name: str) -> Lane:
    lane = rows.locked(session, name)
    if lane is None:
        raise NotFound("unknown_lane", UNKNOWN)
    return lane


def _note(session: Session, jobs: Jobs, action: str, name: str, actor: Actor) -> None:
    audit.add(
        session, at=jobs.clock.now(), actor=actor.name, action=action, target=f"lane:{name}",
        reason=actor.reason, origin=actor.origin,
    )  # fmt: skip
    ring_after_commit(session, jobs.doorbell)
