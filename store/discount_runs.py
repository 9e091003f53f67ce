"""SQL of runs over all resellers of a programme."""

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
    """Which runs; None: any."""

    programme: str | None = None
    state: RunState | None = None
    day: date | None = None


def get(session: Session, run_id: UUID, *, lock: bool = False) -> DiscountRun | None:
    """One run; locked when it is about to change."""
    return session.get(DiscountRun, run_id, with_for_update=lock or None, populate_existing=True)


def page(session: Session, wanted: RunFilter, before: UUID | None, limit: int) -> list[DiscountRun]:
    """Runs, newest first."""
    query = select(DiscountRun).order_by(DiscountRun.id.desc()).limit(limit)
    if before is not None:
        query = query.where(DiscountRun.id < before)
    if wanted.programme is not None:
        query = query.where(DiscountRun.programme == wanted.programme)
    if wanted.state is not None:
        query = query.where(DiscountRun.state == wanted.state.value)
    if wanted.day is not None:
        query = query.where(DiscountRun.day == wanted.day)
    return list(session.scalars(query))


def supersede(session: Session, programme: str, reason: str, now: datetime) -> None:
    """End the runs of a programme that have recorded nothing yet."""
    waiting = DiscountRun.state.in_([RunState.COMPUTING.value, RunState.HELD.value])
    values = {"state": RunState.SUPERSEDED.value, "reason": reason, "finished_at": now}
    ended = update(DiscountRun).where(DiscountRun.programme == programme, waiting).values(**values)
    for run_id in session.scalars(ended.returning(DiscountRun.id)).all():
        forget_the_rest(session, run_id)


def forget_the_rest(session: Session, run_id: UUID, ids: tuple[UUID, UUID] | None = None) -> None:
    """Forget findings that are of no more use: all but who moved. `ids`: of one range."""
    statement = delete(DiscountFinding).where(DiscountFinding.run_id == run_id, ~DiscountFinding.moved)
    if ids is not None:
        statement = statement.where(DiscountFinding.reseller_id.between(*ids))
    session.execute(statement)


def news(session: Session, part: DiscountRange, limit: int) -> list[DiscountFinding]:
    """The next whom an applied range has something to tell, in the order of their ids."""
    heard = or_(DiscountFinding.version.is_not(None), DiscountFinding.falls)
    query = select(DiscountFinding).where(
        DiscountFinding.run_id == part.run_id,
        DiscountFinding.reseller_id.between(part.first_id, part.last_id),
        heard,
    )
    if part.told_id is not None:
        query = query.where(DiscountFinding.reseller_id > part.told_id)
    return list(session.scalars(query.order_by(DiscountFinding.reseller_id).limit(limit)))


def range_of(session: Session, run_id: UUID, number: int) -> DiscountRange | None:
    """One range, locked: it is computed once and applied once."""
    return session.get(DiscountRange, (run_id, number), with_for_update=True, populate_existing=True)


def count_computed(session: Session, run_id: UUID, resellers: int, moved: int) -> DiscountRun | None:
    """Count a range of a run that still computes; None for any other."""
    mine = (DiscountRun.id == run_id, DiscountRun.state == RunState.COMPUTING.value)
    values = {
        "computed": DiscountRun.computed + 1,
        "resellers": DiscountRun.resellers + resellers,
        "moved": DiscountRun.moved + moved,
    }
    return _changed(session, mine, values)


def count_applied(session: Session, run_id: UUID) -> DiscountRun | None:
    """Count a range of a run that is being applied; None for any other."""
    mine = (DiscountRun.id == run_id, DiscountRun.state == RunState.APPLYING.value)
    return _changed(session, mine, {"applied": DiscountRun.applied + 1})


def _changed(session: Session, which: tuple[Any, ...], values: dict[str, Any]) -> DiscountRun | None:
    statement = update(DiscountRun).where(*which).values(**values).returning(DiscountRun)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def totals(session: Session, run_ids: Sequence[UUID]) -> Sequence[Row[UUID, str | None, str | None, int]]:
    """(run, before, after, resellers): how many moved from which tier to which."""
    moves = (DiscountFinding.run_id, DiscountFinding.before, DiscountFinding.after)
    query = select(*moves, func.count()).where(DiscountFinding.run_id.in_(run_ids), DiscountFinding.moved)
    return session.execute(query.group_by(*moves).order_by(*moves)).all()


def moves(session: Session, run_id: UUID, after: UUID | None, limit: int) -> list[DiscountFinding]:
    """Who moved, or would, in the order of their ids."""
    query = select(DiscountFinding).where(DiscountFinding.run_id == run_id, DiscountFinding.moved)
    if after is not None:
        query = query.where(DiscountFinding.reseller_id > after)
    return list(session.scalars(query.order_by(DiscountFinding.reseller_id).limit(limit)))
