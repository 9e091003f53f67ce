"""Queries on the event feed; numbers are drawn so that a reader never skips a late commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Select, insert, select, text, union
from sqlalchemy.orm import Session

from models.events import DomainEvent

# A writer holds a lock on the last number drawn before its own first one, from before it draws until
# its commit is visible. One lock per transaction, however many events it writes.
PREFIX = 0x4B4F << 48
DRAW = text(
    "WITH held AS MATERIALIZED ("
    " SELECT CASE WHEN coalesce(current_setting('kontor.feed', true), '') = '' THEN"
    "  pg_advisory_xact_lock_shared(:prefix + last_value - (NOT is_called)::int)::text"
    "  || set_config('kontor.feed', 'held', true) END FROM domain_events_seq_seq)"
    " SELECT nextval('domain_events_seq_seq'), EXISTS ("
    "  SELECT FROM webhook_endpoints WHERE deleted_at IS NULL AND disabled_at IS NULL"
    "  AND (reseller_id IS NULL OR reseller_id = :reseller_id)) FROM held"
)
MORE = text("SELECT nextval('domain_events_seq_seq') FROM generate_series(1, :count)")
LISTENERS = text("SELECT DISTINCT reseller_id FROM webhook_endpoints WHERE deleted_at IS NULL AND disabled_at IS NULL")
COLUMNS = "seq, id, type, account_id, reseller_id, programme, data, at"
ADD_MANY = text(
    f"INSERT INTO domain_events ({COLUMNS})"  # noqa: S608 -- constants
    f" SELECT {COLUMNS} FROM jsonb_populate_recordset(NULL::domain_events, CAST(:rows AS jsonb))"
)
"""One parameter for any number of rows: a placeholder for each value would cost more than the insert."""
DRAWN = text("SELECT last_value FROM domain_events_seq_seq")
HELD = text(
    "SELECT min(((classid::bigint << 32) | objid::bigint) - :prefix) FROM pg_locks"
    " WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = :prefix >> 48"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A number for an event, and whether any webhook endpoint may be subscribed to it."""

    seq: int
    has_listeners: bool


def draw(session: Session, reseller_id: UUID | None) -> Drawn:
    """Draw the next number; numbers order the feed."""
    row = session.execute(DRAW, {"reseller_id": reseller_id, "prefix": PREFIX}).one()
    return Drawn(row[0], row[1])


def draw_more(session: Session, count: int) -> list[int]:
    """Draw further numbers, in order; the transaction has already drawn one."""
    return list(session.scalars(MORE, {"count": count}))


def listeners(session: Session) -> set[UUID | None]:
    """Return the resellers whose events an endpoint receives; None stands for all resellers."""
    return set(session.scalars(LISTENERS))


def add(session: Session, values: dict[str, object]) -> None:
    """Insert an event under a drawn number."""
    session.execute(insert(DomainEvent).values(values))


def add_many(session: Session, values: Sequence[dict[str, object]]) -> None:
    """Insert events under drawn numbers."""
    session.execute(ADD_MANY, {"rows": to_json(values).decode()})


def settled(session: Session) -> int:
    """Return the number up to which a later statement sees every event there will ever be.

    The order of the two queries matters: a writer that locks after the second draws numbers beyond the
    first. Requires READ COMMITTED: the later statement must have its own snapshot.
    """
    drawn = session.scalar(DRAWN) or 0
    held = session.scalar(HELD, {"prefix": PREFIX})
    return drawn if held is None else min(drawn, held)


def by_seq(session: Session, seq: int) -> DomainEvent | None:
    """Return one event, whether settled or not."""
    return session.get(DomainEvent, seq)


def after(
    session: Session,
    seq: int,
    limit: int,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
) -> list[DomainEvent]:
    """Return events after `seq` in order, up to the last number before which no event can still appear."""
    bounds = (DomainEvent.seq > seq, DomainEvent.seq <= settled(session))
    query = select(DomainEvent).where(*bounds)
    if reseller_id is not None:
        of_reseller = _numbers(bounds, limit, DomainEvent.reseller_id == reseller_id)
        of_account = _numbers(bounds, limit, DomainEvent.account_id == reseller_id)
        query = query.where(DomainEvent.seq.in_(union(of_reseller, of_account)))
    if account_id is not None:
        query = query.where(DomainEvent.account_id == account_id)
    return list(session.scalars(query.order_by(DomainEvent.seq).limit(limit)))


def _numbers(bounds: Sequence[ColumnElement[bool]], limit: int, condition: ColumnElement[bool]) -> Select[Any]:
    """Select the next numbers of one owner, by an ordered index."""
    query = select(DomainEvent.seq).where(*bounds, condition).order_by(DomainEvent.seq).limit(limit)
    return select(query.subquery().c.seq)
