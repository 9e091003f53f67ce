"""Domain events: emitted in the caller's transaction, read as a feed that skips no late commit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Select, and_, insert, or_, select, text, union
from sqlalchemy.orm import Session

from kontor.engine.enqueue import JobRequest, Jobs
from kontor.http import visibility
from kontor.http.visibility import Viewer
from kontor.kernel.ids import SQL_NEW_ID, new_id
from kontor.programme import service as programmes
from kontor.webhooks.payloads import WebhooksFanOut
from models.accounts import Account, AccountKind
from models.webhooks import DomainEvent

PAGE_LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to write; `data` is JSON."""

    type: str
    data: Mapping[str, object]
    account_id: UUID | None
    reseller_id: UUID | None
    programme: str | None


def reseller_of(account: Account) -> UUID | None:
    """Return the reseller that owns an account's events: a client's reseller, a reseller itself, or None."""
    return account.id if account.kind == AccountKind.RESELLER else account.reseller_id


def accounts_of(session: Session, ids: Collection[UUID]) -> Sequence[Account]:
    """Return the accounts that events are about, by id."""
    return session.scalars(select(Account).where(Account.id.in_(ids)).order_by(Account.id)).all()


def emit(
    session: Session,
    jobs: Jobs,
    event_type: str,
    account: Account,
    data: Mapping[str, object],
    *,
    at: datetime,
    reseller_id: UUID | None = None,
) -> int:
    """Write an event in the caller's transaction; return its number in the feed.

    `reseller_id` owns the event, by default `reseller_of(account)`. `data` is JSON. Enqueues
    `webhooks.fan_out` when an endpoint is subscribed.
    """
    owner = reseller_id or reseller_of(account)
    return emit_for(
        session,
        jobs,
        event_type,
        data,
        at=at,
        account_id=account.id,
        reseller_id=owner,
        programme=account.programme,
    )


def emit_for(
    session: Session,
    jobs: Jobs,
    event_type: str,
    data: Mapping[str, object],
    *,
    at: datetime,
    account_id: UUID | None = None,
    reseller_id: UUID | None = None,
    programme: str | None = None,
) -> int:
    """Write an event as `emit` does, without a loaded account (such as `job.dead`)."""
    number = draw_number(session, reseller_id)
    add(session, stored_values(NewEvent(event_type, data, account_id, reseller_id, programme), number.seq, at))
    if number.has_listeners:
        tenant = str(reseller_id) if reseller_id else ""
        jobs.enqueue(session, WebhooksFanOut(event_seq=number.seq), tenant=tenant)
    return number.seq


def emit_many(session: Session, jobs: Jobs, new_events: Sequence[NewEvent], *, at: datetime) -> list[int]:
    """Write many events in the order given, in a few statements, as `emit_for` does; return their numbers."""
    if not new_events:
        return []
    first = draw_number(session, None).seq
    seqs = [first, *session.scalars(MORE, {"count": len(new_events) - 1})]
    add_many(session, [stored_values(event, seq, at) for event, seq in zip(new_events, seqs, strict=True)])
    fan_out(session, jobs, [(seq, event.reseller_id) for event, seq in zip(new_events, seqs, strict=True)])
    return seqs


def add_from(rows: str) -> str:
    """Build the SQL that writes an event for each row of a relation with the columns of `FROM_COLUMNS`, in its order.

    It returns (seq, reseller_id). Call `hold_feed` before, and `fan_out` after it.
    """
    return (
        f"INSERT INTO domain_events (id, {FROM_COLUMNS}) SELECT {SQL_NEW_ID}, {FROM_COLUMNS} FROM {rows}"  # noqa: S608 -- constants
        " RETURNING seq, reseller_id"
    )


def hold_feed(session: Session) -> None:
    """Keep readers of the feed from passing the events that this transaction writes by `add_from`."""
    draw_number(session, None)


def fan_out(session: Session, jobs: Jobs, events: Sequence[tuple[int, UUID | None]]) -> None:
    """Enqueue `webhooks.fan_out` for those of the events (seq, reseller) to which an endpoint is subscribed."""
    listening = set(session.scalars(LISTENERS))
    requests = [
        JobRequest.of(WebhooksFanOut(event_seq=seq), tenant=str(reseller_id or ""))
        for seq, reseller_id in events
        if None in listening or reseller_id in listening
    ]
    if requests:
        jobs.enqueue_many(session, requests)


