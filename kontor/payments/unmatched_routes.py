"""Imported payments that name no reseller. Only unbound keys see and assign them."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field

from kontor.audit import Actor
from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import MoneyOut, PageOut, PageQuery, RequestModel, ResponseModel, UtcOut
from kontor.kernel.money import Money
from kontor.kernel.states import PaymentKind
from kontor.payments import service, unmatched
from kontor.payments.routes import PaymentOut
from models.keys import Scope
from models.payments import UnmatchedPayment


class UnmatchedPaymentOut(ResponseModel):
    """A payment that names no reseller; `file` and `line`: where it stands; `note`: the texts of its row.

    `dismissed_at`, `dismissed_by`, `dismiss_reason`: when, by whom and why it was taken off the list.
    """

    id: UUID
    programme: str
    kind: PaymentKind
    amount: MoneyOut
    paid_at: UtcOut
    reference: str
    note: str
    file: str
    line: int
    created_at: UtcOut
    dismissed_at: UtcOut | None
    dismissed_by: str | None
    dismiss_reason: str | None

    @classmethod
    def of(cls, row: UnmatchedPayment) -> Self:
        """Build the response for a payment."""
        return cls(
            id=row.id,
            programme=row.programme,
            kind=PaymentKind(row.kind),
            amount=MoneyOut.of(Money(row.amount, row.currency)),
            paid_at=row.paid_at,
            reference=row.reference,
            note=row.note,
            file=row.file,
            line=row.line,
            created_at=row.created_at,
            dismissed_at=row.dismissed_at,
            dismissed_by=row.dismissed_by,
            dismiss_reason=row.dismiss_reason,
        )


class UnmatchedPaymentQuery(PageQuery):
    """Filter for payments that name no reseller; `dismissed`: those taken off the list."""

    programme: str | None = None
    dismissed: bool = False


class DismissIn(RequestModel):
    """Why a payment is no reseller's."""

    reason: str


class PayeeIn(RequestModel):
    """The reseller whose payment it is, also a former one."""

    reseller_id: UUID = Field(strict=False)


routes = Routes("payments")


@routes.get("/v1/payments/unmatched", RoutePolicy(Scope.READ, unbound_only=True), response=PageOut[UnmatchedPaymentOut])
def list_unmatched_payments(ctx: Ctx, query: Annotated[UnmatchedPaymentQuery, Query()]) -> PageOut[UnmatchedPaymentOut]:
    """List imported payments that name no reseller and wait for somebody to assign them, latest first."""
    page = unmatched.page(ctx.session, query.programme, query.cursor, query.limit, dismissed=query.dismissed)
    return PageOut(items=[UnmatchedPaymentOut.of(row) for row in page.items], next=page.next)


@routes.post(
    "/v1/payments/unmatched/{unmatched_id}/assign",
    RoutePolicy(Scope.ENQUEUE, "unmatched_id", ownership.provider, unbound_only=True),
    response=PaymentOut,
    status=201,
    also={200: PaymentOut},
)
def assign_unmatched_payment(ctx: Ctx, unmatched_id: UUID, body: PayeeIn) -> ApiResponse:
    """Assign a payment to a reseller: 201, or 200 and the first where its reference is known with this content.

    409 `already_assigned`, `not_a_reseller`; 422 `programme_mismatch`.
    """
    posted = unmatched.assign(ctx.context, ctx.session, unmatched_id, body.reseller_id, ctx.caller.actor)
    programme = service.programme_of(ctx.context, ctx.session, posted.row.reseller_id)
    return ApiResponse.of(PaymentOut.of(posted.row, programme), 201 if posted.created else 200)


@routes.post(
    "/v1/payments/unmatched/{unmatched_id}/dismiss",
    RoutePolicy(Scope.ENQUEUE, "unmatched_id", ownership.provider, unbound_only=True),
    response=UnmatchedPaymentOut,
)
def dismiss_unmatched_payment(ctx: Ctx, unmatched_id: UUID, body: DismissIn) -> UnmatchedPaymentOut:
    """Take a payment that is no reseller's off the list, with a reason; assigning it takes that back.

    409 `already_assigned`.
    """
    actor = Actor(ctx.caller.actor, reason=body.reason)
    return UnmatchedPaymentOut.of(unmatched.dismiss(ctx.context, ctx.session, unmatched_id, actor))
