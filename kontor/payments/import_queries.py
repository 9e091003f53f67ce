"""Queries of imports: rows are staged, compared with each other and with the ledger, and entered as one set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.kernel.database import psycopg_connection
from kontor.kernel.ids import new_id
from kontor.payments.import_rows import ParsedRow
from kontor.payments.payment_events import EnteredPayment
from models.payments import PaymentImport, StagedPayment

COPY: Final = (
    "COPY payment_import_rows (import_id, line, id, reference, kind, amount, paid_at, origin_id, content, accepted,"
    "  note) FROM STDIN"
)
MADE: Final = "'row:' || r.content || ':' || r.place"
"""The reference of a row that has none of its own: what identifies it, and its number among equal rows."""
NUMBER: Final = text(
    "UPDATE payment_import_rows AS r SET place = n.place FROM (SELECT line, row_number() OVER (PARTITION BY content"
    "  ORDER BY line) AS place FROM payment_import_rows WHERE import_id = :import_id) AS n"
    " WHERE r.import_id = :import_id AND r.line = n.line AND n.place > 1"
)
# The resellers of the rows, with those merged into each; their entries that count where its own do have the references
# of before.
KNOWN: Final = (
    "WITH RECURSIVE receivers AS (SELECT * FROM unnest(CAST(:origins AS uuid[]), CAST(:counted AS uuid[]))"
    "  AS u (origin, counted)),"
    " merged (origin, counted, id) AS (SELECT origin, counted, origin FROM receivers UNION"
    "  SELECT merged.origin, merged.counted, m.old_id FROM reseller_merges m JOIN merged ON m.new_id = merged.id),"
    " entries AS NOT MATERIALIZED (SELECT merged.origin, p.reference, p.kind, p.amount, p.paid_at FROM payments p"
    "  JOIN merged ON p.origin_id = merged.id WHERE p.origin_id = merged.origin OR p.reseller_id = merged.counted)"
)
SAME: Final = (
    "EXISTS (SELECT FROM entries p WHERE p.origin = r.origin_id AND p.reference = r.reference"
    "  AND (p.kind, p.amount, p.paid_at) = (r.kind, r.amount, r.paid_at))"
)
OTHER: Final = SAME.replace(") = (", ") <> (")
# A later row of a group has to be accepted; the first needs no more than itself.
OPEN: Final = "false = ANY ((array_agg(accepted ORDER BY line))[2:])"
EQUAL: Final = text(
    "WITH groups AS (SELECT content, array_agg(line ORDER BY line) AS lines FROM payment_import_rows"  # noqa: S608 -- constants
    f"  WHERE import_id = :import_id GROUP BY content HAVING max(place) > 1 AND {OPEN})"
    " SELECT r.line, g.lines, r.reference, count(*) OVER () AS total FROM payment_import_rows r"
    " JOIN groups g USING (content) WHERE r.import_id = :import_id ORDER BY r.line LIMIT :limit"
)
CLASHING: Final = text(
    "WITH groups AS (SELECT origin_id, reference, array_agg(line ORDER BY line) AS lines"  # noqa: S608 -- constants
    "  FROM payment_import_rows"
    "  WHERE import_id = :import_id AND reference IS NOT NULL GROUP BY origin_id, reference"
    f"  HAVING min(content) <> max(content) AND {OPEN})"
    " SELECT r.line, g.lines, r.reference, count(*) OVER () AS total FROM payment_import_rows r"
    " JOIN groups g ON g.reference = r.reference AND g.origin_id IS NOT DISTINCT FROM r.origin_id"
    " WHERE r.import_id = :import_id ORDER BY r.line LIMIT :limit"
)
DIFFERING: Final = text(
    f"{KNOWN} SELECT r.line, ARRAY[r.line] AS lines, r.reference, count(*) OVER () AS total"  # noqa: S608 -- constants
    " FROM payment_import_rows r WHERE r.import_id = :import_id AND NOT r.accepted AND r.place = 1"
    f" AND {OTHER} AND NOT {SAME}"
    f" AND NOT EXISTS (SELECT FROM entries p WHERE p.origin = r.origin_id AND p.reference = {MADE})"
    " ORDER BY r.line LIMIT :limit"
)
ENTER: Final = text(
    f"{KNOWN}, named AS (SELECT r.*, v.counted, CASE WHEN r.reference IS NULL OR r.place > 1 THEN {MADE}"  # noqa: S608 -- constants
    f"  WHEN {SAME} THEN r.reference WHEN r.rank > 1 OR {OTHER} THEN {MADE} ELSE r.reference END AS final"
    "  FROM (SELECT *, row_number() OVER (PARTITION BY origin_id, reference ORDER BY line) AS rank"
    "   FROM payment_import_rows WHERE import_id = :import_id) AS r JOIN receivers v ON v.origin = r.origin_id),"
    " entered AS ("
    " INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)"
    " SELECT DISTINCT ON (origin_id, final) id, counted, origin_id, final, kind, amount, :currency, paid_at, :now"
    " FROM named n WHERE NOT EXISTS (SELECT FROM entries p WHERE p.origin = n.origin_id AND p.reference = n.final)"
    " ORDER BY origin_id, final, line ON CONFLICT (origin_id, reference) DO NOTHING"
    " RETURNING id, reseller_id, kind, amount, currency, paid_at, reference)"
    " SELECT e.id, e.reseller_id, e.kind, e.amount, e.currency, e.paid_at, e.reference"
    " FROM entered e JOIN named n ON n.id = e.id ORDER BY n.line"
)
KEEP_UNMATCHED: Final = text(
    "WITH kept AS (INSERT INTO unmatched_payments (id, programme, row_key, file, line, reference, kind,"  # noqa: S608 -- constants
    "  amount, currency, paid_at, note, created_at)"
    f" SELECT r.id, :programme, {MADE}, :file, r.line,"
    f" CASE WHEN r.reference IS NULL OR r.place > 1 THEN {MADE} ELSE r.reference END,"
    " r.kind, r.amount, :currency, r.paid_at, coalesce(r.note, ''), :now"
    " FROM payment_import_rows r WHERE r.import_id = :import_id AND r.origin_id IS NULL"
    " ON CONFLICT (programme, row_key) DO NOTHING RETURNING line)"
    " SELECT line FROM kept ORDER BY line"
)
REPEATED: Final = text(
    "SELECT line FROM payment_import_rows r WHERE import_id = :import_id"
    " AND NOT EXISTS (SELECT FROM payments p WHERE p.id = r.id)"
    " AND NOT EXISTS (SELECT FROM unmatched_payments u WHERE u.id = r.id) ORDER BY line LIMIT :limit"
)


class RowGroup(NamedTuple):
    """A row, all lines that are concerned, its reference, and how many such rows there are."""

    line: int
    lines: Sequence[int]
    reference: str | None
    total: int


def get_or_create(
    session: Session, programme: str, reseller_id: UUID | None, digest: str, now: datetime
) -> PaymentImport:
    """Return the import of that file, locked; create it when there is none."""
    values = {"id": new_id(), "programme": programme, "reseller_id": reseller_id, "digest": digest, "begun_at": now}
    session.execute(insert(PaymentImport).values(**values).on_conflict_do_nothing())
    same = PaymentImport.reseller_id.is_not_distinct_from(reseller_id)
    conditions = (PaymentImport.programme == programme, same, PaymentImport.digest == digest)
    query = select(PaymentImport).where(*conditions).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def lock(session: Session, import_id: UUID) -> PaymentImport:
    """Return one import, locked."""
    return session.get_one(PaymentImport, import_id, with_for_update=True, populate_existing=True)


def copy_rows(session: Session, import_id: UUID, rows: Iterable[ParsedRow]) -> None:
    """Store rows."""
    with psycopg_connection(session).cursor().copy(COPY) as copy:
        for row in rows:
            cells = (row.line, new_id(), row.reference, row.kind.value, row.amount, row.paid_at)
            copy.write_row((import_id, *cells, row.origin, row.content, row.accepted, row.note))


def number_equal_rows(session: Session, import_id: UUID) -> None:
    """Number equal rows by line."""
    session.execute(NUMBER, {"import_id": import_id})


def equal_rows(session: Session, import_id: UUID, limit: int) -> list[RowGroup]:
    """Return rows that are equal, by line, unless all but the first were accepted."""
    return [RowGroup(*row) for row in session.execute(EQUAL, {"import_id": import_id, "limit": limit})]


def clashing_rows(session: Session, import_id: UUID, limit: int) -> list[RowGroup]:
    """Return rows of two contents under one reference, by line, unless all but the first were accepted."""
    return [RowGroup(*row) for row in session.execute(CLASHING, {"import_id": import_id, "limit": limit})]


def differing_rows(session: Session, import_id: UUID, receivers: Mapping[UUID, UUID], limit: int) -> list[RowGroup]:
    """Return rows whose reference the ledger has with another content, by line, unless they were accepted."""
    values = {"import_id": import_id, "limit": limit, **pairs(receivers)}
    return [RowGroup(*row) for row in session.execute(DIFFERING, values)]


def origins(session: Session, import_id: UUID) -> Sequence[UUID]:
    """Return the resellers that the rows name, in the order in which they are locked."""
    query = select(StagedPayment.origin_id).where(
        StagedPayment.import_id == import_id, StagedPayment.origin_id.is_not(None)
    )
    return [origin for origin in session.scalars(query.distinct().order_by(StagedPayment.origin_id)) if origin]


def enter(
    session: Session, import_id: UUID, receivers: Mapping[UUID, UUID], currency: str, now: datetime
) -> list[EnteredPayment]:
    """Enter the rows that are not in the ledger yet; return them by line."""
    values = {"import_id": import_id, "currency": currency, "now": now, **pairs(receivers)}
    return [EnteredPayment(*row) for row in session.execute(ENTER, values)]


def keep_unmatched(
    session: Session, import_id: UUID, programme: str, currency: str, file: str, now: datetime
) -> Sequence[int]:
    """Keep the rows that name no reseller until somebody assigns them; return the lines of new ones."""
    values = {"import_id": import_id, "programme": programme, "currency": currency, "file": file, "now": now}
    return session.scalars(KEEP_UNMATCHED, values).all()


def repeated(session: Session, import_id: UUID, limit: int) -> Sequence[int]:
    """Return the lines of rows that were there before."""
    return session.scalars(REPEATED, {"import_id": import_id, "limit": limit}).all()


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


def pairs(receivers: Mapping[UUID, UUID]) -> dict[str, list[UUID]]:
    """Return the parameters of `KNOWN`: each reseller with the one for which its payments count."""
    return {"origins": list(receivers), "counted": list(receivers.values())}
