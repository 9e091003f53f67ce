"""How the script's actions about money are done."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from domain.money import Money
from domain.tiers import PaymentKind
from services import orders, payments
from services.discounts.book import DiscountBook
from services.fees.assignments import Assignments
from services.fees.book import FeeBook
from services.fees.plans import cancel_plan, take_plan
from services.orders import NewOrder
from services.payments import NewPayment
from workers.simulation.hands import Answer, Deed, Hands, Values


def pay(hands: Hands, session: Session, told: Values) -> None:
    """Enter a payment, refund or chargeback."""
    money = Money(Decimal(told["amount"]), hands.rules.currency)
    new = NewPayment(PaymentKind(told["kind"]), money, told["paid_at"], told["reference"])
    payments.post(discounts_of(hands), session, hands.id(told["reseller"]), new)


def order(hands: Hands, session: Session, told: Values) -> Answer:
    """Place an order; the price is the answer."""
    new = NewOrder(told["product"], told["order_ref"], told["quantity"], told["promo_code"])
    placed = orders.place(discounts_of(hands), session, hands.id(told["reseller"]), new).document
    return {
        "list": placed["list"]["amount"],
        "percent": str(placed["percent"]),
        "net": placed["net"]["amount"],
        "suppressed": [one["code"] for one in placed["suppressed"]],
    }


def plan(hands: Hands, session: Session, told: Values) -> None:
    """Take a paid plan."""
    take_plan(fees_of(hands), session, hands.id(told["account"]), told["plan"])


def unplan(hands: Hands, session: Session, told: Values) -> None:
    """Cancel it."""
    cancel_plan(fees_of(hands), session, hands.id(told["account"]))


def assign(hands: Hands, session: Session, told: Values) -> None:
    """Assign a product by the month."""
    retail = Money(Decimal(told["retail_fee"]), hands.rules.currency) if told["retail_fee"] else None
    Assignments.of(fees_of(hands), session, hands.id(told["account"])).assign(told["product"], retail)


def unassign(hands: Hands, session: Session, told: Values) -> None:
    """End it with the paid period."""
    Assignments.of(fees_of(hands), session, hands.id(told["account"])).unassign(told["product"])


def discounts_of(hands: Hands) -> DiscountBook:
    """What the use cases of payments work with."""
    return DiscountBook(hands.stage.jobs, hands.stage.programmes)


def fees_of(hands: Hands) -> FeeBook:
    """What the use cases of fees work with."""
    return FeeBook(hands.stage.jobs, hands.stage.programmes)


DEEDS: Final[Mapping[str, Deed]] = {
    "pay": pay,
    "order": order,
    "plan": plan,
    "unplan": unplan,
    "assign": assign,
    "unassign": unassign,
}
