"""Commit a parsed payment file to the ledger: staged in chunks, judged and entered as one set."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.account_book import service as account_book
from kontor.context import Context
from kontor.discounts.daily_run import enqueue_recompute
from kontor.payments import import_queries as queries
from kontor.payments.import_queries import RowGroup
from kontor.payments.import_rows import Doubt, ParsedRow
from kontor.payments.import_target import ImportTarget
from kontor.payments.payment_events import EnteredPayment, event_of
from kontor.payments.service import PaymentReceiver, receiver_of
from kontor.webhooks import events

CHUNK: Final = 10_000
LISTED: Final = 1_000
"""Maximum number of listed rows of a kind; the rest are counted."""
ABANDONED: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class StartedImport:
    """An import in progress: the number of staged rows, and whether it was finished before."""

    id: UUID
    staged: int
    finished: bool


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Result of an import: rows added, kept without a reseller, there before (by line), or what refused the file."""

    imported: int = 0
    unmatched: tuple[int, ...] = ()
    repeated: tuple[int, ...] = ()
    already_there: int = 0
    doubtful: tuple[Doubt, ...] = ()
    doubtful_rows: int = 0


def start(ctx: Context, session: Session, target: ImportTarget, digest: str) -> StartedImport:
    """Start or continue the import of a file, by the digest of its bytes and options."""
    queries.delete_abandoned(session, ctx.now - ABANDONED)
    record = queries.get_or_create(session, target.code, target.reseller_id, digest, ctx.now)
    return StartedImport(record.id, record.lines, record.finished_at is not None)


def stage_rows(session: Session, import_id: UUID, start: int, chunk: Sequence[ParsedRow]) -> None:
    """Stage the rows that follow the first `start`, except those staged by another process since."""
    record = queries.lock(session, import_id)
    new_rows = chunk[max(0, record.lines - start) :] if record.finished_at is None else ()
    queries.copy_rows(session, import_id, new_rows)
    record.lines += len(new_rows)


def discard(session: Session, import_id: UUID) -> None:
    """Delete an import that was refused, with its rows."""
    if queries.lock(session, import_id).finished_at is None:
        queries.delete_import(session, import_id)


def commit_rows(ctx: Context, session: Session, target: ImportTarget, import_id: UUID, file: str) -> ImportResult:
    """Enter all rows in the caller's transaction; a doubtful one that was not accepted refuses the file."""
    record = queries.lock(session, import_id)
    if record.finished_at is not None:
        return ImportResult(already_there=record.lines)
    receivers = receivers_of(session, import_id)
    result = doubts_among_rows(session, import_id, receivers)
    if result.doubtful:
        queries.delete_import(session, import_id)
        return result
    counted = {origin: receiver.counted.id for origin, receiver in receivers.items()}
    currency = target.programme.currency
    entered = queries.enter(session, import_id, counted, currency, ctx.now)
    kept = queries.keep_unmatched(session, import_id, target.code, currency, file, ctx.now)
    repeated = queries.repeated(session, import_id, LISTED)
    imported = len(entered)
    queries.delete_staged(session, import_id)
    record.finished_at = ctx.now
    record.summary = {"rows": record.lines, "imported": imported, "unmatched": len(kept)}
    session.flush()
    announce(ctx, session, receivers.values(), entered)
    recompute(ctx, session, receivers.values(), {payment.reseller_id for payment in entered})
    already_there = record.lines - imported - len(kept)
    return ImportResult(imported, tuple(kept), tuple(repeated), already_there)


def announce(
    ctx: Context, session: Session, receivers: Iterable[PaymentReceiver], entered: Sequence[EnteredPayment]
) -> None:
    """Emit the event of each new payment, in the order of the file."""
    counted = {each.counted.id: each.counted for each in receivers}
    for start in range(0, len(entered), CHUNK):
        news = [event_of(counted[payment.reseller_id], payment) for payment in entered[start : start + CHUNK]]
        events.emit_many(session, ctx.jobs, news, at=ctx.now)


def recompute(ctx: Context, session: Session, receivers: Iterable[PaymentReceiver], paid: Collection[UUID]) -> None:
    """Enqueue the recomputation of the discount of each reseller that got a payment, and check its balance."""
    counted = {each.counted.id: each.counted for each in receivers if each.is_reseller}
    gaining = [counted[reseller_id] for reseller_id in sorted(counted.keys() & paid)]
    for reseller in gaining:
        enqueue_recompute(ctx, session, reseller)
    if gaining:
        programme = ctx.programme_of(session, gaining[0])
        account_book.check_balances(ctx, session, programme, [reseller.id for reseller in gaining])


def receivers_of(session: Session, import_id: UUID) -> dict[UUID, PaymentReceiver]:
    """Return the resellers of the staged rows, locked, by the id that the rows have."""
    return {origin: receiver_of(session, origin) for origin in queries.origins(session, import_id)}


def doubts_among_rows(
    session: Session, import_id: UUID, receivers: Mapping[UUID, PaymentReceiver] | None = None
) -> ImportResult:
    """Number the staged rows; return those that other rows or the ledger make doubtful, by line."""
    queries.number_equal_rows(session, import_id)
    receivers = receivers if receivers is not None else receivers_of(session, import_id)
    counted = {origin: receiver.counted.id for origin, receiver in receivers.items()}
    equal = queries.equal_rows(session, import_id, LISTED)
    clashing = queries.clashing_rows(session, import_id, LISTED)
    differing = queries.differing_rows(session, import_id, counted, LISTED)
    doubts = [
        *(doubt(row, "equal rows: one payment or several?") for row in equal),
        *(doubt(row, f"different rows have the reference {row.reference!r}") for row in clashing),
        *(doubt(row, f"the reference {row.reference!r} is in the ledger with another content") for row in differing),
    ]
    total = sum(rows[0].total for rows in (equal, clashing, differing) if rows)
    listed = sorted(doubts, key=lambda each: each.line)[:LISTED]
    return ImportResult(doubtful=tuple(listed), doubtful_rows=total)


def doubt(row: RowGroup, why: str) -> Doubt:
    """Return what is doubtful about a row of a group."""
    return Doubt(row.line, tuple(row.lines), why)
