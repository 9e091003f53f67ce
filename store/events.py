"""SQL of the event feed: numbers drawn so that a reader never skips a late commit."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, insert, literal_column, or_, select, text
from sqlalchemy.orm import Session

from models.events import DomainEvent

# The transaction has its id before it draws a number, so that the horizon taken afterwards is
# beyond every transaction that drew a smaller one.
DRAW = text(
    "SELECT pg_current_xact_id()::text, nextval('domain_events_seq_seq'), EXISTS ("
    " SELECT FROM webhook_endpoints WHERE deleted_at IS NULL AND disabled_at IS NULL"
    " AND (reseller_id IS NULL OR reseller_id = :reseller_id))"
)
HORIZON = "pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
SETTLED = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A number for an event, and whether any webhook endpoint could want it."""

    seq: int
    heard: bool


def draw(session: Session, reseller_id: UUID | None) -> Drawn:
    """Take the next number. Its order is the order of the feed."""
    row = session.execute(DRAW, {"reseller_id": reseller_id}).one()
    return Drawn(row[1], row[2])


def add(session: Session, values: dict[str, object]) -> None:
    """Insert an event under a drawn number, in a statement after the drawing."""
    row = {**values, "horizon": literal_column(HORIZON)}
    session.execute(insert(DomainEvent).values(row))


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
    settled = (
        select(DomainEvent.seq)
        .where(DomainEvent.horizon <= literal_column(SETTLED))
        .order_by(DomainEvent.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(DomainEvent)
        .where(DomainEvent.seq > seq, DomainEvent.seq <= func.coalesce(settled, 0))
        .order_by(DomainEvent.seq)
        .limit(limit)
    )
    if reseller_id is not None:
        mine = or_(DomainEvent.reseller_id == reseller_id, DomainEvent.account_id == reseller_id)
        query = query.where(mine)
    if account_id is not None:
        query = query.where(DomainEvent.account_id == account_id)
    return list(session.scalars(query))
