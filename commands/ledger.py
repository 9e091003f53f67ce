"""A command's way to the ledger: the engine's controls over one transaction, and a doorbell that rings."""

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

Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit log.")]


@dataclass(frozen=True, slots=True)
class ControlDesk:
    """A desk with the engine's controls; `actor` is who stands at it."""

    at: Desk
    control: "Control"
    actor: "Actor"


@contextmanager
def ledger_jobs(settings: "Settings") -> Iterator["Jobs"]:
    """A way into the ledger; the relay hears of what is committed."""
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
    """A desk with the engine's controls; the relay hears of what was committed."""
    from engine.control import Actor, Control

    with desk() as at, ledger_jobs(at.settings) as jobs:
        yield ControlDesk(at, Control(jobs), Actor(at.actor, "cli", reason))
        at.session.commit()
