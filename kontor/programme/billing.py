"""How orders are paid, and what a balance covers (programme.md 10)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from urllib.parse import quote

from kontor.kernel.money import Money


class BillingMode(StrEnum):
    """Whether orders are paid before or after."""

    POSTPAID = "postpaid"
    PREPAID = "prepaid"


@dataclass(frozen=True, slots=True)
class BillingRules:
    """How far a reseller's balance covers orders, and where it is topped up (programme.md 10).

    `credit_limit`: how far below zero an order may take it; None: postpaid no limit, prepaid nothing. `balance_low`:
    the threshold of the mail. `payment_url`: a template with `{reseller}`, `{amount}` and `{reference}`.
    """

    mode: BillingMode = BillingMode.POSTPAID
    credit_limit: Money | None = None
    balance_low: Money | None = None
    payment_url: str | None = None

    @property
    def credit(self) -> Decimal | None:
        """How far below zero orders may take a balance; None: without limit."""
        if self.credit_limit is not None:
            return self.credit_limit.amount
        return Decimal(0) if self.mode is BillingMode.PREPAID else None

    def payment_link(self, reseller: str, amount: Money, at: datetime) -> str:
        """Return the URL to pay an amount at, "" without a template; the reference is made of reseller and time."""
        reference = f"{reseller}-{at:%Y%m%d%H%M%S}"
        values = {"reseller": reseller, "amount": f"{amount.amount:f}", "reference": reference}
        link = self.payment_url or ""
        for name, value in values.items():
            link = link.replace(f"{{{name}}}", quote(value, safe=""))
        return link

    def available(self, balance: Decimal) -> Decimal | None:
        """Return what orders may spend of a balance, never below zero; None: without limit."""
        return None if self.credit is None else max(Decimal(0), balance + self.credit)

    def missing(self, balance: Decimal, price: Decimal) -> Decimal:
        """Return by how much a price exceeds balance and credit limit; a price of zero is always covered."""
        if self.credit is None or not price:
            return Decimal(0)
        return max(Decimal(0), price - balance - self.credit)
