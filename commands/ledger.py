"""Context of commands that enqueue jobs or operate the engine."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from commands.context import CommandContext, command_context

if TYPE_CHECKING:
    from adapters.settings import Settings
    from engine.control import Actor, Control
    from engine.enqueue import Jobs

ReasonOption = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Reason, kept in the audit log.")]


@dataclass(frozen=True, slots=True)
class ControlContext:
    """Context of a command with the engine's operations."""

    command: CommandContext
    operations: "Control"
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
def control_context(reason: str | None = None) -> Iterator[ControlContext]:
    """Open a context with the engine's operations; commits at the end of the block and notifies the relay."""
    from engine.control import Actor, Control

    with command_context() as ctx, ledger_jobs(ctx.settings) as jobs:
        yield ControlContext(ctx, Control(jobs), Actor(ctx.actor, "cli", reason))
        ctx.session.commit()
