"""Payments on the wire."""

from datetime import date
from typing import Self
from uuid import UUID

from pydantic import Field

from kontor.http.wire import DayIn, MoneyIn, MoneyOut, PageQuery, RequestModel, ResponseModel, UtcIn, UtcOut
from kontor.kernel.money import Money
from kontor.kernel.states import PaymentKind
from kontor.kernel.zones import local_day
from kontor.programme.model import Programme
from models.payments import PaymentRow


class PaymentIn(RequestModel):
    """A payment, refund or chargeback; amounts are positive."""

    amount: MoneyIn
    paid_at: UtcIn
    reference: str = Field(max_length=1_000)
    kind: PaymentKind = Field(strict=False)


class PaymentOut(ResponseModel):
    """A payment; `day` is its local day, `posted_to` the reseller it was posted to."""

    id: UUID
    reseller_id: UUID
    posted_to: UUID
    kind: PaymentKind
    amount: MoneyOut
    paid_at: UtcOut
    day: date
    reference: str
    created_at: UtcOut

    @classmethod
    def of(cls, row: PaymentRow, programme: Programme) -> Self:
        """Build the response for an entry of a programme."""
        return cls(
            id=row.id,
            reseller_id=row.reseller_id,
            posted_to=row.origin_id,
            kind=PaymentKind(row.kind),
            amount=MoneyOut.of(Money(row.amount, row.currency)),
            paid_at=row.paid_at,
            day=local_day(row.paid_at, programme.zone),
            reference=row.reference,
            created_at=row.created_at,
        )


class PaymentQuery(PageQuery):
    """Filter for payments; `from` and `to` are local days, inclusive."""

    kind: PaymentKind | None = None
    reference: str | None = None
    first: DayIn | None = Field(None, alias="from")
    last: DayIn | None = Field(None, alias="to")
