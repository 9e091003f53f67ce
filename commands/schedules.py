"""`kontor schedules`: list schedules and run one now."""

from typing import Annotated, Any

import typer

from commands.context import Json, command_context, print_facts, print_json, print_rows
from commands.jobs import document
from commands.ledger import ReasonOption, control_context


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Schedules.", no_args_is_help=True)
    group.command("list")(list_schedules)
    group.command("run")(run)
    return group


def list_schedules(as_json: Json = False) -> None:
    """List all schedules with their last run and next twelve run times."""
    from services import schedules

    with command_context() as ctx:
        views = schedules.listed(ctx.session, ctx.now)
    rows: list[dict[str, Any]] = [
        {
            "name": view.schedule.name,
            "cron": view.schedule.cron,
            "timezone": view.schedule.timezone,
            "misfire": view.schedule.misfire,
            "task": view.schedule.task,
            "paused": view.schedule.paused,
            "last": view.last and {"slot": view.last.slot, "due_at": view.last.due_at, "job_id": view.last.job_id},
            "next": list(view.next),
        }
        for view in views
    ]
    if as_json:
        print_json({"items": rows, "next": None})
        return
    shown = [
        {**row, "last": row["last"] and row["last"]["due_at"], "next": next(iter(row["next"]), None)} for row in rows
    ]
    print_rows(shown, as_json=False, empty="No schedules yet. The scheduler declares them when it starts.")


def run(
    name: Annotated[str, typer.Argument(metavar="SCHEDULE")], reason: ReasonOption = None, as_json: Json = False
) -> None:
    """Enqueue a schedule's task now and print the job."""
    with control_context(reason) as control_ctx:
        job_id = control_ctx.operations.run_schedule(control_ctx.command.session, name, control_ctx.actor)
        control_ctx.command.session.flush()
        job = document(control_ctx.command.session, job_id)
    print_facts(job, as_json=as_json)