def stored_values(event: NewEvent, seq: int, at: datetime) -> dict[str, object]:
    """Return the columns of an event under its number."""
    return {
        "seq": seq,
        "id": new_id(),
        "type": event.type,
        "account_id": event.account_id,
        "reseller_id": event.reseller_id,
        "programme": event.programme,
        "data": dict(event.data),
        "at": at,
    }


def read_feed(
    session: Session,
    after: int = 0,
    limit: int = 100,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
) -> Sequence[DomainEvent]:
    """Return events after number `after`, oldest first; continuing from the last one never skips an event."""
    page_size = max(1, min(limit, PAGE_LIMIT))
    return events_after(session, after, page_size, reseller_id=reseller_id, account_id=account_id)


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
FROM_COLUMNS = "type, account_id, reseller_id, programme, data, at"
COLUMNS = f"seq, id, {FROM_COLUMNS}"
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
class DrawnNumber:
    """A number for an event, and whether any webhook endpoint may be subscribed to it."""

    seq: int
    has_listeners: bool


def draw_number(session: Session, reseller_id: UUID | None) -> DrawnNumber:
    """Draw the next number; numbers order the feed."""
    row = session.execute(DRAW, {"reseller_id": reseller_id, "prefix": PREFIX}).one()
    return DrawnNumber(row[0], row[1])


def add(session: Session, values: dict[str, object]) -> None:
    """Insert an event under a drawn number."""
    session.execute(insert(DomainEvent).values(values))


def add_many(session: Session, values: Sequence[dict[str, object]]) -> None:
    """Insert events under drawn numbers."""
    session.execute(ADD_MANY, {"rows": to_json(values).decode()})


def settled_number(session: Session) -> int:
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


def events_after(
    session: Session,
    seq: int,
    limit: int,
    *,
    reseller_id: UUID | None = None,
    account_id: UUID | None = None,
) -> list[DomainEvent]:
    """Return events after `seq` in order, up to the last number before which no event can still appear.

    Of what concerned it while another reseller owned the event, a reseller gets what its clients get.
    """
    bounds = (DomainEvent.seq > seq, DomainEvent.seq <= settled_number(session))
    query = select(DomainEvent).where(*bounds)
    to_clients = DomainEvent.type.in_(visibility.event_types(Viewer.CLIENT) or ())
    if reseller_id is not None:
        to_resellers = DomainEvent.type.in_(visibility.event_types(Viewer.RESELLER) or ())
        of_reseller = _numbers(bounds, limit, and_(DomainEvent.reseller_id == reseller_id, to_resellers))
        as_client = and_(DomainEvent.reseller_id != reseller_id, to_clients)
        own = or_(and_(DomainEvent.reseller_id.is_(None), to_resellers), as_client)
        of_account = _numbers(bounds, limit, and_(DomainEvent.account_id == reseller_id, own))
        query = query.where(DomainEvent.seq.in_(union(of_reseller, of_account)))
    if account_id is not None:
        query = query.where(DomainEvent.account_id == account_id, to_clients)
    return list(session.scalars(query.order_by(DomainEvent.seq).limit(limit)))


def viewer_of(event: DomainEvent, viewer: Viewer, reseller_id: UUID | None) -> Viewer:
    """Return as whom a viewer sees an event: a reseller is a client where another reseller owns the event."""
    as_client = viewer is Viewer.RESELLER and event.reseller_id not in (None, reseller_id)
    return Viewer.CLIENT if as_client else viewer


def data_for(session: Session, event: DomainEvent, viewer: Viewer, reseller_id: UUID | None) -> dict[str, object]:
    """Return the data of an event as a viewer may see it: a reseller without products that others manage."""
    data = visibility.event_data(event.type, event.data, viewer_of(event, viewer, reseller_id))
    licences = data.get("licences")
    if viewer is Viewer.RESELLER and reseller_id is not None and event.programme and isinstance(licences, list):
        hidden = programmes.products_of_others(session, event.programme, reseller_id)
        data["licences"] = [each for each in licences if each["product"] not in hidden]
    return data


def _numbers(bounds: Sequence[ColumnElement[bool]], limit: int, condition: ColumnElement[bool]) -> Select[int]:
    """Select the next numbers of one owner, by an ordered index."""
    query = select(DomainEvent.seq).where(*bounds, condition).order_by(DomainEvent.seq).limit(limit)
    return select(query.subquery().c.seq)
