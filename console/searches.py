"""Saved job searches: one's own, so viewers may save and delete them."""

from uuid import UUID

from starlette.datastructures import QueryParams

from console.answers import Goto
from console.asked import asked_of
from console.visit import Visit
from services import saved_searches


def keep(visit: Visit) -> Goto:
    """Save the search of the submitted form. Raises Invalid."""
    assert visit.operator is not None
    form = visit.arrival.form
    address = asked_of(QueryParams(form.get("filter", ""))).address
    saved_searches.keep(visit.session, visit.operator, form.get("name", "").strip(), address, visit.now)
    return Goto(f"/console/jobs?{address}&done=kept" if address else "/console/jobs?done=kept")


def forget(visit: Visit) -> Goto:
    """Delete one of the operator's own searches."""
    assert visit.operator is not None
    search_id: UUID = visit.arrival.uuid("search_id")
    saved_searches.forget(visit.session, visit.operator, search_id)
    return Goto("/console/jobs?done=forgotten")
