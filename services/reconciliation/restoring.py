"""Restore a missing charge from its event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict
from models.fees import Charge, FeeRun
from store.reconciliation.events import charge_told


def restore_charge(session: Session, facts: Mapping[str, Any], now: datetime) -> Charge:
    """Restore a charge with its original id, amounts and payer; `how` names the event.

    Raises Conflict(`not_mendable`) when there is no event for it or the charge exists.
    """
    run = session.get_one(FeeRun, UUID(str(facts["run_id"])), with_for_update=True)
    start = date.fromisoformat(facts["period_start"])
    event = charge_told(session, run.account_id, run.kind, run.code, start)
    if event is None or session.get(Charge, UUID(event.data["id"])) is not None:
        message = "There is no event for that charge, or the charge exists already; check it and accept the gap."
        raise Conflict("not_mendable", message, state="charge_gone")
    data = event.data
    fee, discount = (Decimal(data[name]["amount"]) for name in ("fee", "discount"))
    charge = Charge(
        id=UUID(data["id"]),
        run_id=run.id,
        programme=run.programme,
        account_id=run.account_id,
        reseller_id=UUID(data["reseller_id"]) if data["reseller_id"] else None,
        kind=run.kind,
        product=data["product"],
        period_start=start,
        period_end=date.fromisoformat(data["period_end"]),
        currency=data["fee"]["currency"],
        fee=fee,
        percent=discount * 100 / fee if fee else Decimal(0),
        discount=discount,
        total=Decimal(data["total"]["amount"]),
        how={"restored_from_event": event.seq},
        created_at=event.at,
    )
    session.add(charge)
    session.flush()
    return charge
