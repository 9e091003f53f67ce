"""Commit a parsed payment file to the ledger, resumable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.account_book import service as account_book
from kontor.context import Context
from kontor.discounts.daily_run import enqueue_recompute
from kontor.kernel.database import psycopg_connection
from kontor.kernel.ids import new_id
from kontor.payments.import_parse import ParsedRow, RowError
from kontor.payments.service import PaymentReceiver, receiver_of
from kontor.programme.model import Programme
from models.payments import PaymentImport, StagedPayment

CHUNK: Final = 10_000
ABANDONED: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class StartedImport:
    """An import in progress: its programme, the number of staged rows, and whether it was finished before."""

    id: UUID
    programme: Programme
    staged: int
    finished: bool


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Result of an import: rows added, rows already in the ledger, or the errors that refused the file."""

    imported: int
    already_there: int
    bad: tuple[RowError, ...] = ()


def programme_of(ctx: Context, session: Session, reseller_id: UUID) -> Programme:
    """Return a reseller's programme, also of a former one. Raises NotFound, Conflict(`not_a_reseller`)."""
    return ctx.programme(session, receiver_of(session, reseller_id).origin.programme)


def start(ctx: Context, session: Session, reseller_id: UUID, digest: str) -> StartedImport:
    """Start or continue the import of a file, by its SHA-256. Raises like `programme_of`."""
    programme = programme_of(ctx, session, reseller_id)
    delete_abandoned(session, ctx.now - ABANDONED)
    record = get_or_create(session, reseller_id, digest, ctx.now)
    return StartedImport(record.id, programme, record.lines, record.finished_at is not None)


def stage_rows(session: Session, import_id: UUID, start: int, chunk: Sequence[ParsedRow]) -> None:
    """Stage the rows that follow the first `start`, except those staged by another process since."""
    record = lock(session, import_id)
    new_rows = chunk[max(0, record.lines - start) :] if record.finished_at is None else ()
    staged = ((row.line, new_id(), row.reference, row.kind.value, row.amount, row.paid_at) for row in new_rows)
    copy_rows(session, import_id, staged)
    record.lines += len(new_rows)


def commit_rows(ctx: Context, session: Session, import_id: UUID) -> ImportResult:
    """Import all rows in the caller's transaction; a single conflicting row refuses the file."""
    record = lock(session, import_id)
    if record.finished_at is not None:
        return ImportResult(0, record.lines)
    receiver = receiver_of(session, record.reseller_id)
    clashes_ = clashes(session, import_id, receiver)
    if clashes_:
        delete_import(session, import_id)
        errors = (
            RowError(row.line, f"conflicts with {row.what} that has the reference {row.reference!r}")
            for row in clashes_
        )
        return ImportResult(0, 0, tuple(errors))
    programme = ctx.programme(session, receiver.origin.programme)
    imported = insert_staged(session, import_id, receiver, programme.currency, ctx.now)
    delete_staged(session, import_id)
    record.finished_at, record.summary = ctx.now, {"rows": record.lines, "imported": imported}
    session.flush()
    if imported and receiver.is_reseller:
        enqueue_recompute(ctx, session, receiver.counted)
        account_book.check_balances(ctx, session, programme, [receiver.counted.id])
    return ImportResult(imported, record.lines - imported)


COPY: Final = "COPY payment_import_rows (import_id, line, id, reference, kind, amount, paid_at) FROM STDIN"

