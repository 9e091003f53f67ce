"""Query for the day from which an account's paid plan counts its periods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.fees import FeeKind, FeeRun


def anchors(session: Session, account_ids: Sequence[UUID], today: date) -> dict[UUID, date]:
    """Return the anchor day, by account, of each paid plan that runs on a local day."""
    runs_on = or_(FeeRun.until.is_(None), FeeRun.until > today, FeeRun.then_plan.is_not(None))
    query = select(FeeRun.account_id, FeeRun.anchor).where(
        FeeRun.account_id.in_(account_ids), FeeRun.kind == FeeKind.PLAN, ~FeeRun.ended, runs_on
    )
    return {row[0]: row[1] for row in session.execute(query)}
