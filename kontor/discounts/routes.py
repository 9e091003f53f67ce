"""Routes of discounts and discount runs."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Query

from kontor.discounts import explain, run_admin
from kontor.discounts.queries import RunFilter
from kontor.discounts.schemas import (
    DiscountOut,
    DiscountQuery,
    DiscountRunIn,
    DiscountRunOut,
    DiscountRunPreviewOut,
    DiscountRunQuery,
    MoverOut,
)
from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, PageQuery
from kontor.jobs.schemas import ActionIn
from kontor.kernel.money import parse_amount
from kontor.payments.routes import READ as PAYMENTS_READ
from kontor.payments.routes import reseller_here
from models.accounts import Account
from models.discounts import DiscountRun
from models.keys import Scope

routes = Routes("discounts")


@routes.get("/v1/resellers/{reseller_id}/discount", PAYMENTS_READ, response=DiscountOut, problems=[409])
def get_discount(ctx: Ctx, reseller_id: UUID, query: Annotated[DiscountQuery, Query()]) -> DiscountOut:
    """Return turnover, tier and percentages of a local day, their derivation, and tomorrow's. 409 `not_a_reseller`."""
    account = reseller_here(ctx, reseller_id)
    pay = None if query.pay is None else _amount(ctx, account, query.pay)
    return explain.explain_discount(ctx.context, ctx.session, account, query.as_of, pay)


def _amount(ctx: RequestContext, account: Account, text: str) -> Decimal:
    programme = ctx.context.programme(ctx.session, account.programme)
    return parse_amount(text, programme.currency, loc="pay")


run_routes = Routes("discounts")
READ = RoutePolicy(Scope.READ, "run_id", ownership.provider)
DECIDE = RoutePolicy(Scope.OPERATE, "run_id", ownership.provider)


def shown(ctx: RequestContext, run: DiscountRun) -> DiscountRunOut:
    """Build the response for a run, with its totals."""
    return run_admin.describe(ctx.session, [run])[0]


@run_routes.post(
    "/v1/discount-runs",
    RoutePolicy(Scope.OPERATE, unbound_only=True),
    response=DiscountRunOut,
    status=202,
    also={200: DiscountRunPreviewOut},
)
def begin_run(ctx: Ctx, body: DiscountRunIn) -> ApiResponse:
    """Start a run for today as jobs; a dry run returns its result. 422 `no_turnover_discount`."""
    service_ctx = ctx.context
    if body.dry_run:
        return ApiResponse.of(run_admin.preview(service_ctx, ctx.session, body.programme))
    run = run_admin.start(service_ctx, ctx.session, body.programme, ctx.caller.actor)
    return ApiResponse.of(shown(ctx, run), 202, {"Location": f"/v1/discount-runs/{run.id}"})


@run_routes.get("/v1/discount-runs", RoutePolicy(Scope.READ, unbound_only=True), response=PageOut[DiscountRunOut])
def list_runs(ctx: Ctx, query: Annotated[DiscountRunQuery, Query()]) -> PageOut[DiscountRunOut]:
    """List runs, newest first."""
    filter_ = RunFilter(query.programme, query.state, query.day)
    page = run_admin.page(ctx.session, filter_, query.cursor, query.limit)
    return PageOut(items=run_admin.describe(ctx.session, page.items), next=page.next)


@run_routes.get("/v1/discount-runs/{run_id}", READ, response=DiscountRunOut)
def get_run(ctx: Ctx, run_id: UUID) -> DiscountRunOut:
    """Return a run with its totals."""
    return shown(ctx, run_admin.get(ctx.session, run_id))


@run_routes.get("/v1/discount-runs/{run_id}/movers", READ, response=PageOut[MoverOut])
def list_movers(ctx: Ctx, run_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[MoverOut]:
    """List resellers that change tier in a run, ordered by id."""
    page = run_admin.movers(ctx.session, run_id, query.cursor, query.limit)
    currency = ctx.context.programme(ctx.session, run_admin.get(ctx.session, run_id).programme).currency
    return PageOut(items=[MoverOut.of(move, currency) for move in page.items], next=page.next)


@run_routes.post("/v1/discount-runs/{run_id}/approve", DECIDE, response=DiscountRunOut)
def approve_run(ctx: Ctx, run_id: UUID, body: ActionIn = ActionIn()) -> DiscountRunOut:  # noqa: B008 -- frozen
    """Approve a held run: it records discounts and sends mails. 409 `not_held` with the state."""
    run = run_admin.approve(ctx.context, ctx.session, run_id, ctx.caller.actor, body.reason)
    return shown(ctx, run)


@run_routes.post("/v1/discount-runs/{run_id}/reject", DECIDE, response=DiscountRunOut)
def reject_run(ctx: Ctx, run_id: UUID, body: ActionIn = ActionIn()) -> DiscountRunOut:  # noqa: B008 -- frozen
    """Reject a held run: it records nothing. 409 `not_held` with the state."""
    run = run_admin.reject(ctx.context, ctx.session, run_id, ctx.caller.actor, body.reason)
    return shown(ctx, run)
