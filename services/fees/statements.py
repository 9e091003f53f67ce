"""The monthly statement of a reseller's charges, mailed once, only for a month with charges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.money import Money
from domain.periods import add_months
from domain.programme import Programme
from mail.catalogue import language_of
from models.accounts import Account
from models.fees import Charge, FeeKind
from services import mails
from services.fees.book import FeeBook
from services.fees.runs import charge_reseller
from services.fees.shelf import Shelf
from store import accounts
from store.fees import charges as rows

TEMPLATE: Final = "statement"
LINES: Final = 200
"""Maximum number of charges listed in a mail."""


def post(ctx: FeeBook, session: Session, reseller_id: UUID, month: date) -> UUID | None:
    """Charge what is still due, then mail a reseller's charges of a month (its first day); None: no mail.

    Void charges are left out. A deleted reseller gets no mail.
    """
    charge_reseller(ctx, session, reseller_id)
    reseller = accounts.by_id(session, reseller_id)
    if reseller is None or reseller.deleted_at is not None:
        return None
    charges = rows.of_month(session, reseller_id, month, add_months(month, 1))
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
    ctx: FeeBook, session: Session, reseller: Account, month: date, charges: Sequence[tuple[Charge, str]]
) -> dict[str, Any]:
    shelf = Shelf.of(ctx, session, reseller)
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


def _line(shelf: Shelf, locale: str, charge: Charge, account: str) -> dict[str, Any]:
    return {
        "account": account,
        "item": _item(shelf.programme, shelf, locale, charge),
        "period_start": charge.period_start,
        "period_end": charge.period_end,
        "fee": Money(charge.fee, charge.currency).to_document(),
        "discount": Money(charge.discount, charge.currency).to_document(),
        "total": Money(charge.total, charge.currency).to_document(),
    }


def _item(programme: Programme, shelf: Shelf, locale: str, charge: Charge) -> str:
    if charge.kind != FeeKind.PLAN:
        return shelf.name(charge.product, language_of(locale))
    plan = programme.plans.get(charge.product)
    return charge.product if plan is None else plan.name


def _sum(amounts: Iterable[Decimal], currency: str) -> dict[str, str]:
    return Money(sum(amounts, Decimal(0)), currency).to_document()
