"""Queries of discount runs over all resellers of a programme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, or_, select, update
from sqlalchemy.orm import Session

from domain.discounts import RunState
from models.discounts import DiscountFinding, DiscountRange, DiscountRun


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Filter of runs; None: any."""

    programme: str | None = None
    state: RunState | None = None
    day: date | None = None


def get(session: Session, run_id: UUID, *, lock: bool = False) -> DiscountRun | None:
    """Return one run, optionally locked."""
    return session.get(DiscountRun, run_id, with_for_update=lock or None, populate_existing=True)


def page(session: Session, filters: RunFilter, before: UUID | None, limit: int) -> list[DiscountRun]:
    """Return runs, newest first."""
    query = select(DiscountRun).order_by(DiscountRun.id.desc()).limit(limit)
    if before is not None:
        query = query.where(DiscountRun.id < before)
    if filters.programme is not None:
        query = query.where(DiscountRun.programme == filters.programme)
    if filters.state is not None:
        query = query.where(DiscountRun.state == filters.state.value)
    if filters.day is not None:
        query = query.where(DiscountRun.day == filters.day)
    return list(session.scalars(query))


def supersede(session: Session, programme: str, reason: str, now: datetime) -> None:
    """Mark the runs of a programme that have not recorded anything yet as superseded."""
    undecided = DiscountRun.state.in_([RunState.COMPUTING.value, RunState.HELD.value])
    values = {"state": RunState.SUPERSEDED.value, "reason": reason, "finished_at": now}
    ended = update(DiscountRun).where(DiscountRun.programme == programme, undecided).values(**values)
    for run_id in session.scalars(ended.returning(DiscountRun.id)).all():
        forget_the_rest(session, run_id)


def forget_the_rest(session: Session, run_id: UUID, ids: tuple[UUID, UUID] | None = None) -> None:
    """Delete findings without a tier change, which are no longer needed; `ids`: only of one range."""
    statement = delete(DiscountFinding).where(DiscountFinding.run_id == run_id, ~DiscountFinding.moved)
    if ids is not None:
        statement = statement.where(DiscountFinding.reseller_id.between(*ids))
    session.execute(statement)


def news(session: Session, part: DiscountRange, limit: int) -> list[DiscountFinding]:
    """Return the next resellers of an applied range to notify, in the order of their ids."""
    to_notify = or_(DiscountFinding.version.is_not(None), DiscountFinding.falls)
    query = select(DiscountFinding).where(
        DiscountFinding.run_id == part.run_id,
        DiscountFinding.reseller_id.between(part.first_id, part.last_id),
        to_notify,
    )
    if part.told_id is not None:
        query = query.where(DiscountFinding.reseller_id > part.told_id)
    return list(session.scalars(query.order_by(DiscountFinding.reseller_id).limit(limit)))


def range_of(session: Session, run_id: UUID, number: int) -> DiscountRange | None:
    """Return one range, locked, so that it is computed once and applied once."""
    return session.get(DiscountRange, (run_id, number), with_for_update=True, populate_existing=True)


def count_computed(session: Session, run_id: UUID, resellers: int, moved: int) -> DiscountRun | None:
    """Count a computed range of a run in state `computing`; None in any other state."""
    mine = (DiscountRun.id == run_id, DiscountRun.state == RunState.COMPUTING.value)
    values = {
        "computed": DiscountRun.computed + 1,
        "resellers": DiscountRun.resellers + resellers,
        "moved": DiscountRun.moved + moved,
    }
    return _update(session, mine, values)


def count_applied(session: Session, run_id: UUID) -> DiscountRun | None:
    """Count an applied range of a run in state `applying`; None in any other state."""
    mine = (DiscountRun.id == run_id, DiscountRun.state == RunState.APPLYING.value)
    return _update(session, mine, {"applied": DiscountRun.applied + 1})


def _update(session: Session, conditions: tuple[Any, ...], values: dict[str, Any]) -> DiscountRun | None:
    statement = update(DiscountRun).where(*conditions).values(**values).returning(DiscountRun)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def totals(session: Session, run_ids: Sequence[UUID]) -> Sequence[Row[UUID, str | None, str | None, int]]:
    """Return (run, before, after, resellers): the number of tier changes by old and new tier."""
    moves = (DiscountFinding.run_id, DiscountFinding.before, DiscountFinding.after)
    query = select(*moves, func.count()).where(DiscountFinding.run_id.in_(run_ids), DiscountFinding.moved)
    return session.execute(query.group_by(*moves).order_by(*moves)).all()


def moves(session: Session, run_id: UUID, after: UUID | None, limit: int) -> list[DiscountFinding]:
    """Return the resellers whose tier changes, in the order of their ids."""
    query = select(DiscountFinding).where(DiscountFinding.run_id == run_id, DiscountFinding.moved)
    if after is not None:
        query = query.where(DiscountFinding.reseller_id > after)
    return list(session.scalars(query.order_by(DiscountFinding.reseller_id).limit(limit)))
