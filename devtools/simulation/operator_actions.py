"""Actions about money, actions of operators, and the context in which actions run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from devtools.simulation.environment import SimulationEnvironment
from devtools.simulation.log import ActionLog
from kontor.accounts import merge as accounts_merge
from kontor.audit import Actor
from kontor.discounts import run_admin
from kontor.engine.admin.operations import Operations
from kontor.fees.assignments import Assignments
from kontor.fees.plans import cancel_plan, quote_plan, take_plan
from kontor.kernel.errors import KontorError, NotFound
from kontor.kernel.money import Money
from kontor.kernel.states import DeadReason, JobState, PaymentKind, RunState
from kontor.orders.routes import OrderOut
from kontor.payments import service as payments
from kontor.payments.service import NewPayment
from kontor.programme.model import Programme
from kontor.provisioning import ordering
from kontor.provisioning.ordering import NewOrder
from models.discounts import DiscountRun
from models.jobs import Job


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


Values = Mapping[str, Any]
ActionResult = Mapping[str, Any] | KontorError | None


@dataclass(frozen=True, slots=True)
class ActionContext:
    """The environment, the programme with its code, and the log with the row id of each label."""

    environment: SimulationEnvironment
    log: ActionLog
    programme_code: str
    programme: Programme

    def id(self, label: object) -> UUID:
        """Return the row id of a label. Raises NotFound if its creation was refused."""
        row_id = self.log.ids.get(str(label))
        if row_id is None:
            raise NotFound
        return row_id

    def remember(self, label: object, row_id: UUID) -> None:
        """Store the row id of a label."""
        self.log.ids[str(label)] = row_id


MONEY_ACTIONS: Final[Mapping[str, ActionHandler]] = {
    "pay": pay,
    "order": order,
    "plan": plan,
    "unplan": unplan,
    "assign": assign,
    "unassign": unassign,
}

OPERATOR: Final = "operator:simulation"


def merge(ctx: ActionContext, session: Session, values: Values) -> None:
    """Preview a merge, then enqueue it."""
    context, source, target = ctx.environment.context, ctx.id(values["source"]), ctx.id(values["target"])
    accounts_merge.require_no_conflicts(accounts_merge.preview(context, session, source, target))
    accounts_merge.enqueue(context, session, source, target)


def operator_round(ctx: ActionContext, session: Session, values: Values) -> Mapping[str, int]:
    """Approve held discount runs and retry jobs that died because an instance was down too long."""
    held = session.scalars(select(DiscountRun.id).where(DiscountRun.state == RunState.HELD)).all()
    for run_id in held:
        run_admin.approve(ctx.environment.context, session, run_id, OPERATOR, "a quiet month begins")
    lane_held = (Job.state == JobState.DEAD, Job.reason == DeadReason.LANE_HELD)
    dead = session.scalars(select(Job.id).where(*lane_held).order_by(Job.id)).all()
    operations = Operations(ctx.environment.jobs)
    for job_id in dead:
        operations.retry(session, job_id, Actor(OPERATOR, reason="the instance is back"))
    return {"approved": len(held), "retried": len(dead)}


OPERATOR_ACTIONS: Final[Mapping[str, ActionHandler]] = {"merge": merge, "round": operator_round}


ActionHandler = Callable[[ActionContext, Session, Values], ActionResult]
