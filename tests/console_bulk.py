"""Bulk actions as tests begin, work out and look at them."""

from uuid import UUID

from sqlalchemy import select

from api.deps import Deps
from models.console import BulkRun
from models.jobs import Job
from services import foreseeing
from services.foreseeing import Foreseen
from tests.console_engine import Works
from tests.console_world import Visitor, bury

BROKEN = "the disk was full"


def bury_all(deps: Deps, *tasks: str) -> list[UUID]:
    """Make every waiting job of those tasks dead of the same error."""
    with deps.sessions() as session:
        ids = list(session.scalars(select(Job.id).where(Job.task.in_(tasks), Job.state == "queued").order_by(Job.id)))
    for job_id in ids:
        bury(deps, job_id, OSError(BROKEN))
    return ids


def previewed(someone: Visitor, engine: Works, wanted: str, action: str = "retry") -> str:
    """The address of a finished preview."""
    begun = someone.post("/console/bulk", {"action": action, "filter": wanted})
    assert begun.status_code == 303, begun.text
    engine.inline.drain()
    return begun.headers["location"]


def stored(deps: Deps, place: str) -> tuple[BulkRun, Foreseen]:
    """A bulk action and the sum of what it foresees."""
    with deps.sessions() as session:
        run = session.get_one(BulkRun, UUID(place.rpartition("/")[2]))
        return run, foreseeing.total(foreseeing.foreseen(run))
