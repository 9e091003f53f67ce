"""What every command shares: settings with servers, one transaction, output, the engine's operations."""

import getpass
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from pydantic import BaseModel

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
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document only.")]


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


def plain(value: object) -> object:
    """Convert a value that JSON cannot hold; dataclasses and models become objects."""
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date() | UUID() | Decimal():
            return str(value)
        case Enum():
            return value.value
        case set() | frozenset():
            return sorted(value)
        case BaseModel():
            return value.model_dump(mode="json", by_alias=True)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        case _:
            raise TypeError(f"{type(value).__name__} is not a JSON value")


def print_json(document: object) -> None:
    """Print one JSON document to stdout."""
    json.dump(document, sys.stdout, default=plain, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool, empty: str = "None.") -> None:
    """Print rows as a table, or as a JSON list in the API's form."""
    if as_json:
        print_json({"items": list(rows), "next": None})
        return
    if not rows:
        print(empty)
        return
    table = [list(rows[0]), *([shown(value) for value in row.values()] for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for cells in table:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip())


def print_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print facts, one per line, or a JSON object."""
    if as_json:
        print_json(facts)
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(f"{name:<{width}}  {shown(value)}")


def shown(value: object) -> str:
    """Format a value for people."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=plain, ensure_ascii=False)
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return str(plain(value))


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
