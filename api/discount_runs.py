"""Discount runs over all resellers of a programme; unbound keys only."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.answers import ApiResponse
from api.call import Ctx, RequestContext, RoutePolicy
from api.discount_run_docs import DiscountRunIn, DiscountRunOut, DiscountRunPreviewOut, DiscountRunQuery, MoverOut
from api.payments import discount_context
from api.queues import ReasonIn
from api.routes import Routes
from api.schema import PageOut, PageQuery
from models.discounts import DiscountRun
from models.keys import Scope
from services.discounts import overseeing
from store.discount_runs import RunFilter

routes = Routes("discounts")
READ = RoutePolicy(Scope.READ, "run_id", owners.provider)
DECIDE = RoutePolicy(Scope.OPERATE, "run_id", owners.provider)


def shown(ctx: RequestContext, run: DiscountRun) -> DiscountRunOut:
    """Build the response for a run, with its totals."""
    return DiscountRunOut.model_validate(overseeing.documents(ctx.session, [run])[0])


@routes.post(
    "/v1/discount-runs",
    RoutePolicy(Scope.OPERATE, unbound_only=True),
    response=DiscountRunOut,
    status=202,
    also={200: DiscountRunPreviewOut},
)
def begin_run(ctx: Ctx, body: DiscountRunIn) -> ApiResponse:
    """Start a run for today as jobs; a dry run returns its result. 422 `no_turnover_discount`."""
    service_ctx = discount_context(ctx)
    if body.dry_run:
        return ApiResponse.of(
            DiscountRunPreviewOut.model_validate(overseeing.preview(service_ctx, ctx.session, body.programme))
        )
    run = overseeing.begin(service_ctx, ctx.session, body.programme, ctx.caller.actor)
    return ApiResponse.of(shown(ctx, run), 202, {"Location": f"/v1/discount-runs/{run.id}"})


@routes.get("/v1/discount-runs", RoutePolicy(Scope.READ, unbound_only=True), response=PageOut[DiscountRunOut])
def list_runs(ctx: Ctx, query: Annotated[DiscountRunQuery, Query()]) -> PageOut[DiscountRunOut]:
    """List runs, newest first."""
    filter_ = RunFilter(query.programme, query.state, query.day)
    page = overseeing.page(ctx.session, filter_, query.cursor, query.limit)
    documents = overseeing.documents(ctx.session, page.items)
    return PageOut(items=[DiscountRunOut.model_validate(document) for document in documents], next=page.next)


@routes.get("/v1/discount-runs/{run_id}", READ, response=DiscountRunOut)
def get_run(ctx: Ctx, run_id: UUID) -> DiscountRunOut:
    """Return a run with its totals."""
    return shown(ctx, overseeing.get(ctx.session, run_id))


@routes.get("/v1/discount-runs/{run_id}/movers", READ, response=PageOut[MoverOut])
def list_movers(ctx: Ctx, run_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[MoverOut]:
    """List resellers that change tier in a run, ordered by id."""
    page = overseeing.movers(ctx.session, run_id, query.cursor, query.limit)
    service_ctx, run = discount_context(ctx), overseeing.get(ctx.session, run_id)
    documents = [overseeing.mover_document(service_ctx, ctx.session, run, move) for move in page.items]
    return PageOut(items=[MoverOut.model_validate(document) for document in documents], next=page.next)


@routes.post("/v1/discount-runs/{run_id}/approve", DECIDE, response=DiscountRunOut)
def approve_run(ctx: Ctx, run_id: UUID, body: ReasonIn = ReasonIn()) -> DiscountRunOut:  # noqa: B008 -- frozen
    """Approve a held run: it records discounts and sends mails. 409 `not_held` with the state."""
    run = overseeing.approve(discount_context(ctx), ctx.session, run_id, ctx.caller.actor, body.reason)
    return shown(ctx, run)


@routes.post("/v1/discount-runs/{run_id}/reject", DECIDE, response=DiscountRunOut)
def reject_run(ctx: Ctx, run_id: UUID, body: ReasonIn = ReasonIn()) -> DiscountRunOut:  # noqa: B008 -- frozen
    """Reject a held run: it records nothing. 409 `not_held` with the state."""
    run = overseeing.reject(discount_context(ctx), ctx.session, run_id, ctx.caller.actor, body.reason)
    return shown(ctx, run)
