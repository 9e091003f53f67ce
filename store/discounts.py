"""Queries of recorded discounts."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain.discounts import RunState
from models.discounts import CurrentDiscount, DiscountRecord, DiscountRun


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
    if row is None or row.day == day or ran(session, programme, day):
        return row
    return None


def ran(session: Session, programme: str, day: date) -> bool:
    """Whether a run over all resellers was completed for a local day."""
    done = exists().where(
        DiscountRun.programme == programme, DiscountRun.day == day, DiscountRun.state == RunState.DONE
    )
    return bool(session.scalar(select(done)))
