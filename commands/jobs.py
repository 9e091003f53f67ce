"""`kontor jobs`: list, show, retry and cancel jobs."""

import sys
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from commands.context import Json, command_context, print_facts, print_json, print_rows
from commands.ledger import ReasonOption, control_context
from domain.errors import NotFound
from domain.jobs import JobState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

JobId = Annotated[UUID, typer.Argument(metavar="ID")]


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Jobs.", no_args_is_help=True)
    group.command("list")(list_jobs)
    group.command("show")(show)
    group.command("retry")(retry)
    group.command("cancel")(cancel)
    return group


def list_jobs(
    state: Annotated[list[JobState] | None, typer.Option(help="Only jobs in this state; may be repeated.")] = None,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="Only jobs of this task.")] = None,
    queue: Annotated[str | None, typer.Option(metavar="NAME", help="Only jobs of this queue.")] = None,
    tenant: Annotated[str | None, typer.Option(metavar="ID", help="Only jobs of this tenant.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    cursor: Annotated[
        str | None, typer.Option(metavar="ID", help="Continue after this job: `next` of the previous page.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List jobs of the last seven days, newest first."""
    from api.job_docs import job_out
    from domain.paging import cursor_id
    from services import jobs
    from services.job_search import Searcher
    from store.jobs_read import JobQuery
    from tasks.catalogue import catalogue
    from workers.clocks import clock_for

    with command_context() as ctx:
        query = JobQuery(
            states=frozenset(state or ()),
            task=task,
            queue=queue,
            tenants=None if tenant is None else (tenant,),
            created_after=jobs.default_span(JobQuery(), ctx.now),
            before=cursor_id(cursor),
        )
        result = Searcher(catalogue(), clock_for(ctx.settings)).search(ctx.session, query, limit)
        documents = [job_out(view).model_dump(mode="json") for view in result.items]
    if as_json:
        print_json({"items": documents, "next": result.next, "partial": result.partial})
        return
    columns = ("id", "task", "queue", "tenant", "state", "attempt", "run_at", "finished_at")
    print_rows([{name: row[name] for name in columns} for row in documents], as_json=False, empty="No matching jobs.")
    if result.partial:
        print("Search stopped after one second: older jobs were not searched.", file=sys.stderr)
    if result.next is not None:
        print(f"More: --cursor {result.next}", file=sys.stderr)


def document(session: "Session", job_id: UUID) -> dict[str, Any]:
    """Return a job in the API's form. Raises NotFound."""
    from api.job_docs import job_out
    from services import jobs
    from tasks.catalogue import catalogue

    view = jobs.view(session, catalogue(), job_id)
    if view is None:
        raise NotFound(message=f"There is no job {job_id}.")
    return job_out(view).model_dump(mode="json")


def show(job_id: JobId, as_json: Json = False) -> None:
    """Show one job with its attempts."""
    with command_context() as ctx:
        job = document(ctx.session, job_id)
    print_facts(job, as_json=as_json)


def retry(job_id: JobId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Queue a dead, retrying or cancelled job again, with all attempts available."""
    with control_context(reason) as control_ctx:
        control_ctx.operations.retry(control_ctx.command.session, job_id, control_ctx.actor)
        job = document(control_ctx.command.session, job_id)
    print_facts(job, as_json=as_json)


def cancel(job_id: JobId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Cancel a waiting job, or ask a running one to stop."""
    with control_context(reason) as control_ctx:
        control_ctx.operations.cancel(control_ctx.command.session, job_id, control_ctx.actor)
        job = document(control_ctx.command.session, job_id)
    print_facts(job, as_json=as_json)
