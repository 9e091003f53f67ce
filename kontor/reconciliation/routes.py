"""Reconciliation gaps: list, repair, accept."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy
from kontor.http.routing import Routes
from kontor.http.wire import PageOut, PageQuery, ResponseModel, UtcOut
from kontor.jobs.access import actor
from kontor.jobs.schemas import ActionIn
from kontor.reconciliation import service
from models.keys import Scope
from models.reconciliation import GapKind

routes = Routes("reconciliation")
READ = RoutePolicy(Scope.READ, unbound_only=True)
OPERATE = RoutePolicy(Scope.OPERATE, "gap_id", ownership.provider, unbound_only=True)


class GapOut(ResponseModel):
    """A gap: something that should exist but does not."""

    id: UUID
    kind: GapKind
    subject: str
    detail: str
    remedy: str
    mendable: bool
    since: UtcOut
    seen_at: UtcOut
    mended_at: UtcOut | None
    accepted_by: str | None
    job_id: UUID | None


class GapQuery(PageQuery):
    """Filter for gaps; open ones by default."""

    kind: GapKind | None = None
    open: bool = True


@routes.get("/v1/reconciliation", READ, response=PageOut[GapOut])
def list_gaps(ctx: Ctx, query: Annotated[GapQuery, Query()]) -> PageOut[GapOut]:
    """List gaps, newest first."""
    page = service.page(ctx.session, kind=query.kind, opened=query.open, cursor=query.cursor, limit=query.limit)
    return PageOut(items=[GapOut.model_validate(service.to_dict(gap)) for gap in page.items], next=page.next)


@routes.post("/v1/reconciliation/{gap_id}/mend", OPERATE, response=GapOut)
def mend_gap(ctx: Ctx, gap_id: UUID, body: ActionIn = ActionIn()) -> GapOut:  # noqa: B008 -- frozen
    """Repair a gap, by a job if needed. 409 `not_mendable`, `mended`."""
    gap = service.repair(ctx.session, ctx.jobs, gap_id, actor(ctx, body.reason))
    return GapOut.model_validate(service.to_dict(gap))


@routes.post("/v1/reconciliation/{gap_id}/accept", OPERATE, response=GapOut)
def accept_gap(ctx: Ctx, gap_id: UUID, body: ActionIn = ActionIn()) -> GapOut:  # noqa: B008 -- frozen
    """Accept a gap: it is closed and will not be reported again. 409 `mended`."""
    gap = service.accept(ctx.session, ctx.jobs, gap_id, actor(ctx, body.reason))
    return GapOut.model_validate(service.to_dict(gap))
