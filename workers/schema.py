"""How far a database is migrated, asked without Alembic, and waiting until it is far enough."""

import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import psycopg
import structlog

from kontor.adapters.settings import Settings
from workers.connections import open_connection

log = structlog.get_logger(__name__)

VERSIONS: Final = Path(__file__).resolve().parent.parent / "migrations" / "versions"
REVISION: Final = "SELECT version_num FROM alembic_version"
PREPARED: Final = "SELECT version_num, EXISTS (SELECT FROM operators) FROM alembic_version"
POLL_SECONDS: Final = 1.0
REMINDER_SECONDS: Final = 60.0


def newest_migration() -> str:
    """Return the newest revision, from the numbers of the migration files."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def is_prepared(conninfo: str) -> bool:
    """Whether the schema is current and an operator exists. `conninfo` is libpq's."""
    try:
        with psycopg.connect(conninfo, connect_timeout=5) as connection:
            return connection.execute(PREPARED).fetchone() == (newest_migration(), True)
    except psycopg.errors.UndefinedTable:
        return False


def is_behind(settings: Settings) -> bool:
    """Whether the database lacks migrations of this release. Raises psycopg errors."""
    with open_connection(settings, "kontor-schema") as connection:
        try:
            row = connection.execute(REVISION).fetchone()
        except psycopg.errors.UndefinedTable:
            return True
    return row is None or str(row[0]) < newest_migration()


def await_schema(settings: Settings, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Wait until the database has the migrations of this release, as one of a newer release has; return whether it has.

    Does not wait while PostgreSQL is unavailable: each process has its own way to sit that out.
    """
    waited = 0.0
    try:
        while is_behind(settings):
            if waited % REMINDER_SECONDS == 0:
                log.warning("schema.behind", needed=newest_migration(), remedy="run `kontor migrate`")
            sleep(POLL_SECONDS)
            waited += POLL_SECONDS
    except psycopg.OperationalError as error:
        log.warning("schema.unknown", error=str(error).strip())
        return False
    return True


def is_among_processes(environ: Mapping[str, str]) -> bool:
    """Whether honcho or foreman started this process as `release` of a Procfile: they end all when one ends."""
    name = environ.get("HONCHO_PROCESS_NAME") or ("" if "DYNO" in environ else environ.get("PS", ""))
    return re.fullmatch(r"release\.\d+", name) is not None


def stay() -> None:
    """Wait for SIGTERM or SIGINT under a process manager that ends all processes when one ends."""
    if is_among_processes(os.environ):
        signals = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        signal.sigwait(signals)
