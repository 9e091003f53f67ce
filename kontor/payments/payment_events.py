"""Events about payments, of whom they count for."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from kontor.kernel.money import Money
from kontor.kernel.states import PaymentKind
from kontor.webhooks.events import NewEvent
from models.accounts import Account
from models.payments import PaymentRow


class EnteredPayment(NamedTuple):
    """A row of a file that became a payment; `reseller_id` is whom it counts for."""

    id: UUID
    reseller_id: UUID
    kind: str
    amount: Decimal
    currency: str
    paid_at: datetime
    reference: str


def event_of(counted: Account, row: PaymentRow | EnteredPayment) -> NewEvent:
    """Build `payment.recorded`, or `payment.refunded` for a refund or a chargeback."""
    data = {
        "id": str(row.id),
        "reseller_id": str(counted.id),
        "kind": row.kind,
        "amount": Money(row.amount, row.currency).to_document(),
        "paid_at": row.paid_at.isoformat(),
        "reference": row.reference,
    }
    event = "payment.recorded" if row.kind == PaymentKind.PAYMENT else "payment.refunded"
    return NewEvent(event, data, counted.id, counted.id, counted.programme)
