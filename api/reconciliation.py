"""Reconciliation gaps: list, repair, accept."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from api import owners
from api.call import Access, Here
from api.queues import Reason
from api.routes import Routes
from api.schema import Moment, Outgoing, Page, Paging
from api.steering import actor
from models.keys import Scope
from models.reconciliation import GapKind
from services.reconciliation import mending, reconciling

routes = Routes("reconciliation")
READ = Access(Scope.READ, unbound_only=True)
OPERATE = Access(Scope.OPERATE, "gap_id", owners.provider, unbound_only=True)


class GapDoc(Outgoing):
    """A gap: something that should exist but does not."""

    id: UUID
    kind: GapKind
    subject: str
    detail: str
    remedy: str
    mendable: bool
    since: Moment
    seen_at: Moment
    mended_at: Moment | None
    accepted_by: str | None
    job_id: UUID | None


class GapFilter(Paging):
    """Filter for gaps; open ones by default."""

    kind: GapKind | None = None
    open: bool = True


@routes.get("/v1/reconciliation", READ, answer=Page[GapDoc])
def list_gaps(call: Here, query: Annotated[GapFilter, Query()]) -> Page[GapDoc]:
    """List gaps, newest first."""
    page = reconciling.page(call.session, kind=query.kind, opened=query.open, cursor=query.cursor, limit=query.limit)
    return Page(items=[GapDoc.model_validate(reconciling.document(gap)) for gap in page.items], next=page.next)


@routes.post("/v1/reconciliation/{gap_id}/mend", OPERATE, answer=GapDoc)
def mend_gap(call: Here, gap_id: UUID, body: Reason = Reason()) -> GapDoc:  # noqa: B008 -- frozen
    """Repair a gap, by a job if needed. 409 `not_mendable`, `mended`."""
    gap = mending.mend(call.session, call.jobs, gap_id, actor(call, body.reason))
    return GapDoc.model_validate(reconciling.document(gap))


@routes.post("/v1/reconciliation/{gap_id}/accept", OPERATE, answer=GapDoc)
def accept_gap(call: Here, gap_id: UUID, body: Reason = Reason()) -> GapDoc:  # noqa: B008 -- frozen
    """Accept a gap: it is closed and will not be reported again. 409 `mended`."""
    gap = mending.accept(call.session, call.jobs, gap_id, actor(call, body.reason))
    return GapDoc.model_validate(reconciling.document(gap))
