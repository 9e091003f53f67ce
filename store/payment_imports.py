"""Queries of payment file imports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

from psycopg import Connection
from sqlalchemy import Row, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.ids import new_id
from models.payments import PaymentImport, StagedPayment

COPY: Final = "COPY payment_import_rows (import_id, line, id, reference, kind, amount, paid_at) FROM STDIN"

# Two rows of the file, or a row and a ledger entry, with the same reference but different values.
CLASHES: Final = text(
    "SELECT r.line, CASE WHEN p.id IS NULL THEN 'another row' ELSE 'a ledger entry' END AS what, r.reference"
    " FROM payment_import_rows r"
    " LEFT JOIN payments p ON p.origin_id = :reseller_id AND p.reference = r.reference"
    "  AND (p.kind, p.amount, p.paid_at) <> (r.kind, r.amount, r.paid_at)"
    " WHERE r.import_id = :import_id AND (p.id IS NOT NULL OR EXISTS (SELECT FROM payment_import_rows o"
    "  WHERE o.import_id = r.import_id AND o.reference = r.reference AND o.line < r.line"
    "  AND (o.kind, o.amount, o.paid_at) <> (r.kind, r.amount, r.paid_at)))"
    " ORDER BY r.line"
)
ENTER: Final = text(
    "WITH entered AS ("
    " INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)"
    " SELECT DISTINCT ON (reference) id, :reseller_id, :reseller_id, reference, kind, amount, :currency, paid_at, :now"
    " FROM payment_import_rows WHERE import_id = :import_id ORDER BY reference, line"
    " ON CONFLICT (origin_id, reference) DO NOTHING RETURNING 1)"
    " SELECT count(*) FROM entered"
)


def begun(session: Session, reseller_id: UUID, digest: str, now: datetime) -> PaymentImport:
    """Return the import of that file, locked; create it when there is none."""
    values = {"id": new_id(), "reseller_id": reseller_id, "digest": digest, "begun_at": now}
    session.execute(insert(PaymentImport).values(**values).on_conflict_do_nothing())
    conditions = (PaymentImport.reseller_id == reseller_id, PaymentImport.digest == digest)
    query = select(PaymentImport).where(*conditions).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def locked(session: Session, import_id: UUID) -> PaymentImport:
    """Return one import, locked."""
    return session.get_one(PaymentImport, import_id, with_for_update=True, populate_existing=True)


def stage(session: Session, import_id: UUID, rows: Iterable[tuple[int, UUID, str, str, Decimal, datetime]]) -> None:
    """Store valid rows: (line, id, reference, kind, amount, paid_at)."""
    raw = cast("Connection[Any]", session.connection().connection.driver_connection)
    with raw.cursor().copy(COPY) as copy:
        for row in rows:
            copy.write_row((import_id, *row))


def clashes(session: Session, import_id: UUID, reseller_id: UUID) -> list[Row[Any]]:
    """Return (line, what, reference) of rows that conflict with `what` under the same reference."""
    return list(session.execute(CLASHES, {"import_id": import_id, "reseller_id": reseller_id}).all())


def enter(session: Session, import_id: UUID, reseller_id: UUID, currency: str, now: datetime) -> int:
    """Insert the staged rows that are not yet in the ledger; return how many."""
    values = {"import_id": import_id, "reseller_id": reseller_id, "currency": currency, "now": now}
    return int(session.execute(ENTER, values).scalar_one())


def clear(session: Session, import_id: UUID) -> None:
    """Delete the staged rows."""
    session.execute(delete(StagedPayment).where(StagedPayment.import_id == import_id))


def drop(session: Session, import_id: UUID) -> None:
    """Delete an import with its rows."""
    session.execute(delete(PaymentImport).where(PaymentImport.id == import_id))


def drop_abandoned(session: Session, before: datetime) -> None:
    """Delete unfinished imports started before an instant."""
    conditions = (PaymentImport.begun_at < before, PaymentImport.finished_at.is_(None))
    session.execute(delete(PaymentImport).where(*conditions))
