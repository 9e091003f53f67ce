"""One look at everything: gaps written down, closed when they are mended, and told by the next digest."""

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
    """What a look found: how many gaps are new, were closed, and are open, by kind."""

    fresh: int
    closed: int
    open: Mapping[GapKind, int]

    def document(self) -> dict[str, Any]:
        """The JSON shape; kinds without a gap are left out."""
        open_ = {kind.value: count for kind, count in self.open.items() if count}
        return {"new": self.fresh, "closed": self.closed, "open": open_}


def reconcile(session: Session, programmes: Programmes, now: datetime, *, everything: bool = False) -> Look:
    """Compare and write down; the next digest of alerts tells operators what is new."""
    fresh = closed = 0
    for compared in compare(session, programmes, now, everything=everything):
        new, gone = _write(session, compared, now)
        fresh, closed = fresh + new, closed + gone
    rows.forget(session, now - KEPT)
    return Look(fresh, closed, rows.counts(session))


def _write(session: Session, compared: Compared, now: datetime) -> tuple[int, int]:
    new = rows.write(session, compared.kind, compared.found, now)
    still = [one.subject for one in compared.found]
    closed = rows.close(session, compared.kind, still, now) if compared.all_of_it else 0
    return len(new), closed


def page(
    session: Session,
    *,
    kind: GapKind | None = None,
    opened: bool | None = True,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[ReconciliationGap]:
    """Gaps, newest first. Raises Invalid on a strange cursor."""
    found = rows.page(session, kind=kind, opened=opened, before=cursor_id(cursor), limit=limit + 1)
    return cut(found, limit, lambda gap: str(gap.id))


def document(gap: ReconciliationGap) -> dict[str, Any]:
    """The JSON shape of a gap."""
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
    """How many gaps are open, of each kind."""
    return rows.counts(session)


def get(session: Session, gap_id: UUID) -> ReconciliationGap | None:
    """One gap."""
    return rows.by_id(session, gap_id)
