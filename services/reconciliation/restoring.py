"""A charge that is gone, put back from the event that told of it."""

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


def restore_charge(session: Session, told: Mapping[str, Any], now: datetime) -> Charge:
    """The charge with the id, amounts and payer it had; `how` says where it comes from.

    Raises Conflict(`not_mendable`) when no event tells of it, or the charge is there.
    """
    run = session.get_one(FeeRun, UUID(str(told["run_id"])), with_for_update=True)
    start = date.fromisoformat(told["period_start"])
    event = charge_told(session, run.account_id, run.kind, run.code, start)
    if event is None or session.get(Charge, UUID(event.data["id"])) is not None:
        raise Conflict("not_mendable", "No event tells of that charge; write it by hand.", state="charge_gone")
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
