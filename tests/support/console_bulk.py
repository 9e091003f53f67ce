"""Starts, runs and inspects bulk actions."""

from uuid import UUID

from sqlalchemy import select

from kontor.bulk import preview
from kontor.bulk.preview import Preview
from kontor.http.context import Deps
from models.console import BulkRun
from models.jobs import Job
from tests.support.console import ConsoleClient, mark_dead
from tests.support.worker import WorkerHarness

BROKEN = "the disk was full"


def mark_all_dead(deps: Deps, *tasks: str) -> list[UUID]:
    """Make every queued job of those tasks dead with the same error."""
    with deps.sessions() as session:
        ids = list(session.scalars(select(Job.id).where(Job.task.in_(tasks), Job.state == "queued").order_by(Job.id)))
    for job_id in ids:
        mark_dead(deps, job_id, OSError(BROKEN))
    return ids


def run_preview(client: ConsoleClient, worker: WorkerHarness, query: str, action: str = "retry") -> str:
    """Run a preview to its end; returns its URL path."""
    response = client.post("/console/bulk", {"action": action, "filter": query})
    assert response.status_code == 303, response.text
    worker.inline.drain()
    return response.headers["location"]


def load_preview(deps: Deps, path: str) -> tuple[BulkRun, Preview]:
    """A bulk action and the totals of its preview."""
    with deps.sessions() as session:
        run = session.get_one(BulkRun, UUID(path.rpartition("/")[2]))
        return run, preview.total(preview.previews(run))
