"""How operators' actions are done: resellers merged, and a round through what waits for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.discounts import RunState
from domain.jobs import DeadReason, JobState
from engine.control import Actor, Control
from models.discounts import DiscountRun
from models.jobs import Job
from services.discounts import overseeing
from services.discounts.book import DiscountBook
from services.merging import merges
from workers.simulation.hands import Deed, Hands, Values

OPERATOR: Final = "operator:simulation"


def merge(hands: Hands, session: Session, told: Values) -> None:
    """Look first, as people do; then have it done."""
    book, source, target = books_of(hands), hands.id(told["source"]), hands.id(told["target"])
    merges.refuse_conflicts(merges.look(book, session, source, target))
    merges.enqueue(book, session, source, target)


def make_round(hands: Hands, session: Session, told: Values) -> Mapping[str, int]:
    """Approve held runs, retry what is dead because an instance was away too long."""
    held = session.scalars(select(DiscountRun.id).where(DiscountRun.state == RunState.HELD)).all()
    for run_id in held:
        overseeing.approve(books_of(hands), session, run_id, OPERATOR, "a quiet month begins")
    mine = (Job.state == JobState.DEAD, Job.reason == DeadReason.LANE_HELD)
    dead = session.scalars(select(Job.id).where(*mine).order_by(Job.id)).all()
    control = Control(hands.stage.jobs)
    for job_id in dead:
        control.retry(session, job_id, Actor(OPERATOR, reason="the instance is back"))
    return {"approved": len(held), "retried": len(dead)}


def books_of(hands: Hands) -> DiscountBook:
    """What the use cases of discounts and merges work with."""
    return DiscountBook(hands.stage.jobs, hands.stage.programmes)


DEEDS: Final[Mapping[str, Deed]] = {"merge": merge, "round": make_round}
