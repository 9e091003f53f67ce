"""SQL of the gaps that were found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from models.reconciliation import GapKind, ReconciliationGap

# What is open stays open, what is accepted is not named again, what is new gets a row.
WRITE: Final = text(
    "INSERT INTO reconciliation_gaps AS g (id, kind, subject, detail, mend, since, seen_at)"
    " SELECT f.id, :kind, f.subject, f.detail, CAST(f.mend AS jsonb), :now, :now"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:subjects AS text[]), CAST(:details AS text[]), CAST(:mends AS text[]))"
    "  AS f (id, subject, detail, mend)"
    " WHERE NOT EXISTS (SELECT FROM reconciliation_gaps a WHERE a.kind = :kind AND a.subject = f.subject"
    "  AND a.accepted_by IS NOT NULL)"
    " ON CONFLICT (kind, subject) WHERE mended_at IS NULL DO UPDATE SET seen_at = excluded.seen_at,"
    "  detail = excluded.detail, mend = excluded.mend"
    " RETURNING g.id, g.subject"
)


@dataclass(frozen=True, slots=True)
class NewGap:
    """A gap as it was found."""

    id: UUID
    subject: str
    detail: str
    mend: Mapping[str, Any]


def write(session: Session, kind: GapKind, found: Sequence[NewGap], now: datetime) -> list[NewGap]:
    """Write down what was found; returns what nobody knew of yet."""
    columns = {
        "ids": [one.id for one in found],
        "subjects": [one.subject for one in found],
        "details": [one.detail for one in found],
        "mends": [json.dumps(dict(one.mend)) for one in found],
    }
    rows = session.execute(WRITE, {**columns, "kind": kind.value, "now": now})
    kept = {row[0] for row in rows}
    return [one for one in found if one.id in kept]


def close(session: Session, kind: GapKind, still: Sequence[str], now: datetime) -> int:
    """Close what is open of a kind but these subjects; returns how many."""
    gone = (
        ReconciliationGap.kind == kind.value,
        ReconciliationGap.mended_at.is_(None),
        ReconciliationGap.subject.not_in(still),
    )
    statement = update(ReconciliationGap).where(*gone).values(mended_at=now).returning(ReconciliationGap.id)
    return len(session.scalars(statement).all())


def forget(session: Session, before: datetime) -> None:
    """Forget what was mended long ago; what was accepted stays, so that it is not named again."""
    old = (ReconciliationGap.mended_at < before, ReconciliationGap.accepted_by.is_(None))
    session.execute(delete(ReconciliationGap).where(*old))


def by_id(session: Session, gap_id: UUID, *, lock: bool = False) -> ReconciliationGap | None:
    """One gap."""
    return session.get(ReconciliationGap, gap_id, with_for_update=lock or None, populate_existing=lock)


def open_of(session: Session, kind: GapKind) -> list[ReconciliationGap]:
    """The open gaps of a kind."""
    query = select(ReconciliationGap).where(ReconciliationGap.kind == kind.value, ReconciliationGap.mended_at.is_(None))
    return list(session.scalars(query))


def page(
    session: Session, *, kind: GapKind | None, opened: bool | None, before: UUID | None, limit: int
) -> list[ReconciliationGap]:
    """Gaps, newest first; `opened` None: open and closed."""
    query = select(ReconciliationGap).order_by(ReconciliationGap.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(ReconciliationGap.kind == kind.value)
    if opened is not None:
        mended = ReconciliationGap.mended_at
        query = query.where(mended.is_(None) if opened else mended.is_not(None))
    if before is not None:
        query = query.where(ReconciliationGap.id < before)
    return list(session.scalars(query))


def counts(session: Session) -> dict[GapKind, int]:
    """How many are open, of each kind."""
    query = select(ReconciliationGap.kind, func.count()).where(ReconciliationGap.mended_at.is_(None))
    found = {row[0]: row[1] for row in session.execute(query.group_by(ReconciliationGap.kind))}
    return {kind: found.get(kind.value, 0) for kind in GapKind}


def exists(driver: Connection[Any], gap_id: UUID) -> bool:
    """Whether there is such a gap."""
    return driver.execute("SELECT 1 FROM reconciliation_gaps WHERE id = %s", (gap_id,)).fetchone() is not None
