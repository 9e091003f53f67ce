"""Charges listed and voided; the monthly statement and the daily charging run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import zip_longest
from typing import Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from kontor import audit
from kontor.account_book import service as account_book
from kontor.accounts import service as accounts
from kontor.audit import Actor
from kontor.context import Context
from kontor.fees import charging_sets, queries, statement_queries
from kontor.fees.catalogue import ResellerCatalogue
from kontor.fees.charging import Billing
from kontor.fees.fee_events import emit_voided
from kontor.fees.queries import ChargeFilter, RunPosition
from kontor.fees.statement_lines import StatementLine, statement_line, totals_of
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.paging import Page, paginate, parsed_cursor
from kontor.kernel.periods import add_months
from kontor.mailer.formatting import language_of
from kontor.mails import service as mails
from models.fees import Charge

TEMPLATE: Final = "statement"
LINES: Final = 200
"""Maximum number of lines listed in a mail."""


def post(ctx: Context, session: Session, reseller_id: UUID, month: date) -> UUID | None:
    """Charge what is still due, then mail a reseller's statement of a month (its first day); None: no mail.

    It lists what is on no statement yet, and what was voided since it stood on one. A deleted reseller gets no mail.
    """
    charge_reseller(ctx, session, reseller_id)
    reseller = accounts.find(session, reseller_id)
    if reseller is None or reseller.deleted_at is not None:
        return None
    rows = statement_queries.lock_rows(session, reseller_id, add_months(month, 1))
    rows = [row for row in rows if row.charge.currency == rows[0].charge.currency]
    if not rows or not statement_queries.begin(session, reseller_id, month, ctx.now):
        return None
    lines = [statement_line(row.charge, row.account, void=row.void) for row in rows]
    facts = _facts(ResellerCatalogue.of(ctx, session, reseller), language_of(reseller.locale), month, lines)
    statement_queries.close(session, reseller_id, month, rows, totals_of(lines).total)
    return mails.post(session, ctx.jobs, template=TEMPLATE, account=reseller, facts=facts, fact_key=month.isoformat())


def _facts(shelf: ResellerCatalogue, language: str, month: date, lines: Sequence[StatementLine]) -> dict[str, object]:
    totals, rest = totals_of(lines), [line.total for line in lines[LINES:]]
    return {
        "month": month.isoformat(),
        "charges": [_line(shelf, language, line) for line in lines[:LINES]],
        "more": len(rest),
        "rest": sum(rest, lines[0].total * 0).to_document() if rest else None,
        "fees": totals.fees.to_document(),
        "discounts": totals.discounts.to_document(),
        "credits": totals.credits and totals.credits.to_document(),
        "total": totals.total.to_document(),
    }


def _line(shelf: ResellerCatalogue, language: str, line: StatementLine) -> dict[str, object]:
    return {
        "account": line.account,
        "kind": line.kind.value,
        "item": sold_name(shelf, language, line.code, is_product=line.is_product),
        "period_start": line.period.start,
        "period_end": line.period.end,
        "fee": line.fee.to_document(),
        "discount": line.discount.to_document(),
        "total": line.total.to_document(),
    }


def sold_name(shelf: ResellerCatalogue, language: str, code: str, *, is_product: bool) -> str:
    """Return what a charge is for, in a language: a product as its reseller calls it, or a plan."""
    if is_product:
        return shelf.name(code, language)
    plan = shelf.programme.plans.get(code)
    return code if plan is None else plan.name_in(language)


RANGE: Final = 5_000
"""Number of runs charged in one transaction."""


def ranges(ctx: Context, session: Session, programme: str) -> list[tuple[RunPosition, RunPosition | None]]:
    """Return the start of each range of due runs, and the exclusive end (None for the last)."""
    today = ctx.today(ctx.programmes.current(session, programme).zone)
    starts = queries.range_starts(session, programme, today, RANGE)
    return list(zip_longest(starts, starts[1:]))


def charge_range(ctx: Context, session: Session, programme: str, first: RunPosition, before: RunPosition | None) -> int:
    """Charge the due runs from `first` to before `before`; return the number of charges."""
    return charging_sets.charge_range(Billing.of(ctx, session, programme), first, before)


def charge_reseller(ctx: Context, session: Session, reseller_id: UUID) -> int:
    """Charge the due runs of a reseller's clients; return the number of charges."""
    owner = accounts.find(session, reseller_id)
    if owner is None:
        return 0
    billing = Billing.of(ctx, session, owner.programme)
    return _charge(billing, queries.due_of_reseller(session, reseller_id, billing.today))


def _charge(billing: Billing, due_rows: Sequence[Row[UUID, UUID, UUID | None]]) -> int:
    """Lock payers, accounts and runs, in that order, then charge; runs charged by others since are skipped."""
    if not due_rows:
        return 0
    payers = {row[2] for row in due_rows if row[2] is not None}
    owners = queries.lock_accounts(billing.session, {row[1] for row in due_rows}, payers)
    due_runs = queries.lock_due(billing.session, {row[0] for row in due_rows}, billing.today)
    return billing.charge(due_runs, owners)


def mark_stated(session: Session, charge: Charge) -> None:
    """Note which statement listed a charge that was lost and is restored, so that no other one does."""
    charge.stated = statement_queries.month_listing(session, charge)


def page(session: Session, filters: ChargeFilter, cursor: str | None, limit: int) -> Page[Charge]:
    """Return charges by the first day of their period. Raises Invalid on an invalid cursor."""
    charges = queries.page(session, filters, parsed_cursor(cursor, position), limit + 1)
    return paginate(charges, limit, cursor_of)


def cursor_of(charge: Charge) -> str:
    """Return the cursor of the charges that follow one, by the first day of their period."""
    return f"{charge.period_start.isoformat()}~{charge.id}"


def position(cursor: str) -> tuple[date, UUID]:
    """Return the position that a cursor stands for. Raises ValueError."""
    day, _, charge_id = cursor.partition("~")
    return date.fromisoformat(day), UUID(charge_id)


REASON_LIMIT: Final = 1_000


def get(session: Session, charge_id: UUID) -> Charge:
    """Return one charge or credit. Raises NotFound."""
    charge = queries.by_id(session, charge_id)
    if charge is None:
        raise NotFound(message="No such charge.")
    return charge


def void(ctx: Context, session: Session, charge_id: UUID, reason: str, actor: str) -> Charge:
    """Void a charge permanently, and its credit with it. Raises NotFound, Invalid, Conflict(`already_void`)."""
    stripped = reason.strip()
    if not 1 <= len(stripped) <= REASON_LIMIT:
        message = f"The reason must have 1 to {REASON_LIMIT} characters."
        raise Invalid("invalid", message, errors=[FieldError("reason", message)])
    charge = queries.by_id(session, charge_id, lock=True)
    if charge is None:
        raise NotFound(message="No such charge.")
    if charge.voided_at is not None:
        raise Conflict("already_void", "The charge is already void.", state="void")
    credit = queries.lock_credit(session, charge_id)
    with_credit = [charge] if credit is None or credit.voided_at is not None else [charge, credit]
    for row in with_credit:
        row.voided_at, row.void_reason, row.voided_by = ctx.now, stripped, actor
        audit.record(session, Actor(actor, reason=stripped), "charge.void", str(row.id), at=ctx.now)
    session.flush()
    emit_voided(ctx, session, with_credit)
    if charge.reseller_id is not None:
        programme = ctx.programme(session, charge.programme)
        falling = charge.kind == "credit"
        account_book.check_balances(ctx, session, programme, [charge.reseller_id], falling=falling)
    return charge
