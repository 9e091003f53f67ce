"""Queries of recorded discounts and of runs over all resellers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from kontor.kernel.paging import Page, page_of
from kontor.kernel.states import RunState
from kontor.kernel.zones import parse_day
from models.discounts import CurrentDiscount, DiscountChange, DiscountRange, DiscountRecord, DiscountRun


def current(session: Session, reseller_id: UUID, *, lock: bool = False) -> CurrentDiscount | None:
    """Return a reseller's current record; `lock` prevents other writes until the transaction ends."""
    query = select(CurrentDiscount).where(CurrentDiscount.reseller_id == reseller_id)
    if lock:
        query = query.with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def recorded(session: Session, reseller_id: UUID, programme: str, day: date) -> DiscountRecord | None:
    """Return the record that was valid at the end of a local day; None when nothing was recorded for it.

    Rows are written only on change: a later day without a row has the same values if a run of the programme
    was done on that day.
    """
    conditions = (DiscountRecord.reseller_id == reseller_id, DiscountRecord.day <= day)
    row = session.scalars(
        select(DiscountRecord).where(*conditions).order_by(DiscountRecord.day.desc()).limit(1)
    ).first()
    if row is None or row.day == day or run_completed(session, programme, day):
        return row
    return None


def records(session: Session, reseller_id: UUID, cursor: str | None, limit: int) -> Page[DiscountRecord]:
    """Return what was recorded on the days on which it changed, newest first. Raises Invalid on an invalid cursor."""
    query = select(DiscountRecord).where(DiscountRecord.reseller_id == reseller_id)
    return page_of(session, query, DiscountRecord.day, cursor, limit, parse=parse_day)


def run_completed(session: Session, programme: str, day: date) -> bool:
    """Whether a run over all resellers was completed for a local day."""
    done = exists().where(
        DiscountRun.programme == programme, DiscountRun.day == day, DiscountRun.state == RunState.DONE
    )
    return bool(session.scalar(select(done)))


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Filter of runs; None: any."""

    programme: str | None = None
    state: RunState | None = None
    day: date | None = None


def get(session: Session, run_id: UUID, *, lock: bool = False) -> DiscountRun | None:
    """Return one run, optionally locked."""
    return session.get(DiscountRun, run_id, with_for_update=lock or None, populate_existing=True)


def page(session: Session, filters: RunFilter, cursor: str | None, limit: int) -> Page[DiscountRun]:
    """Return runs, newest first. Raises Invalid."""
    query = select(DiscountRun)
    if filters.programme is not None:
        query = query.where(DiscountRun.programme == filters.programme)
    if filters.state is not None:
        query = query.where(DiscountRun.state == filters.state.value)
    if filters.day is not None:
        query = query.where(DiscountRun.day == filters.day)
    return page_of(session, query, DiscountRun.id, cursor, limit)


def held(session: Session) -> int:
    """Return how many runs are held."""
    query = select(func.count()).select_from(DiscountRun).where(DiscountRun.state == RunState.HELD.value)
    return session.scalar(query) or 0


def supersede(session: Session, programme: str, reason: str, now: datetime) -> None:
    """Mark the runs of a programme that have not recorded anything yet as superseded."""
    undecided = DiscountRun.state.in_([RunState.COMPUTING.value, RunState.HELD.value])
    values = {"state": RunState.SUPERSEDED.value, "reason": reason, "finished_at": now}
    ended = update(DiscountRun).where(DiscountRun.programme == programme, undecided).values(**values)
    for run_id in session.scalars(ended.returning(DiscountRun.id)).all():
        delete_unmoved(session, run_id)


def delete_unmoved(session: Session, run_id: UUID, ids: tuple[UUID, UUID] | None = None) -> None:
    """Delete findings without a tier change, which are no longer needed; `ids`: only of one range."""
    statement = delete(DiscountChange).where(DiscountChange.run_id == run_id, ~DiscountChange.moved)
    if ids is not None:
        statement = statement.where(DiscountChange.reseller_id.between(*ids))
    session.execute(statement)


def next_to_notify(session: Session, part: DiscountRange, limit: int) -> list[DiscountChange]:
    """Return the next resellers of an applied range to notify, in the order of their ids."""
    to_notify = or_(DiscountChange.version.is_not(None), DiscountChange.falls)
    query = select(DiscountChange).where(
        DiscountChange.run_id == part.run_id,
        DiscountChange.reseller_id.between(part.first_id, part.last_id),
        to_notify,
    )
    if part.told_id is not None:
        query = query.where(DiscountChange.reseller_id > part.told_id)
    return list(session.scalars(query.order_by(DiscountChange.reseller_id).limit(limit)))


def lock_range(session: Session, run_id: UUID, number: int) -> DiscountRange | None:
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


def _update(
    session: Session, conditions: Sequence[ColumnElement[bool]], values: Mapping[str, object]
) -> DiscountRun | None:
    statement = update(DiscountRun).where(*conditions).values(**values).returning(DiscountRun)
    return session.scalars(statement, execution_options={"populate_existing": True}).one_or_none()


def totals(session: Session, run_ids: Sequence[UUID]) -> Sequence[Row[UUID, str | None, str | None, int]]:
    """Return (run, before, after, resellers): the number of tier changes by old and new tier."""
    moves = (DiscountChange.run_id, DiscountChange.before, DiscountChange.after)
    query = select(*moves, func.count()).where(DiscountChange.run_id.in_(run_ids), DiscountChange.moved)
    return session.execute(query.group_by(*moves).order_by(*moves)).all()


def moves(session: Session, run_id: UUID, cursor: str | None, limit: int) -> Page[DiscountChange]:
    """Return the resellers whose tier changes, in the order of their ids. Raises Invalid."""
    query = select(DiscountChange).where(DiscountChange.run_id == run_id, DiscountChange.moved)
    return page_of(session, query, DiscountChange.reseller_id, cursor, limit, ascending=True)
