"""`kontor queues`: list, pause and resume queues."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.context import Json, command_context, print_facts, print_rows
from commands.ledger import ReasonOption, control_context

if TYPE_CHECKING:
    from commands.context import CommandContext

Name = Annotated[str, typer.Argument(metavar="QUEUE")]


def app() -> typer.Typer:
    """Build the command group."""
    group = typer.Typer(help="Queues.", no_args_is_help=True)
    group.command("list")(list_queues)
    group.command("pause")(pause)
    group.command("resume")(resume)
    return group


def documents(ctx: "CommandContext") -> list[dict[str, Any]]:
    """Return all queues in the API's form."""
    from services import queues
    from tasks.catalogue import catalogue

    return [asdict(view) for view in queues.listed(ctx.session, catalogue().queues, ctx.now)]


def list_queues(as_json: Json = False) -> None:
    """List all queues with their job counts."""
    with command_context() as ctx:
        rows = documents(ctx)
    print_rows(rows, as_json=as_json)


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
