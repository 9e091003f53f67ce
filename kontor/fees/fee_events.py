"""Events about charges, credits and plans."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.fees import queries
from kontor.fees.queries import NewCharge
from kontor.fees.rules import FeeAmounts
from kontor.kernel.money import Money
from kontor.kernel.periods import Period
from kontor.webhooks import events
from kontor.webhooks.events import NewEvent, reseller_of
from models.fees import Charge, FeeKind


def emit_created(ctx: Context, session: Session, code: str, made: Sequence[NewCharge]) -> None:
    """Emit `charge.created` for charges and credits of a programme, and `charge.credited` for its credits."""
    news: list[NewEvent] = []
    for charge in made:
        data = event_data(charge)
        news.append(NewEvent("charge.created", data, charge.account_id, charge.reseller_id, code))
        if charge.credits is not None:
            news.append(NewEvent("charge.credited", data, charge.account_id, charge.reseller_id, code))
    events.emit_many(session, ctx.jobs, news, at=ctx.now)


def emit_voided(ctx: Context, session: Session, rows: Sequence[Charge]) -> None:
    """Emit `charge.voided` for charges and credits."""
    news = [
        NewEvent(
            "charge.voided",
            {**event_data(row), "void": True, "reason": row.void_reason},
            row.account_id,
            row.reseller_id,
            row.programme,
        )
        for row in rows
    ]
    events.emit_many(session, ctx.jobs, news, at=ctx.now)


def event_data(charge: NewCharge | Charge) -> dict[str, object]:
    """Return the data of `charge.created`: the charge as the API shows it, in plain JSON."""
    fee, discount, total = (Money(each, charge.currency) for each in (charge.fee, charge.discount, charge.total))
    period = Period(charge.period_start, charge.period_end)
    credited = {} if charge.credits is None else {"credits": str(charge.credits)}
    return {
        "id": str(charge.id),
        "account_id": str(charge.account_id),
        "reseller_id": None if charge.reseller_id is None else str(charge.reseller_id),
        **terms_data(charge.kind, charge.product, period, FeeAmounts(fee, discount, total)),
        **credited,
    }


def terms_data(kind: str, code: str, period: Period, cost: FeeAmounts) -> dict[str, object]:
    """Return what `charge.created` says of a charge but for its id, account and payer."""
    return {
        "kind": kind,
        "product": code,
        "period_start": period.start.isoformat(),
        "period_end": period.end.isoformat(),
        "fee": cost.fee.to_document(),
        "discount": cost.discount.to_document(),
        "total": cost.total.to_document(),
        "void": False,
    }


def emit_subscriptions(ctx: Context, session: Session, account_ids: Collection[UUID]) -> None:
    """Emit `subscription.changed` of locked accounts: the plan in force, when it ends, what follows."""
    session.flush()
    if not account_ids:
        return
    plans = {run.account_id: run for run in queries.lock_open(session, account_ids) if run.kind == FeeKind.PLAN}
    news = []
    for account in events.accounts_of(session, account_ids):
        run = plans.get(account.id)
        data = {
            "account_id": str(account.id),
            "name": account.name,
            "plan": account.plan,
            "ends_on": None if run is None or run.until is None else run.until.isoformat(),
            "then": None if run is None else run.then_plan,
        }
        news.append(NewEvent("subscription.changed", data, account.id, reseller_of(account), account.programme))
    events.emit_many(session, ctx.jobs, news, at=ctx.now)
