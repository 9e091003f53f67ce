"""`kontor schedules`: when they fire, and run now."""

from typing import Annotated, Any

import typer

from commands.context import Json, desk, print_facts, print_json, print_rows
from commands.jobs import document
from commands.ledger import Reason, control_desk


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="Schedules.", no_args_is_help=True)
    group.command("list")(list_schedules)
    group.command("run")(run)
    return group


def list_schedules(as_json: Json = False) -> None:
    """List every schedule with its last occurrence and its next twelve instants."""
    from services import schedules

    with desk() as at:
        views = schedules.listed(at.session, at.now)
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
    print_rows(shown, as_json=False, empty="No schedules yet; the scheduler declares them when it starts.")


def run(name: Annotated[str, typer.Argument(metavar="SCHEDULE")], reason: Reason = None, as_json: Json = False) -> None:
    """Enqueue a schedule's task now; prints the job."""
    with control_desk(reason) as stand:
        job_id = stand.control.run_schedule(stand.at.session, name, stand.actor)
        stand.at.session.flush()
        found = document(stand.at.session, job_id)
    print_facts(found, as_json=as_json)
