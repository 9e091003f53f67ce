"""`kontor jobs`, `kontor queues`, `kontor schedules`."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from kontor.cli.context import ReasonOption, command_context, control_context
from kontor.cli.output import Json, Wide, print_facts, print_json, print_rows
from kontor.kernel.errors import NotFound
from kontor.kernel.states import JobState

if TYPE_CHECKING:
    from kontor.cli.context import CommandContext


JobId = Annotated[UUID, typer.Argument(metavar="ID")]


def jobs_app() -> typer.Typer:
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
    wide: Wide = False,
) -> None:
    """List jobs of the last seven days, newest first."""
    from kontor.engine.admin.job_filter import JobFilter
    from kontor.jobs import service as jobs
    from kontor.jobs.schemas import job_out
    from kontor.jobs.search import Searcher
    from kontor.kernel.paging import cursor_id
    from tasks.catalogue import catalogue
    from workers.connections import clock_for

    with command_context() as ctx:
        tenants = None if tenant is None else (tenant,)
        chosen = JobFilter(states=frozenset(state or ()), task=task, queue=queue, tenants=tenants)
        job_filter = jobs.with_defaults(chosen, ctx.now, real_time=False).replace(before=cursor_id(cursor))
        searcher = Searcher(catalogue(ctx.settings.task_packages), clock_for(ctx.settings))
        result = searcher.search(ctx.session, job_filter, limit)
        documents = [job_out(view).model_dump(mode="json") for view in result.items]
    if as_json:
        print_json({"items": documents, "next": result.next, "partial": result.partial})
        return
    columns = ("id", "task", "queue", "tenant", "state", "attempt", "run_at", "finished_at")
    rows = [{name: row[name] for name in columns} for row in documents]
    first = ("id", "task", "state", "attempt")
    print_rows(rows, as_json=False, wide=wide, first=first, empty="No matching jobs.")
    if result.partial:
        print("Search stopped after one second: older jobs were not searched.", file=sys.stderr)
    if result.next is not None:
        print(f"More: --cursor {result.next}", file=sys.stderr)


def document(ctx: "CommandContext", job_id: UUID) -> dict[str, object]:
    """Return a job in the API's form. Raises NotFound."""
    from kontor.jobs import service as jobs
    from kontor.jobs.schemas import job_out
    from tasks.catalogue import catalogue

    view = jobs.view(ctx.session, catalogue(ctx.settings.task_packages), job_id)
    if view is None:
        raise NotFound(message=f"There is no job {job_id}.")
    return job_out(view).model_dump(mode="json")


def show(job_id: JobId, as_json: Json = False) -> None:
    """Show one job with its attempts."""
    with command_context() as ctx:
        job = document(ctx, job_id)
    print_facts(job, as_json=as_json)


