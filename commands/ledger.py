"""Context of commands that enqueue jobs or operate the engine."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from commands.context import Desk, desk

if TYPE_CHECKING:
    from adapters.settings import Settings
    from engine.control import Actor, Control
    from engine.enqueue import Jobs

Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Reason, kept in the audit log.")]


@dataclass(frozen=True, slots=True)
class ControlDesk:
    """Context of a command with the engine's operations."""

    command: Desk
    control: "Control"
    actor: "Actor"


@contextmanager
def ledger_jobs(settings: "Settings") -> Iterator["Jobs"]:
    """Provide the ledger; commits notify the relay."""
    from adapters.bells import Keys
    from adapters.doorbell import RedisDoorbell
    from engine.enqueue import Jobs
    from tasks.catalogue import catalogue
    from workers.clocks import clock_for
    from workers.connections import redis_client

    client = redis_client(settings)
    with closing(client), closing(RedisDoorbell(client, Keys(settings.namespace))) as doorbell:
        yield Jobs(catalogue(), clock_for(settings), doorbell)


@contextmanager
def control_desk(reason: str | None = None) -> Iterator[ControlDesk]:
    """Open a context with the engine's operations; commits at the end of the block and notifies the relay."""
    from engine.control import Actor, Control

    with desk() as ctx, ledger_jobs(ctx.settings) as jobs:
        yield ControlDesk(ctx, Control(jobs), Actor(ctx.actor, "cli", reason))
        ctx.session.commit()
