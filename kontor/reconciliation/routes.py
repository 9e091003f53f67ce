"""Reconciliation gaps: list, repair, accept."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import PageOut
from kontor.jobs.routes import actor
from kontor.jobs.schemas import ActionIn
from kontor.reconciliation import service
from kontor.reconciliation.schemas import GapOut, GapQuery
from models.keys import Scope

routes = Routes("reconciliation")
READ = RoutePolicy(Scope.READ, unbound_only=True)
OPERATE = RoutePolicy(Scope.OPERATE, "gap_id", ownership.provider, unbound_only=True)


@routes.get("/v1/reconciliation", READ, response=PageOut[GapOut])
def list_gaps(ctx: Ctx, query: Annotated[GapQuery, Query()]) -> PageOut[GapOut]:
    """List gaps, newest first."""
    page = service.page(ctx.session, kind=query.kind, opened=query.open, cursor=query.cursor, limit=query.limit)
    return PageOut(items=[GapOut.of(gap) for gap in page.items], next=page.next)


@routes.post("/v1/reconciliation/{gap_id}/repair", OPERATE, response=GapOut)
def repair_gap(ctx: Ctx, gap_id: UUID, body: ActionIn = ActionIn()) -> GapOut:  # noqa: B008 -- frozen
    """Repair a gap, by a job if needed. 409 `not_mendable`, `mended`."""
    gap = service.repair(ctx.session, ctx.jobs, gap_id, actor(ctx, body.reason))
    return GapOut.of(gap)


@routes.post("/v1/reconciliation/{gap_id}/accept", OPERATE, response=GapOut)
def accept_gap(ctx: Ctx, gap_id: UUID, body: ActionIn = ActionIn()) -> GapOut:  # noqa: B008 -- frozen
    """Accept a gap: it is closed and will not be reported again. 409 `mended`."""
    gap = service.accept(ctx.session, ctx.jobs, gap_id, actor(ctx, body.reason))
    return GapOut.of(gap)
