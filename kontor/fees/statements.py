"""Charges listed and voided; the monthly statement and the daily charging run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
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
from kontor.fees import queries
from kontor.fees.catalogue import ResellerCatalogue
from kontor.fees.charging import Billing
from kontor.fees.queries import ChargeFilter, RunPosition
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.money import Money
from kontor.kernel.paging import Page, paginate, parsed_cursor
from kontor.kernel.periods import add_months
from kontor.mailer.formatting import language_of
from kontor.mails import service as mails
from kontor.programme import Programme
from models.accounts import Account
from models.fees import Charge, FeeKind

TEMPLATE: Final = "statement"
LINES: Final = 200
"""Maximum number of charges listed in a mail."""


def post(ctx: Context, session: Session, reseller_id: UUID, month: date) -> UUID | None:
    """Charge what is still due, then mail a reseller's charges of a month (its first day); None: no mail.

    Void charges are left out. A deleted reseller gets no mail.
    """
    charge_reseller(ctx, session, reseller_id)
    reseller = accounts.find(session, reseller_id)
    if reseller is None or reseller.deleted_at is not None:
        return None
    charges = queries.of_month(session, reseller_id, month, add_months(month, 1))
    if not charges:
        return None
    return mails.post(
        session,
        ctx.jobs,
        template=TEMPLATE,
        account=reseller,
        facts=_facts(ctx, session, reseller, month, charges),
        fact_key=month.isoformat(),
    )


def _facts(
    ctx: Context, session: Session, reseller: Account, month: date, charges: Sequence[tuple[Charge, str]]
) -> dict[str, object]:
    shelf = ResellerCatalogue.of(ctx, session, reseller)
    currency = charges[0][0].currency
    in_currency = [(charge, name) for charge, name in charges if charge.currency == currency]
    listed, rest = in_currency[:LINES], in_currency[LINES:]
    return {
        "month": month.isoformat(),
        "charges": [_line(shelf, reseller.locale, charge, name) for charge, name in listed],
        "more": len(rest),
        "rest": _sum((charge.total for charge, _ in rest), currency) if rest else None,
        "fees": _sum((charge.fee for charge, _ in in_currency), currency),
        "discounts": _sum((charge.discount for charge, _ in in_currency), currency),
        "total": _sum((charge.total for charge, _ in in_currency), currency),
    }


def _line(shelf: ResellerCatalogue, locale: str, charge: Charge, account: str) -> dict[str, object]:
    return {
        "account": account,
        "item": _item(shelf.programme, shelf, locale, charge),
        "period_start": charge.period_start,
        "period_end": charge.period_end,
        "fee": Money(charge.fee, charge.currency).to_document(),
        "discount": Money(charge.discount, charge.currency).to_document(),
        "total": Money(charge.total, charge.currency).to_document(),
    }


def _item(programme: Programme, shelf: ResellerCatalogue, locale: str, charge: Charge) -> str:
    if charge.kind != FeeKind.PLAN:
        return shelf.name(charge.product, language_of(locale))
    plan = programme.plans.get(charge.product)
    return charge.product if plan is None else plan.name_in(language_of(locale))


def _sum(amounts: Iterable[Decimal], currency: str) -> dict[str, str]:
    return Money(sum(amounts, Decimal(0)), currency).to_document()


RANGE: Final = 2_000
"""Number of runs charged in one transaction."""


def ranges(ctx: Context, session: Session, programme: str) -> list[tuple[RunPosition, RunPosition | None]]:
    """Return the start of each range of due runs, and the exclusive end (None for the last)."""
    today = ctx.today(ctx.programmes.current(session, programme).zone)
    starts = queries.range_starts(session, programme, today, RANGE)
    return list(zip_longest(starts, starts[1:]))


def charge_range(ctx: Context, session: Session, programme: str, first: RunPosition, before: RunPosition | None) -> int:
    """Charge the due runs from `first` to before `before`; return the number of charges."""
    billing = Billing.of(ctx, session, programme)
    return _charge(billing, queries.due(session, programme, billing.today, first, before))


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


def get(session: Session, charge_id: UUID) -> Charge:
    """Return one charge. Raises NotFound."""
    charge = queries.by_id(session, charge_id)
    if charge is None:
        raise NotFound(message="No such charge.")
    return charge


REASON_LIMIT: Final = 1_000


def page(session: Session, filters: ChargeFilter, cursor: str | None, limit: int) -> Page[Charge]:
    """Return charges by the first day of their period. Raises Invalid on an invalid cursor."""
    charges = queries.page(session, filters, parsed_cursor(cursor, _position), limit + 1)
    return paginate(charges, limit, lambda charge: f"{charge.period_start.isoformat()}~{charge.id}")


def _position(cursor: str) -> tuple[date, UUID]:
    day, _, charge_id = cursor.partition("~")
    return date.fromisoformat(day), UUID(charge_id)


def void(ctx: Context, session: Session, charge_id: UUID, reason: str, actor: str) -> Charge:
    """Void a charge permanently. Raises NotFound, Invalid, Conflict(`already_void`)."""
    stripped = reason.strip()
    if not 1 <= len(stripped) <= REASON_LIMIT:
        message = f"The reason must have 1 to {REASON_LIMIT} characters."
        raise Invalid("invalid", message, errors=[FieldError("reason", message)])
    charge = queries.by_id(session, charge_id, lock=True)
    if charge is None:
        raise NotFound(message="No such charge.")
    if charge.voided_at is not None:
        raise Conflict("already_void", "The charge is already void.", state="void")
    charge.voided_at, charge.void_reason, charge.voided_by = ctx.now, stripped, actor
    audit.record(session, Actor(actor, reason=stripped), "charge.void", str(charge.id), at=ctx.now)
    session.flush()
    if charge.reseller_id is not None:
        programme = ctx.programme(session, charge.programme)
        falling = charge.kind == "credit"
        account_book.check_balances(ctx, session, programme, [charge.reseller_id], falling=falling)
    return charge