def retry(job_id: JobId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Queue a dead, retrying or cancelled job again, with all attempts available."""
    with control_context(reason) as control_ctx:
        control_ctx.operations.retry(control_ctx.command.session, job_id, control_ctx.actor)
        job = document(control_ctx.command, job_id)
    print_facts(job, as_json=as_json)


def cancel(job_id: JobId, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Cancel a waiting job, or ask a running one to stop."""
    with control_context(reason) as control_ctx:
        cancelled = control_ctx.operations.cancel(control_ctx.command.session, job_id, control_ctx.actor)
        job = document(control_ctx.command, job_id)
    print_facts(job, as_json=as_json)
    if cancelled.remembered:
        print("The job is locked; it is cancelled as soon as it no longer is.", file=sys.stderr)


Name = Annotated[str, typer.Argument(metavar="QUEUE")]


def queues_app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Queues.", no_args_is_help=True)
    group.command("list")(list_queues)
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("hold")(hold)
    group.command("release")(release)
    return group


def documents(ctx: "CommandContext") -> list[dict[str, object]]:
    """Return all queues in the API's form."""
    from kontor.engine.admin import queues
    from kontor.kernel.database import psycopg_connection
    from kontor.task_types.registry import refresh
    from tasks.catalogue import catalogue

    tasks = catalogue(ctx.settings.task_packages)
    refresh(psycopg_connection(ctx.session), tasks)
    return [asdict(view) for view in queues.list_queues(ctx.session, tasks.queues, ctx.now)]


def list_queues(as_json: Json = False, wide: Wide = False) -> None:
    """List all queues with their job counts."""
    with command_context() as ctx:
        rows = documents(ctx)
    first = ("name", "paused", "scheduled", "queued", "running", "retrying", "dead")
    print_rows(rows, as_json=as_json, wide=wide, first=first)


def pause(name: Name, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Pause a queue: no new job starts; running jobs finish."""
    with control_context(reason) as control_ctx:
        control_ctx.operations.pause_queue(control_ctx.command.session, name, control_ctx.actor)
        control_ctx.command.session.flush()
        queue = next(row for row in documents(control_ctx.command) if row["name"] == name)
    print_facts(queue, as_json=as_json)


def resume(name: Name, reason: ReasonOption = None, as_json: Json = False) -> None:
    """Resume a queue."""
    with control_context(reason) as control_ctx:
        control_ctx.operations.resume_queue(control_ctx.command.session, name, control_ctx.actor)
        control_ctx.command.session.flush()
        queue = next(row for row in documents(control_ctx.command) if row["name"] == name)
    print_facts(queue, as_json=as_json)


def hold(reason: ReasonOption = None, as_json: Json = False) -> None:
    """Hold back mails, webhooks, calls and tasks of others, as in a restored copy, until they are released."""
    from kontor.engine.admin import outgoing

    with control_context(reason) as ctx:
        command, jobs = ctx.command, ctx.operations.jobs
        names = outgoing.hold(command.session, jobs.catalogue, ctx.actor, command.now)
    print_facts({"held": names}, as_json=as_json)


def release(reason: ReasonOption = None, as_json: Json = False) -> None:
    """Release what `hold`, or the first start of a restored copy, holds back."""
    from kontor.engine.admin import outgoing
    from kontor.engine.enqueue import ring_after_commit

    with control_context(reason) as ctx:
        names = outgoing.release(ctx.command.session, ctx.actor, ctx.command.now)
        ring_after_commit(ctx.command.session, ctx.operations.jobs.doorbell)
    print_facts({"released": names}, as_json=as_json)


def schedules_app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Schedules.", no_args_is_help=True)
    group.command("list")(list_schedules)
    group.command("run")(run)
    return group


def list_schedules(as_json: Json = False, wide: Wide = False) -> None:
    """List all schedules with their last run and next twelve run times."""
    from kontor.engine.admin import queues

    with command_context() as ctx:
        views = queues.list_schedules(ctx.session, ctx.now)
    rows: list[dict[str, object]] = [
        {
            "name": view.schedule.name,
            "cron": view.schedule.cron,
            "timezone": view.schedule.timezone,
            "misfire": view.schedule.misfire,
            "task": view.schedule.task,
            "paused": view.schedule.paused,
            "last": view.last and {"slot": view.last.slot, "due_at": view.last.due_at, "job_id": view.last.job_id},
            "next": list(view.next),
            "error": view.error,
        }
        for view in views
    ]
    if as_json:
        print_json({"items": rows, "next": None})
        return
    shown = [
        {**row, "last": view.last and view.last.due_at, "next": next(iter(view.next), None)}
        for row, view in zip(rows, views, strict=True)
    ]
    first = ("name", "cron", "paused", "next", "error")
    empty = "No schedules yet. The scheduler declares them when it starts."
    print_rows(shown, as_json=False, wide=wide, first=first, empty=empty)


def run(
    name: Annotated[str, typer.Argument(metavar="SCHEDULE")], reason: ReasonOption = None, as_json: Json = False
) -> None:
    """Enqueue a schedule's task now and print the job."""
    with control_context(reason) as control_ctx:
        job_id = control_ctx.operations.run_schedule(control_ctx.command.session, name, control_ctx.actor)
        control_ctx.command.session.flush()
        job = document(control_ctx.command, job_id)
    print_facts(job, as_json=as_json)
