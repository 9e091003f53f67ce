"""What every command shares: settings with servers, one transaction, the engine's operations."""

import getpass
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated

import typer

from kontor.adapters.logs import configure_logs
from kontor.adapters.sandbox import sandbox_of
from kontor.adapters.settings import Settings, load, settings_for
from kontor.adapters.tracing_off import disable_sdk

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from kontor.audit import Actor
    from kontor.engine.admin.operations import Operations
    from kontor.engine.enqueue import Jobs


LONGEST_WORD = 500


@contextmanager
def running_settings(role: str = "cli", *, begins: bool = False) -> Iterator[Settings]:
    """Provide settings and their servers during a command, which may begin a data directory; logs go to stderr."""
    environment = load()
    if environment.otlp_endpoint is None:
        disable_sdk()
    configure_logs(environment.log, role)
    with settings_for(environment, begins=begins) as settings:
        yield sandbox_of(settings) if environment.in_sandbox else settings


@contextmanager
def transaction(settings: Settings, at: datetime | None = None, *, audited: bool = True) -> Iterator["Session"]:
    """Open a transaction; it is committed at the end of the block, with a row of what the command changed.

    `at`: programme time, read when needed. `audited` False: the rows it writes are their own evidence.
    """
    from sqlalchemy.orm import Session

    from kontor import audit
    from kontor.evidence.acts import Act, watched
    from workers.connections import one_off_engine, programme_time

    act = Act(f"cli:{getpass.getuser()}", "cli")
    with Session(one_off_engine(settings), expire_on_commit=False) as session, watched(session, act):
        yield session
        session.flush()
        if act.wrote and audited:
            name, target, detail = command_line()
            audit.close(session, f"cli.{name}", target, at=at or programme_time(settings), detail=detail)
        session.commit()


def command_line() -> tuple[str, str | None, dict[str, object]]:
    """Return name, object and arguments of the running command for its row of the audit log; secrets masked."""
    from kontor.evidence.acts import MASK, SECRET, clean

    words = [clean(word)[:LONGEST_WORD] for word in sys.argv[1:] if word != "--debug"]
    leading = list(takewhile(lambda word: not word.startswith("-"), words))
    shown_words = [
        MASK if SECRET.search(before) and before.startswith("-") else word
        for before, word in zip(["", *words], words, strict=False)
    ]
    target = leading[2] if len(leading) > 2 else None
    return ".".join(leading[:2]), target, {"arguments": shown_words}


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Context of a command: settings, one transaction, programme time and real time."""

    settings: Settings
    session: "Session"
    now: datetime
    wall_time: datetime
    actor: str


@contextmanager
def command_context() -> Iterator[CommandContext]:
    """Open the context of a command; it is committed at the end of the block."""
    with running_settings() as settings:
        from workers.connections import both_times

        now, wall_time = both_times(settings)
        with transaction(settings, now) as session:
            yield CommandContext(settings, session, now, wall_time, f"cli:{getpass.getuser()}")


REASON = typer.Option("--reason", metavar="TEXT", help="Reason, kept in the audit log.")
ReasonOption = Annotated[str | None, REASON]
RequiredReason = Annotated[str, REASON]


@dataclass(frozen=True, slots=True)
class ControlContext:
    """Context of a command with the engine's operations."""

    command: CommandContext
    operations: "Operations"
    actor: "Actor"


@contextmanager
def ledger_jobs(settings: "Settings") -> Iterator["Jobs"]:
    """Provide the ledger; commits notify the relay."""
    from kontor.adapters.redis_doorbell import RedisRelayHint
    from kontor.engine.enqueue import Jobs
    from tasks.catalogue import catalogue
    from workers.connections import clock_for, redis_client
    from workers.namespaces import redis_keys

    client = redis_client(settings)
    with closing(client), closing(RedisRelayHint(client, redis_keys(settings))) as doorbell:
        yield Jobs(catalogue(settings.task_packages, simulated=settings.in_sandbox), clock_for(settings), doorbell)


@contextmanager
def control_context(reason: str | None = None) -> Iterator[ControlContext]:
    """Open a context with the engine's operations; commits at the end of the block and notifies the relay."""
    from kontor.audit import Actor
    from kontor.engine.admin.operations import Operations
    from kontor.kernel.database import psycopg_connection
    from kontor.programme.service import Programmes
    from kontor.provisioning.service import ServiceEndings
    from kontor.task_types.registry import refresh
    from kontor.webhooks.job_events import JOB_END_EVENTS

    with command_context() as ctx, ledger_jobs(ctx.settings) as jobs:
        refresh(psycopg_connection(ctx.session), jobs.catalogue)
        jobs.catalogue.subscribe(ServiceEndings(Programmes(jobs.clock)))
        jobs.catalogue.subscribe(JOB_END_EVENTS)
        yield ControlContext(ctx, Operations(jobs), Actor(ctx.actor, "cli", reason))
        ctx.session.commit()
