"""Taking a checked file in: rows are staged where nobody sees them, and entered all at once.

Whoever is killed on the way leaves nothing in the ledger; the same file again goes on where it stopped.
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
    """An import under way: its programme, how many rows are staged, or that it was finished before."""

    id: UUID
    programme: Programme
    staged: int
    finished: bool


@dataclass(frozen=True, slots=True)
class Entered:
    """What became of a file: rows that are new in the ledger, that were there, or why none was taken."""

    imported: int
    already_there: int
    bad: tuple[BadRow, ...] = ()


def programme_of(book: DiscountBook, session: Session, reseller_id: UUID) -> Programme:
    """The rules a reseller's payments follow. Raises NotFound, Conflict(`not_a_reseller`, `account_deleted`)."""
    return book.programme(session, kept_reseller(session, reseller_id).programme)


def begin(book: DiscountBook, session: Session, reseller_id: UUID, digest: str) -> Begun:
    """Begin the import of a file, or go on with it. Raises as `programme_of` does."""
    programme = programme_of(book, session, reseller_id)
    rows.drop_abandoned(session, book.now - ABANDONED)
    found = rows.begun(session, reseller_id, digest, book.now)
    return Begun(found.id, programme, found.lines, found.finished_at is not None)


def stage(session: Session, import_id: UUID, start: int, chunk: Sequence[Row]) -> None:
    """Keep the rows that come after the first `start`, unless somebody else did meanwhile."""
    found = rows.locked(session, import_id)
    fresh = chunk[max(0, found.lines - start) :] if found.finished_at is None else ()
    staged = ((row.line, new_id(), row.reference, row.kind.value, row.amount, row.paid_at) for row in fresh)
    rows.stage(session, import_id, staged)
    found.lines += len(fresh)


def finish(book: DiscountBook, session: Session, import_id: UUID) -> Entered:
    """Enter all rows in the caller's transaction, or none: one that clashes refuses the file."""
    found = rows.locked(session, import_id)
    if found.finished_at is not None:
        return Entered(0, found.lines)
    reseller = kept_reseller(session, found.reseller_id)
    clashes = rows.clashes(session, import_id, reseller.id)
    if clashes:
        rows.drop(session, import_id)
        told = (BadRow(one.line, f"{one.what} with reference {one.reference!r} says otherwise") for one in clashes)
        return Entered(0, 0, tuple(told))
    currency = book.programme(session, reseller.programme).currency
    imported = rows.enter(session, import_id, reseller.id, currency, book.now)
    rows.clear(session, import_id)
    found.finished_at, found.summary = book.now, {"rows": found.lines, "imported": imported}
    session.flush()
    if imported:
        recompute_soon(book, session, reseller)
    return Entered(imported, found.lines - imported)
