"""SQL of the event feed: numbers drawn so that a reader never skips a late commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Select, insert, select, text, union
from sqlalchemy.orm import Session

from models.events import DomainEvent

# A writer holds a lock that names the last number drawn before its own first one, from before it
# draws until its commit can be seen. One lock per transaction, however many events it writes.
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
"""One parameter however many rows: a statement with a placeholder for each value costs more than the inserting."""
DRAWN = text("SELECT last_value FROM domain_events_seq_seq")
HELD = text(
    "SELECT min(((classid::bigint << 32) | objid::bigint) - :prefix) FROM pg_locks"
    " WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = :prefix >> 48"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A number for an event, and whether any webhook endpoint could want it."""

    seq: int
    heard: bool


def draw(session: Session, reseller_id: UUID | None) -> Drawn:
    """Take the next number. Its order is the order of the feed."""
    row = session.execute(DRAW, {"reseller_id": reseller_id, "prefix": PREFIX}).one()
    return Drawn(row[0], row[1])


def draw_more(session: Session, count: int) -> list[int]:
    """Take further numbers, in order; this transaction drew one before."""
    return list(session.scalars(MORE, {"count": count}))


def listeners(session: Session) -> set[UUID | None]:
    """The resellers that any webhook endpoint listens for; None: for everybody."""
    return set(session.scalars(LISTENERS))


def add(session: Session, values: dict[str, object]) -> None:
    """Insert an event under a drawn number."""
    session.execute(insert(DomainEvent).values(values))


def add_many(session: Session, values: Sequence[dict[str, object]]) -> None:
    """Insert events under drawn numbers."""
    session.execute(ADD_MANY, {"rows": to_json(values).decode()})


def settled(session: Session) -> int:
    """The number up to which a statement that comes after this one sees all there will ever be.

    The order of the two questions matters: a writer that locks after the second draws beyond the
    first. Needs READ COMMITTED: the later statement must have a snapshot of its own.
    """
    drawn = session.scalar(DRAWN) or 0
    held = session.scalar(HELD, {"prefix": PREFIX})
    return drawn if held is None else min(drawn, held)


def by_seq(session: Session, seq: int) -> DomainEvent | None:
    """One event, whether settled or not."""
    return session.get(DomainEvent, seq)


def after(
    session: Session,
    seq: int,
    limit: int,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
) -> list[DomainEvent]:
    """Events behind `seq` in order, up to the last before which nothing can appear any more."""
    bounds = (DomainEvent.seq > seq, DomainEvent.seq <= settled(session))
    query = select(DomainEvent).where(*bounds)
    if reseller_id is not None:
        mine = _numbers(bounds, limit, DomainEvent.reseller_id == reseller_id)
        own = _numbers(bounds, limit, DomainEvent.account_id == reseller_id)
        query = query.where(DomainEvent.seq.in_(union(mine, own)))
    if account_id is not None:
        query = query.where(DomainEvent.account_id == account_id)
    return list(session.scalars(query.order_by(DomainEvent.seq).limit(limit)))


def _numbers(bounds: Sequence[ColumnElement[bool]], limit: int, whose: ColumnElement[bool]) -> Select[Any]:
    """The next numbers of one owner, by an index that has them in order."""
    found = select(DomainEvent.seq).where(*bounds, whose).order_by(DomainEvent.seq).limit(limit)
    return select(found.subquery().c.seq)
