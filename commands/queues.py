"""`kontor queues`: how they stand, paused and resumed."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.context import Json, desk, print_facts, print_rows
from commands.ledger import Reason, control_desk

if TYPE_CHECKING:
    from commands.context import Desk

Name = Annotated[str, typer.Argument(metavar="QUEUE")]


def app() -> typer.Typer:
    """The group."""
    group = typer.Typer(help="Queues.", no_args_is_help=True)
    group.command("list")(list_queues)
    group.command("pause")(pause)
    group.command("resume")(resume)
    return group


def documents(at: "Desk") -> list[dict[str, Any]]:
    """Every queue as the API shows it."""
    from services import queues
    from tasks.catalogue import catalogue

    return [asdict(view) for view in queues.listed(at.session, catalogue().queues, at.now)]


def list_queues(as_json: Json = False) -> None:
    """List every queue with what waits in it."""
    with desk() as at:
        rows = documents(at)
    print_rows(rows, as_json=as_json)


def pause(name: Name, reason: Reason = None, as_json: Json = False) -> None:
    """Start no job of the queue any more; what runs goes on."""
    with control_desk(reason) as stand:
        stand.control.pause_queue(stand.at.session, name, stand.actor)
        stand.at.session.flush()
        found = next(row for row in documents(stand.at) if row["name"] == name)
    print_facts(found, as_json=as_json)


def resume(name: Name, reason: Reason = None, as_json: Json = False) -> None:
    """Let the queue's jobs start again."""
    with control_desk(reason) as stand:
        stand.control.resume_queue(stand.at.session, name, stand.actor)
        stand.at.session.flush()
        found = next(row for row in documents(stand.at) if row["name"] == name)
    print_facts(found, as_json=as_json)