# The reseller, and those merged into it; their entries that count where its own do have the references of before.
KNOWN: Final = (
    "WITH RECURSIVE merged (id) AS (SELECT CAST(:origin AS uuid)"
    "  UNION SELECT m.old_id FROM reseller_merges m JOIN merged ON m.new_id = merged.id),"
    " entries AS NOT MATERIALIZED (SELECT p.* FROM payments p JOIN merged ON p.origin_id = merged.id"
    "  WHERE p.origin_id = :origin OR p.reseller_id = :counted)"
)
# Two rows of the file, or a row and a ledger entry, with the same reference but different values.
CLASHES: Final = text(
    f"{KNOWN}"  # noqa: S608 -- constants
    " SELECT r.line, CASE WHEN p.id IS NULL THEN 'another row' ELSE 'a ledger entry' END AS what, r.reference"
    " FROM payment_import_rows r"
    " LEFT JOIN entries p ON p.reference = r.reference"
    "  AND (p.kind, p.amount, p.paid_at) <> (r.kind, r.amount, r.paid_at)"
    " WHERE r.import_id = :import_id AND (p.id IS NOT NULL OR EXISTS (SELECT FROM payment_import_rows o"
    "  WHERE o.import_id = r.import_id AND o.reference = r.reference AND o.line < r.line"
    "  AND (o.kind, o.amount, o.paid_at) <> (r.kind, r.amount, r.paid_at)))"
    " ORDER BY r.line"
)
ENTER: Final = text(
    f"{KNOWN}, entered AS ("  # noqa: S608 -- constants
    " INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)"
    " SELECT DISTINCT ON (reference) id, :counted, :origin, reference, kind, amount, :currency, paid_at, :now"
    " FROM payment_import_rows r WHERE import_id = :import_id"
    "  AND NOT EXISTS (SELECT FROM entries p WHERE p.reference = r.reference) ORDER BY reference, line"
    " ON CONFLICT (origin_id, reference) DO NOTHING RETURNING 1)"
    " SELECT count(*) FROM entered"
)


class Clash(NamedTuple):
    """A row that conflicts with `what` under the same reference."""

    line: int
    what: str
    reference: str


def get_or_create(session: Session, reseller_id: UUID, digest: str, now: datetime) -> PaymentImport:
    """Return the import of that file, locked; create it when there is none."""
    values = {"id": new_id(), "reseller_id": reseller_id, "digest": digest, "begun_at": now}
    session.execute(insert(PaymentImport).values(**values).on_conflict_do_nothing())
    conditions = (PaymentImport.reseller_id == reseller_id, PaymentImport.digest == digest)
    query = select(PaymentImport).where(*conditions).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def lock(session: Session, import_id: UUID) -> PaymentImport:
    """Return one import, locked."""
    return session.get_one(PaymentImport, import_id, with_for_update=True, populate_existing=True)


def copy_rows(session: Session, import_id: UUID, rows: Iterable[tuple[int, UUID, str, str, Decimal, datetime]]) -> None:
    """Store valid rows: (line, id, reference, kind, amount, paid_at)."""
    with psycopg_connection(session).cursor().copy(COPY) as copy:
        for row in rows:
            copy.write_row((import_id, *row))


def clashes(session: Session, import_id: UUID, receiver: PaymentReceiver) -> list[Clash]:
    """Return the rows that conflict with another entry, by line."""
    ids = {"origin": receiver.origin.id, "counted": receiver.counted.id}
    rows = session.execute(CLASHES, {"import_id": import_id, **ids})
    return [Clash(*row) for row in rows]


def insert_staged(session: Session, import_id: UUID, receiver: PaymentReceiver, currency: str, now: datetime) -> int:
    """Insert the staged rows that are not yet in the ledger; return how many."""
    ids = {"origin": receiver.origin.id, "counted": receiver.counted.id}
    values = {"import_id": import_id, **ids, "currency": currency, "now": now}
    return int(session.execute(ENTER, values).scalar_one())


def delete_staged(session: Session, import_id: UUID) -> None:
    """Delete the staged rows."""
    session.execute(delete(StagedPayment).where(StagedPayment.import_id == import_id))


def delete_import(session: Session, import_id: UUID) -> None:
    """Delete an import with its rows."""
    session.execute(delete(PaymentImport).where(PaymentImport.id == import_id))


def delete_abandoned(session: Session, before: datetime) -> None:
    """Delete unfinished imports started before an instant."""
    conditions = (PaymentImport.begun_at < before, PaymentImport.finished_at.is_(None))
    session.execute(delete(PaymentImport).where(*conditions))
