"""Credits: the unused days of a plan's paid periods, paid back to whom they were charged (programme.md 7.6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.fees import queries
from kontor.fees.charging import Billing
from kontor.fees.fee_events import emit_created
from kontor.fees.queries import NewCharge
from kontor.fees.rules import RunningPeriod, unused_part
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.periods import Period
from kontor.kernel.zones import day_start
from models.fees import Charge, ChargeKind, FeeRun

PRICED_BY: Final = ("version", "list", "percent")
"""What a credit's `how` repeats of the charge that it credits."""


def lock_payers(session: Session, account_id: UUID) -> None:
    """Share-lock whoever was charged for an account's plan, before the account: a merge may be moving its charges."""
    locked = set[UUID]()
    while (payer := queries.last_plan_payer(session, account_id)) is not None and payer not in locked:
        accounts.find(session, payer, share=True)
        locked.add(payer)


def running_period(billing: Billing, run: FeeRun | None) -> RunningPeriod | None:
    """Return what the running period of a charged run was charged; None without a run or charge."""
    charge = None if run is None else queries.last_charge(billing.session, run)
    if charge is None:
        return None
    first_instant = day_start(charge.period_start, billing.programme.zone)
    return RunningPeriod(Money(charge.fee, charge.currency), first_instant == billing.ctx.now)


def credit_unused(billing: Billing, run: FeeRun) -> list[NewCharge]:
    """Credit the days of a run's paid periods from today on, to whom each was charged; return the credits."""
    charges = queries.lock_unused(billing.session, run, billing.today)
    made = [credit for charge in charges if (credit := _credit(billing, charge)).total]
    queries.add(billing.session, made)
    emit_created(billing.ctx, billing.session, billing.code, made)
    return made


def _credit(billing: Billing, charge: Charge) -> NewCharge:
    start = max(charge.period_start, billing.today)
    period = Period(charge.period_start, charge.period_end)
    total = unused_part(Money(charge.total, charge.currency), period, start)
    return NewCharge(
        id=new_id(),
        run_id=None,
        programme=billing.code,
        account_id=charge.account_id,
        reseller_id=charge.reseller_id,
        kind=ChargeKind.CREDIT.value,
        product=charge.product,
        period_start=start,
        period_end=charge.period_end,
        currency=total.currency,
        fee=total.amount,
        percent=Decimal(0),
        discount=Decimal(0),
        total=total.amount,
        how=_how(charge, start),
        created_at=billing.ctx.now,
        credits=charge.id,
    )


def _how(charge: Charge, start: date) -> dict[str, JsonValue]:
    return {
        "credits": str(charge.id),
        "total": f"{Money(charge.total, charge.currency).amount:f}",
        "days": (charge.period_end - start).days,
        "of_days": (charge.period_end - charge.period_start).days,
        "as_of": start.isoformat(),
        "rounding": "half up",
        **{name: charge.how[name] for name in PRICED_BY if name in charge.how},
    }


def sums_by_payer(charges: Sequence[NewCharge]) -> dict[UUID | None, Money]:
    """Return the sum of the charges of each payer; None: the account itself."""
    sums: dict[UUID | None, Money] = {}
    for charge in charges:
        amount = Money(charge.total, charge.currency)
        sums[charge.reseller_id] = sums.get(charge.reseller_id, amount * 0) + amount
    return sums
