"""Payments of resellers. Only unbound keys post them; a reseller can read its own."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field

from kontor.accounts import service as accounts
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import DayIn, MoneyIn, MoneyOut, PageOut, PageQuery, RequestModel, ResponseModel, UtcIn, UtcOut
from kontor.kernel.money import Money
from kontor.kernel.states import PaymentKind
from kontor.kernel.zones import local_day
from kontor.payments import service
from kontor.programme.model import Programme
from models.accounts import Account
from models.keys import Scope
from models.payments import PaymentRow


class PaymentIn(RequestModel):
    """A payment, refund or chargeback; amounts are positive."""

    amount: MoneyIn
    paid_at: UtcIn
    reference: str = Field(max_length=1_000)
    kind: PaymentKind = Field(strict=False)


class PaymentOut(ResponseModel):
    """A payment; `day` is its local day, `posted_to` the reseller it was posted to.

    `differs`: the fields of a request with a known reference that are others than the first's.
    """

    id: UUID
    reseller_id: UUID
    posted_to: UUID
    kind: PaymentKind
    amount: MoneyOut
    paid_at: UtcOut
    day: date
    reference: str
    created_at: UtcOut
    differs: list[str] = Field(default_factory=list)

    @classmethod
    def of(cls, row: PaymentRow, programme: Programme, differs: Sequence[str] = ()) -> Self:
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
            differs=list(differs),
        )


class PaymentQuery(PageQuery):
    """Filter for payments; `from` and `to` are local days, inclusive."""

    kind: PaymentKind | None = None
    reference: str | None = None
    first: DayIn | None = Field(None, alias="from")
    last: DayIn | None = Field(None, alias="to")


routes = Routes("payments")
POST = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.payee, unbound_only=True)
READ = RoutePolicy(Scope.READ, "reseller_id", ownership.reseller, not_account=True)
ONE = RoutePolicy(Scope.READ, "payment_id", ownership.payment, not_account=True)


def reseller_here(ctx: RequestContext, reseller_id: UUID) -> Account:
    """Return the account named by the path, whatever its kind: a former reseller keeps its history."""
    return accounts.get(ctx.session, reseller_id)


@routes.post(
    "/v1/resellers/{reseller_id}/payments",
    POST,
    response=PaymentOut,
    status=201,
    also={200: PaymentOut},
)
def post_payment(ctx: Ctx, reseller_id: UUID, body: PaymentIn) -> ApiResponse:
    """Post a payment, also of a former, merged or deleted reseller. Known reference: 200, the first, with `differs`.

    422 `currency_mismatch`, `in_future`, `invalid_amount`.
    """
    service_ctx = ctx.context
    programme = service.programme_of(service_ctx, ctx.session, reseller_id)
    new = service.NewPayment(body.kind, body.amount.money(programme.currency), body.paid_at, body.reference)
    posted = service.post(service_ctx, ctx.session, reseller_id, new)
    return ApiResponse.of(PaymentOut.of(posted.row, programme, posted.differs), 201 if posted.created else 200)


@routes.get("/v1/resellers/{reseller_id}/payments", READ, response=PageOut[PaymentOut])
def list_payments(ctx: Ctx, reseller_id: UUID, query: Annotated[PaymentQuery, Query()]) -> PageOut[PaymentOut]:
    """List payments, most recently posted first."""
    account = reseller_here(ctx, reseller_id)
    programme = ctx.context.programme(ctx.session, account.programme)
    filter_ = service.filter_by_days(programme, query.kind, query.first, query.last, query.reference)
    page = service.page(ctx.session, account.id, filter_, query.cursor, query.limit)
    return PageOut(items=[PaymentOut.of(row, programme) for row in page.items], next=page.next)


@routes.get("/v1/payments/{payment_id}", ONE, response=PaymentOut)
def get_payment(ctx: Ctx, payment_id: UUID) -> PaymentOut:
    """Return a payment, to the reseller it counts for."""
    row = service.get(ctx.session, payment_id)
    return PaymentOut.of(row, service.programme_of(ctx.context, ctx.session, row.reseller_id))
