"""`kontor jobs`: what the console does to jobs, scriptable."""

import sys
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from commands.context import Json, desk, print_facts, print_json, print_rows
from commands.ledger import Reason, control_desk
from domain.errors import NotFound
from domain.jobs import JobState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

JobId = Annotated[UUID, typer.Argument(metavar="ID")]


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="Jobs of the ledger.", no_args_is_help=True)
    group.command("list")(list_jobs)
    group.command("show")(show)
    group.command("retry")(retry)
    group.command("cancel")(cancel)
    return group


def list_jobs(
    state: Annotated[list[JobState] | None, typer.Option(help="May repeat.")] = None,
    task: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    queue: Annotated[str | None, typer.Option(metavar="NAME")] = None,
    tenant: Annotated[str | None, typer.Option(metavar="ID")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    cursor: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on below this job: `next` of the page before.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List jobs, newest first; those of the last seven days."""
    from api.job_docs import job_doc
    from domain.paging import cursor_id
    from services import jobs
    from services.job_search import Searcher
    from store.jobs_read import JobQuery
    from tasks.catalogue import catalogue
    from workers.clocks import clock_for

    with desk() as at:
        query = JobQuery(
            states=frozenset(state or ()),
            task=task,
            queue=queue,
            tenants=None if tenant is None else (tenant,),
            created_after=jobs.default_span(JobQuery(), at.now),
            before=cursor_id(cursor),
        )
        found = Searcher(catalogue(), clock_for(at.settings)).search(at.session, query, limit)
        documents = [job_doc(view).model_dump(mode="json") for view in found.items]
    if as_json:
        print_json({"items": documents, "next": found.next, "partial": found.partial})
        return
    columns = ("id", "task", "queue", "tenant", "state", "attempt", "run_at", "finished_at")
    print_rows([{name: one[name] for name in columns} for one in documents], as_json=False, empty="No such jobs.")
    if found.partial:
        print("Cut after a second: older jobs were not looked at.", file=sys.stderr)
    if found.next is not None:
        print(f"More: --cursor {found.next}", file=sys.stderr)


def document(session: "Session", job_id: UUID) -> dict[str, Any]:
    """A job as the API shows it. Raises NotFound."""
    from api.job_docs import job_doc
    from services import jobs
    from tasks.catalogue import catalogue

    view = jobs.view(session, catalogue(), job_id)
    if view is None:
        raise NotFound(message=f"There is no job {job_id}.")
    return job_doc(view).model_dump(mode="json")


def show(job_id: JobId, as_json: Json = False) -> None:
    """Show one job with its attempts."""
    with desk() as at:
        found = document(at.session, job_id)
    print_facts(found, as_json=as_json)


def retry(job_id: JobId, reason: Reason = None, as_json: Json = False) -> None:
    """Queue a dead, retrying or cancelled job again, with all its attempts."""
    with control_desk(reason) as stand:
        stand.control.retry(stand.at.session, job_id, stand.actor)
        found = document(stand.at.session, job_id)
    print_facts(found, as_json=as_json)


def cancel(job_id: JobId, reason: Reason = None, as_json: Json = False) -> None:
    """Cancel a waiting job at once, ask a running one to stop."""
    with control_desk(reason) as stand:
        stand.control.cancel(stand.at.session, job_id, stand.actor)
        found = document(stand.at.session, job_id)
    print_facts(found, as_json=as_json)
