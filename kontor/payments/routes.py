"""Payments of resellers. Only unbound keys post them; a reseller can read its own."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from kontor.accounts import service as accounts
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import PageOut
from kontor.payments import service
from kontor.payments.schemas import PaymentIn, PaymentOut, PaymentQuery
from models.accounts import Account
from models.keys import Scope

routes = Routes("payments")
POST = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.account, unbound_only=True)
READ = RoutePolicy(Scope.READ, "reseller_id", ownership.account, not_account=True)


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
    """Post a payment. Known reference: 200, the first. 422 `currency_mismatch`, `in_future`, `invalid_amount`."""
    account = reseller_here(ctx, reseller_id)
    service_ctx = ctx.context
    programme = service_ctx.programme(ctx.session, account.programme)
    new = service.NewPayment(body.kind, body.amount.money(programme.currency), body.paid_at, body.reference)
    posted = service.post(service_ctx, ctx.session, account.id, new)
    return ApiResponse.of(PaymentOut.of(posted.row, programme), 201 if posted.created else 200)


@routes.get("/v1/resellers/{reseller_id}/payments", READ, response=PageOut[PaymentOut])
def list_payments(ctx: Ctx, reseller_id: UUID, query: Annotated[PaymentQuery, Query()]) -> PageOut[PaymentOut]:
    """List payments, most recently posted first."""
    account = reseller_here(ctx, reseller_id)
    programme = ctx.context.programme(ctx.session, account.programme)
    filter_ = service.filter_by_days(programme, query.kind, query.first, query.last, query.reference)
    page = service.page(ctx.session, account.id, filter_, query.cursor, query.limit)
    return PageOut(items=[PaymentOut.of(row, programme) for row in page.items], next=page.next)
