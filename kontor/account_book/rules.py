"""What a balance covers (programme.md 10)."""

from __future__ import annotations

from decimal import Decimal

from kontor.programme.model import BillingRules


def available(billing: BillingRules, balance: Decimal) -> Decimal | None:
    """Return what orders may spend, never below zero; None: without limit."""
    return None if billing.credit is None else max(Decimal(0), balance + billing.credit)


def missing(billing: BillingRules, balance: Decimal, price: Decimal) -> Decimal:
    """Return by how much balance and credit limit fall short of a price; zero when they cover it, or nothing is due."""
    if billing.credit is None or not price:
        return Decimal(0)
    return max(Decimal(0), price - balance - billing.credit)


def is_low(billing: BillingRules, balance: Decimal) -> bool:
    """Whether a balance is under the threshold of the programme."""
    return billing.balance_low is not None and balance < billing.balance_low.amount
