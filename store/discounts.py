"""SQL of what was recorded of discounts."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain.discounts import RunState
from models.discounts import CurrentDiscount, DiscountRecord, DiscountRun


def current(session: Session, reseller_id: UUID, *, lock: bool = False) -> CurrentDiscount | None:
    """What was recorded last of a reseller; with a lock nobody else records until the end."""
    query = select(CurrentDiscount).where(CurrentDiscount.reseller_id == reseller_id)
    if lock:
        query = query.with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def recorded(session: Session, reseller_id: UUID, programme: str, day: date) -> DiscountRecord | None:
    """What stood recorded at the end of a local day; None when nothing was recorded on it.

    A row is written when something differs: a later day without one has its values, if a run was
    done for the programme on that day.
    """
    mine = (DiscountRecord.reseller_id == reseller_id, DiscountRecord.day <= day)
    row = session.scalars(select(DiscountRecord).where(*mine).order_by(DiscountRecord.day.desc()).limit(1)).first()
    if row is None or row.day == day or ran(session, programme, day):
        return row
    return None


def ran(session: Session, programme: str, day: date) -> bool:
    """Whether a run over all resellers was done for a local day."""
    done = exists().where(
        DiscountRun.programme == programme, DiscountRun.day == day, DiscountRun.state == RunState.DONE
    )
    return bool(session.scalar(select(done)))
