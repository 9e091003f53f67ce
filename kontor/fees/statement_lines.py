"""The lines of a statement: charges, credits, and what was voided since it stood on a statement. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kontor.kernel.money import Money
from kontor.kernel.periods import Period
from models.fees import Charge, ChargeKind


class LineKind(StrEnum):
    """What a line is: `void` takes a charge of an earlier statement back, `credit_void` a credit."""

    CHARGE = "charge"
    CREDIT = "credit"
    VOID = "void"
    CREDIT_VOID = "credit_void"


LESSENS = frozenset({LineKind.CREDIT, LineKind.VOID})


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line; fee - discount = total, negative where it lessens what is owed."""

    kind: LineKind
    account: str
    is_product: bool
    code: str
    period: Period
    fee: Money
    discount: Money
    total: Money


@dataclass(frozen=True, slots=True)
class StatementTotals:
    """Sums of a statement: `fees` and `discounts` of its charges, `credits` of all other lines, None without any."""

    fees: Money
    discounts: Money
    credits: Money | None
    total: Money


def totals_of(lines: Sequence[StatementLine]) -> StatementTotals:
    """Add up at least one line."""
    zero = lines[0].total * 0
    charged = [line for line in lines if line.kind is LineKind.CHARGE]
    credited = [line.total for line in lines if line.kind is not LineKind.CHARGE]
    return StatementTotals(
        fees=sum((line.fee for line in charged), zero),
        discounts=sum((line.discount for line in charged), zero),
        credits=sum(credited, zero) if credited else None,
        total=sum((line.total for line in lines), zero),
    )


def statement_line(charge: Charge, account: str, *, void: bool) -> StatementLine:
    """Return the line of a charge or credit, or of its void, which takes the total back."""
    is_credit = charge.kind == ChargeKind.CREDIT
    if void:
        kind = LineKind.CREDIT_VOID if is_credit else LineKind.VOID
    else:
        kind = LineKind.CREDIT if is_credit else LineKind.CHARGE
    total = Money(charge.total, charge.currency)
    if kind in LESSENS:
        total = -total
    fee, discount = total, total - total
    if kind is LineKind.CHARGE:
        fee, discount = Money(charge.fee, charge.currency), Money(charge.discount, charge.currency)
    period = Period(charge.period_start, charge.period_end)
    is_product = charge.kind == ChargeKind.PRODUCT
    return StatementLine(kind, account, is_product, charge.product, period, fee, discount, total)
