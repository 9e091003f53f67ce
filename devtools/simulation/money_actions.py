"""Actions about money: payments, orders, plans, products."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from devtools.simulation.action_context import ActionContext, ActionHandler, ActionResult, Values
from kontor.fees import statements
from kontor.fees.assignments import Assignments
from kontor.fees.plans import cancel_plan, quote_plan, take_plan
from kontor.kernel.errors import NotFound
from kontor.kernel.money import Money
from kontor.kernel.states import PaymentKind
from kontor.orders.routes import OrderOut
from kontor.payments import service as payments
from kontor.payments.service import NewPayment
from kontor.provisioning import ordering
from kontor.provisioning.ordering import NewOrder
from models.fees import Charge


def pay(ctx: ActionContext, session: Session, values: Values) -> None:
    """Enter a payment, refund or chargeback."""
    money = Money(Decimal(values["amount"]), ctx.programme.currency)
    new = NewPayment(PaymentKind(values["kind"]), money, values["paid_at"], values["reference"])
    payments.post(ctx.environment.context, session, ctx.id(values["reseller"]), new)


def order(ctx: ActionContext, session: Session, values: Values) -> ActionResult:
    """Place an order; return its price."""
    new = NewOrder(values["product"], values["order_ref"], values["quantity"], values["promo_code"])
    placed = OrderOut.of(ordering.place(ctx.environment.context, session, ctx.id(values["reseller"]), new).order)
    return {
        "list": placed.list_.amount,
        "percent": str(placed.percent),
        "net": placed.net.amount,
        "suppressed": [code.code for code in placed.suppressed],
    }


def plan(ctx: ActionContext, session: Session, values: Values) -> ActionResult:
    """Ask what a paid plan costs, then take it; return the quote."""
    account_id = ctx.id(values["account"])
    quote = quote_plan(ctx.environment.context, session, account_id, values["plan"])
    take_plan(ctx.environment.context, session, account_id, values["plan"])
    return {"charge": f"{quote.charge.amount:f}", "credit": f"{quote.credit().amount:f}", "at": quote.at}


def unplan(ctx: ActionContext, session: Session, values: Values) -> None:
    """Cancel a plan at the end of its period."""
    cancel_plan(ctx.environment.context, session, ctx.id(values["account"]))


def assign(ctx: ActionContext, session: Session, values: Values) -> None:
    """Assign a monthly product."""
    retail = Money(Decimal(values["retail_fee"]), ctx.programme.currency) if values["retail_fee"] else None
    Assignments.of(ctx.environment.context, session, ctx.id(values["account"])).assign(values["product"], retail)


def unassign(ctx: ActionContext, session: Session, values: Values) -> None:
    """End a monthly product with its paid period."""
    Assignments.of(ctx.environment.context, session, ctx.id(values["account"])).unassign(values["product"])


RECENT: Final = 6
"""So many of an account's charges are near enough to be voided."""


def void(ctx: ActionContext, session: Session, values: Values) -> ActionResult:
    """Void one of an account's last charges or credits; return which."""
    charges = select(Charge).where(Charge.account_id == ctx.id(values["account"]), Charge.voided_at.is_(None))
    ordered = charges.order_by(Charge.period_start.desc(), Charge.created_at.desc(), Charge.kind, Charge.product)
    recent = session.scalars(ordered.limit(RECENT)).all()
    if not recent:
        raise NotFound
    charge = recent[values["number"] % len(recent)]
    statements.void(ctx.environment.context, session, charge.id, "charged by mistake", "operator:simulation")
    period = {"start": charge.period_start, "end": charge.period_end}
    return {"kind": charge.kind, "code": charge.product, **period, "total": f"{charge.total:f}"}


MONEY_ACTIONS: Final[Mapping[str, ActionHandler]] = {
    "pay": pay,
    "order": order,
    "plan": plan,
    "unplan": unplan,
    "assign": assign,
    "unassign": unassign,
    "void": void,
}
