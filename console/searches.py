"""Keeping and forgetting searches for jobs: one's own, so a viewer may."""

from uuid import UUID

from starlette.datastructures import QueryParams

from console.answers import Goto
from console.asked import asked_of
from console.visit import Visit
from services import saved_searches


def keep(visit: Visit) -> Goto:
    """Keep the search of the page that was left. Raises Invalid."""
    assert visit.operator is not None
    form = visit.arrival.form
    address = asked_of(QueryParams(form.get("filter", ""))).address
    saved_searches.keep(visit.session, visit.operator, form.get("name", "").strip(), address, visit.now)
    return Goto(f"/console/jobs?{address}&done=kept" if address else "/console/jobs?done=kept")


def forget(visit: Visit) -> Goto:
    """Forget a search of one's own."""
    assert visit.operator is not None
    search_id: UUID = visit.arrival.uuid("search_id")
    saved_searches.forget(visit.session, visit.operator, search_id)
    return Goto("/console/jobs?done=forgotten")
