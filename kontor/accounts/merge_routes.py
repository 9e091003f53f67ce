"""Merge of one reseller into another."""

from uuid import UUID

from kontor.accounts import merge
from kontor.accounts.schemas import MergeReportOut
from kontor.http import ownership
from kontor.http.context import Ctx, RoutePolicy
from kontor.http.responses import ApiResponse
from kontor.http.routing import Routes
from kontor.http.wire import RequestModel, ResponseModel
from models.keys import Scope

routes = Routes("resellers")
MERGE = RoutePolicy(Scope.ENQUEUE, "reseller_id", ownership.account, unbound_only=True)


class MergeIn(RequestModel):
    """The target reseller; a dry run only reports."""

    into: UUID
    dry_run: bool = False


class MergeOut(ResponseModel):
    """The job that merges, and the planned report; the job's result is the final report."""

    job_id: UUID
    report: MergeReportOut


@routes.post("/v1/resellers/{reseller_id}/merge", MERGE, response=MergeOut, status=202, also={200: MergeReportOut})
def merge_resellers(ctx: Ctx, reseller_id: UUID, body: MergeIn) -> ApiResponse:
    """Merge a reseller into another, all or nothing. 409 `programme_mismatch`, `conflicts`, `not_a_reseller`."""
    service_ctx = ctx.context
    report = merge.preview(service_ctx, ctx.session, reseller_id, body.into)
    document = report.out()
    if body.dry_run:
        return ApiResponse.of(document)
    merge.require_no_conflicts(report)
    job_id = merge.enqueue(service_ctx, ctx.session, reseller_id, body.into, ctx.caller.actor)
    return ApiResponse.of(MergeOut(job_id=job_id, report=document), 202, {"Location": f"/v1/jobs/{job_id}"})
