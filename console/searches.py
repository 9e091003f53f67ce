"""Saved job searches: one's own, so viewers may save and delete them."""

from uuid import UUID

from starlette.datastructures import QueryParams

from console.answers import Redirect
from console.asked import parse_job_filter
from console.visit import ConsoleRequest
from services import saved_searches


def keep(request: ConsoleRequest) -> Redirect:
    """Save the search of the submitted form. Raises Invalid."""
    assert request.operator is not None
    form = request.incoming.form
    address = parse_job_filter(QueryParams(form.get("filter", ""))).address
    saved_searches.keep(request.session, request.operator, form.get("name", "").strip(), address, request.now)
    return Redirect(f"/console/jobs?{address}&done=kept" if address else "/console/jobs?done=kept")


def forget(request: ConsoleRequest) -> Redirect:
    """Delete one of the operator's own searches."""
    assert request.operator is not None
    search_id: UUID = request.incoming.uuid("search_id")
    saved_searches.forget(request.session, request.operator, search_id)
    return Redirect("/console/jobs?done=forgotten")
