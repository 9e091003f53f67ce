"""Queries of gaps and what they refer to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, JsonValue
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from kontor.kernel.paging import Page, page_of
from models.control import Schedule, ScheduleOccurrence
from models.reconciliation import GapKind, ReconciliationGap
from models.webhooks import DomainEvent

# Open gaps stay open, accepted gaps are not recorded again, new gaps get a row.
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


class RepairJob(BaseModel):
    """The job that repairs a gap; `retry` is a dead job to retry instead."""

    task: str
    args: dict[str, JsonValue]
    tenant: str = ""
    lane: str | None = None
    run_at: datetime | None = None
    retry: UUID | None = None


class MissedSlot(BaseModel):
    """A slot of a schedule that has no occurrence; `due` in ISO 8601."""

    schedule: str
    slot: str
    due: str


class LostCharge(BaseModel):
    """The run and the first day of a charge that was lost."""

    run_id: UUID
    period_start: date


class LostLine(BaseModel):
    """A money fact whose line is missing."""

    fact_id: UUID
    kind: str


@dataclass(frozen=True, slots=True)
class NewGap:
    """A gap found by a check; `mend` is what repairs it: a `RepairJob`, `MissedSlot`, `LostCharge` or `LostLine`."""

    id: UUID
    subject: str
    detail: str
    mend: Mapping[str, object]


def upsert(session: Session, kind: GapKind, gaps: Sequence[NewGap], now: datetime) -> list[NewGap]:
    """Record gaps; return those that are new."""
    columns = {
        "ids": [gap.id for gap in gaps],
        "subjects": [gap.subject for gap in gaps],
        "details": [gap.detail for gap in gaps],
        "mends": [json.dumps(dict(gap.mend)) for gap in gaps],
    }
    rows = session.execute(WRITE, {**columns, "kind": kind.value, "now": now})
    inserted_ids = {row[0] for row in rows}
    return [gap for gap in gaps if gap.id in inserted_ids]


def close(session: Session, kind: GapKind, open_subjects: Sequence[str], now: datetime) -> int:
    """Close the open gaps of a kind except those subjects; return how many."""
    conditions = (
        ReconciliationGap.kind == kind.value,
        ReconciliationGap.mended_at.is_(None),
        ReconciliationGap.subject.not_in(open_subjects),
    )
    statement = update(ReconciliationGap).where(*conditions).values(mended_at=now).returning(ReconciliationGap.id)
    return len(session.scalars(statement).all())


def purge(session: Session, before: datetime) -> None:
    """Delete gaps repaired before an instant; accepted ones are kept, so that they are not reported again."""
    conditions = (ReconciliationGap.mended_at < before, ReconciliationGap.accepted_by.is_(None))
    session.execute(delete(ReconciliationGap).where(*conditions))


def by_id(session: Session, gap_id: UUID, *, lock: bool = False) -> ReconciliationGap | None:
    """Return one gap, optionally locked."""
    return session.get(ReconciliationGap, gap_id, with_for_update=lock or None, populate_existing=lock)


def open_gaps(session: Session, kind: GapKind) -> list[ReconciliationGap]:
    """Return the open gaps of a kind."""
    query = select(ReconciliationGap).where(ReconciliationGap.kind == kind.value, ReconciliationGap.mended_at.is_(None))
    return list(session.scalars(query))


def page(
    session: Session, *, kind: GapKind | None, opened: bool | None, cursor: str | None, limit: int
) -> Page[ReconciliationGap]:
    """Return gaps, newest first; `opened` None: open and closed. Raises Invalid."""
    query = select(ReconciliationGap)
    if kind is not None:
        query = query.where(ReconciliationGap.kind == kind.value)
    if opened is not None:
        mended = ReconciliationGap.mended_at
        query = query.where(mended.is_(None) if opened else mended.is_not(None))
    return page_of(session, query, ReconciliationGap.id, cursor, limit)


def counts(session: Session) -> dict[GapKind, int]:
    """Return the number of open gaps of each kind."""
    query = select(ReconciliationGap.kind, func.count()).where(ReconciliationGap.mended_at.is_(None))
    by_kind = {row[0]: row[1] for row in session.execute(query.group_by(ReconciliationGap.kind))}
    return {kind: by_kind.get(kind.value, 0) for kind in GapKind}


def active_schedules(session: Session) -> list[Schedule]:
    """Return the schedules that are expected to fire."""
    query = select(Schedule).where(~Schedule.retired, ~Schedule.paused, Schedule.expected_from.is_not(None))
    return list(session.scalars(query.order_by(Schedule.name)))


def slots(session: Session, since: datetime) -> set[tuple[str, str]]:
    """Return (schedule, slot) of every occurrence due after an instant, including skipped ones."""
    query = select(ScheduleOccurrence.schedule, ScheduleOccurrence.slot).where(ScheduleOccurrence.due_at > since)
    return {(row[0], row[1]) for row in session.execute(query)}


def has_occurrence(session: Session, schedule: str, slot: str) -> bool:
    """Whether a schedule has an occurrence for a slot."""
    return session.get(ScheduleOccurrence, (schedule, slot)) is not None


def lock_schedule(session: Session, name: str) -> Schedule | None:
    """Return one schedule, locked."""
    query = select(Schedule).where(Schedule.name == name, ~Schedule.retired).with_for_update()
    return session.scalars(query).one_or_none()


def charge_created(session: Session, account_id: UUID, kind: str, product: str, start: date) -> DomainEvent | None:
    """Return the newest `charge.created` of an account's product or plan for the period that starts on a day."""
    data = DomainEvent.data
    query = select(DomainEvent).where(
        DomainEvent.account_id == account_id,
        DomainEvent.type == "charge.created",
        data["kind"].astext == kind,
        data["product"].astext == product,
        data["period_start"].astext == start.isoformat(),
    )
    return session.scalars(query.order_by(DomainEvent.seq.desc()).limit(1)).first()
