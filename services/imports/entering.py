"""Import a checked file: rows are staged outside the ledger, then entered all at once.

A crash leaves nothing in the ledger; importing the same file again continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.ids import new_id
from domain.programme.model import Programme
from services.clients import kept_reseller
from services.discounts.book import DiscountBook
from services.discounts.recomputing import recompute_soon
from services.imports.reading import BadRow, Row
from store import payment_imports as rows

CHUNK: Final = 10_000
ABANDONED: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Begun:
    """An import in progress: its programme, the number of staged rows, and whether it was finished before."""

    id: UUID
    programme: Programme
    staged: int
    finished: bool


@dataclass(frozen=True, slots=True)
class Entered:
    """Result of an import: rows added, rows already in the ledger, or the errors that refused the file."""

    imported: int
    already_there: int
    bad: tuple[BadRow, ...] = ()


def programme_of(ctx: DiscountBook, session: Session, reseller_id: UUID) -> Programme:
    """Return a reseller's programme. Raises NotFound, Conflict(`not_a_reseller`, `account_deleted`)."""
    return ctx.programme(session, kept_reseller(session, reseller_id).programme)


def begin(ctx: DiscountBook, session: Session, reseller_id: UUID, digest: str) -> Begun:
    """Start or continue the import of a file, by its SHA-256. Raises like `programme_of`."""
    programme = programme_of(ctx, session, reseller_id)
    rows.drop_abandoned(session, ctx.now - ABANDONED)
    record = rows.begun(session, reseller_id, digest, ctx.now)
    return Begun(record.id, programme, record.lines, record.finished_at is not None)


def stage(session: Session, import_id: UUID, start: int, chunk: Sequence[Row]) -> None:
    """Stage the rows that follow the first `start`, except those staged by another process since."""
    record = rows.locked(session, import_id)
    new_rows = chunk[max(0, record.lines - start) :] if record.finished_at is None else ()
    staged = ((row.line, new_id(), row.reference, row.kind.value, row.amount, row.paid_at) for row in new_rows)
    rows.stage(session, import_id, staged)
    record.lines += len(new_rows)


def finish(ctx: DiscountBook, session: Session, import_id: UUID) -> Entered:
    """Import all rows in the caller's transaction; a single conflicting row refuses the file."""
    record = rows.locked(session, import_id)
    if record.finished_at is not None:
        return Entered(0, record.lines)
    reseller = kept_reseller(session, record.reseller_id)
    clashes = rows.clashes(session, import_id, reseller.id)
    if clashes:
        rows.drop(session, import_id)
        errors = (
            BadRow(row.line, f"conflicts with {row.what} that has the reference {row.reference!r}") for row in clashes
        )
        return Entered(0, 0, tuple(errors))
    currency = ctx.programme(session, reseller.programme).currency
    imported = rows.enter(session, import_id, reseller.id, currency, ctx.now)
    rows.clear(session, import_id)
    record.finished_at, record.summary = ctx.now, {"rows": record.lines, "imported": imported}
    session.flush()
    if imported:
        recompute_soon(ctx, session, reseller)
    return Entered(imported, record.lines - imported)
