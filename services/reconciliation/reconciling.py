"""Reconciliation run: records new gaps and closes repaired ones; the next alert digest reports them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.paging import Page, cursor_id, cut
from models.reconciliation import GapKind, ReconciliationGap
from services.programmes import Programmes
from services.reconciliation.comparing import Compared, compare
from services.reconciliation.mending import mendable
from services.reconciliation.words import REMEDIES
from store.reconciliation import gaps as rows

KEPT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Look:
    """Result of a reconciliation: number of new, closed and, by kind, open gaps."""

    fresh: int
    closed: int
    open: Mapping[GapKind, int]

    def document(self) -> dict[str, Any]:
        """Return the result as JSON; kinds without a gap are left out."""
        open_ = {kind.value: count for kind, count in self.open.items() if count}
        return {"new": self.fresh, "closed": self.closed, "open": open_}


def reconcile(session: Session, programmes: Programmes, now: datetime, *, everything: bool = False) -> Look:
    """Run all checks and record the gaps; the next alert digest reports new ones to operators."""
    opened = closed = 0
    for result in compare(session, programmes, now, everything=everything):
        opened_now, closed_now = _write(session, result, now)
        opened, closed = opened + opened_now, closed + closed_now
    rows.forget(session, now - KEPT)
    return Look(opened, closed, rows.counts(session))


def _write(session: Session, result: Compared, now: datetime) -> tuple[int, int]:
    opened = rows.write(session, result.kind, result.gaps, now)
    open_subjects = [gap.subject for gap in result.gaps]
    closed = rows.close(session, result.kind, open_subjects, now) if result.complete else 0
    return len(opened), closed


def page(
    session: Session,
    *,
    kind: GapKind | None = None,
    opened: bool | None = True,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[ReconciliationGap]:
    """Return gaps, newest first. Raises Invalid on an invalid cursor."""
    gaps = rows.page(session, kind=kind, opened=opened, before=cursor_id(cursor), limit=limit + 1)
    return cut(gaps, limit, lambda gap: str(gap.id))


def document(gap: ReconciliationGap) -> dict[str, Any]:
    """Return a gap as JSON."""
    kind = GapKind(gap.kind)
    return {
        "id": gap.id,
        "kind": kind,
        "subject": gap.subject,
        "detail": gap.detail,
        "remedy": REMEDIES[kind],
        "mendable": gap.mended_at is None and mendable(kind),
        "since": gap.since,
        "seen_at": gap.seen_at,
        "mended_at": gap.mended_at,
        "accepted_by": gap.accepted_by,
        "job_id": gap.job_id,
    }


def counts(session: Session) -> dict[GapKind, int]:
    """Return the number of open gaps of each kind."""
    return rows.counts(session)


def get(session: Session, gap_id: UUID) -> ReconciliationGap | None:
    """Return one gap; None when it does not exist."""
    return rows.by_id(session, gap_id)
