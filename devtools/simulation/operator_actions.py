"""Actions about money and by operators, and the context actions run in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from devtools.simulation.environment import Stage
from devtools.simulation.log import Journal
from kontor.accounts import merge as accounts_merge
from kontor.audit import Actor
from kontor.discounts import run_admin
from kontor.engine.admin.operations import Operations
from kontor.fees.assignments import Assignments
from kontor.fees.plans import cancel_plan, take_plan
from kontor.kernel.errors import KontorError, NotFound
from kontor.kernel.money import Money
from kontor.kernel.states import DeadReason, JobState, PaymentKind, RunState
from kontor.orders import service as orders
from kontor.orders.service import NewOrder
from kontor.payments import service as payments
from kontor.payments.service import NewPayment
from kontor.programme import Programme
from models.discounts import DiscountRun
from models.jobs import Job


def pay(hands: Hands, session: Session, told: Values) -> None:
    """Enter a payment, refund or chargeback."""
    money = Money(Decimal(told["amount"]), hands.rules.currency)
    new = NewPayment(PaymentKind(told["kind"]), money, told["paid_at"], told["reference"])
    payments.post(hands.stage.context, session, hands.id(told["reseller"]), new)


def order(hands: Hands, session: Session, told: Values) -> Answer:
    """Place an order; the price is the answer."""
    new = NewOrder(told["product"], told["order_ref"], told["quantity"], told["promo_code"])
    placed = orders.place(hands.stage.context, session, hands.id(told["reseller"]), new).order
    return {
        "list": placed.list_.amount,
        "percent": str(placed.percent),
        "net": placed.net.amount,
        "suppressed": [one.code for one in placed.suppressed],
    }


def plan(hands: Hands, session: Session, told: Values) -> None:
    """Take a paid plan."""
    take_plan(hands.stage.context, session, hands.id(told["account"]), told["plan"])


def unplan(hands: Hands, session: Session, told: Values) -> None:
    """Cancel it."""
    cancel_plan(hands.stage.context, session, hands.id(told["account"]))


def assign(hands: Hands, session: Session, told: Values) -> None:
    """Assign a product by the month."""
    retail = Money(Decimal(told["retail_fee"]), hands.rules.currency) if told["retail_fee"] else None
    Assignments.of(hands.stage.context, session, hands.id(told["account"])).assign(told["product"], retail)


def unassign(hands: Hands, session: Session, told: Values) -> None:
    """End it with the paid period."""
    Assignments.of(hands.stage.context, session, hands.id(told["account"])).unassign(told["product"])


Values = Mapping[str, Any]
Answer = Mapping[str, Any] | KontorError | None


@dataclass(frozen=True, slots=True)
class Hands:
    """The stage, the programme and its code, and which row a label stands for."""

    stage: Stage
    journal: Journal
    programme: str
    rules: Programme

    def id(self, label: object) -> UUID:
        """The row of a label. Raises NotFound for what was refused when it was to be made."""
        found = self.journal.ids.get(str(label))
        if found is None:
            raise NotFound
        return found

    def know(self, label: object, row: UUID) -> None:
        """Remember the row of a label."""
        self.journal.ids[str(label)] = row


MONEY_ACTIONS: Final[Mapping[str, Deed]] = {
    "pay": pay,
    "order": order,
    "plan": plan,
    "unplan": unplan,
    "assign": assign,
    "unassign": unassign,
}

OPERATOR: Final = "operator:simulation"


def merge(hands: Hands, session: Session, told: Values) -> None:
    """Look first, as people do; then have it done."""
    book, source, target = hands.stage.context, hands.id(told["source"]), hands.id(told["target"])
    accounts_merge.require_no_conflicts(accounts_merge.preview(book, session, source, target))
    accounts_merge.enqueue(book, session, source, target)


def make_round(hands: Hands, session: Session, told: Values) -> Mapping[str, int]:
    """Approve held runs, retry what is dead because an instance was away too long."""
    held = session.scalars(select(DiscountRun.id).where(DiscountRun.state == RunState.HELD)).all()
    for run_id in held:
        run_admin.approve(hands.stage.context, session, run_id, OPERATOR, "a quiet month begins")
    mine = (Job.state == JobState.DEAD, Job.reason == DeadReason.LANE_HELD)
    dead = session.scalars(select(Job.id).where(*mine).order_by(Job.id)).all()
    control = Operations(hands.stage.jobs)
    for job_id in dead:
        control.retry(session, job_id, Actor(OPERATOR, reason="the instance is back"))
    return {"approved": len(held), "retried": len(dead)}


OPERATOR_ACTIONS: Final[Mapping[str, Deed]] = {"merge": merge, "round": make_round}


Deed = Callable[[Hands, Session, Values], Answer]
