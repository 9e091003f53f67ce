"""The sandbox's database: created beside the live one, migrated, given a first key and its limits, emptied."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from sqlalchemy.orm import Session

from kontor import audit
from kontor.adapters.database_url import connection_parameters
from kontor.adapters.sandbox import sandbox_of
from kontor.adapters.settings import Settings, SettingsError
from kontor.audit import Actor
from kontor.kernel import database
from kontor.kernel.limits import API_RATE, API_RATE_OPERATORS, JOBS_UNFINISHED
from kontor.limits import service as limits
from kontor.operators import keys
from models.keys import Scope
from workers.connections import Connection, both_times, one_off_engine, open_connection, require_key
from workers.migrations import migrate
from workers.schema import is_behind

MAKER: Final = Actor("sandbox", "cli")
LIMITS: Final = {API_RATE.name: 20, API_RATE_OPERATORS.name: 100, JOBS_UNFINISHED.name: 10_000}
"""Values for all, which `kontor limits set --sandbox` changes."""
NOT_ALLOWED: Final = (
    "the database {name} of the sandbox is missing, and {role} may not create it: run"
    ' CREATE DATABASE "{name}" OWNER "{role}" as an administrator'
)
KEPT: Final = frozenset(
    {
        *("alembic_version", "data_keys", "redis_namespaces", "worker_processes", "processes", "leaders"),
        *("audit_log", "audit_chain", "audit_head"),
    }
)
"""Tables that belong to the database and its processes, and the record of who did what, which nobody empties."""
RESTORED: Final = frozenset({"operators", "limit_overrides"})
"""Tables that refer to nothing and are put back as they were."""
TABLES: Final = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
UNBOUND: Final = "reseller_id IS NULL AND account_id IS NULL AND revoked_at IS NULL"


def prepare(live: Settings, key_file: Path | None = None) -> None:
    """Create and migrate the sandbox's database; does nothing when it is there and current.

    `key_file`: where the first key of a new sandbox is written, mode 0600. Raises SettingsError.
    """
    box = sandbox_of(live)
    if not is_current(box):
        create(live, box)
        migrate(box.direct_url)
        require_key(box)
    with Session(one_off_engine(box)) as session, session.begin():
        database.lock_names(session, "sandbox")
        if not keys.list_keys(session):
            begin(session, box, key_file)


def is_current(box: Settings) -> bool:
    """Whether the sandbox's database is there and has the schema of this release."""
    try:
        return not is_behind(box)
    except psycopg.OperationalError:
        return False


def create(live: Settings, box: Settings) -> None:
    """Create the sandbox's database unless it is there. Raises psycopg errors and SettingsError."""
    name = connection_parameters(box.direct_url)["dbname"]
    with open_connection(live, "kontor-sandbox") as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None:
            return
        try:
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.InsufficientPrivilege:
            raise SettingsError(NOT_ALLOWED.format(name=name, role=connection.info.user)) from None


def begin(session: Session, box: Settings, key_file: Path | None) -> None:
    """Set the limits of a new sandbox; write its first key to a file if one is named."""
    now, _ = both_times(box)
    for name, value in LIMITS.items():
        limits.set_limit(session, name, value, MAKER, now)
    if key_file is None:
        return
    key = keys.create(session, "first start", list(Scope), now, maker=keys.KeyMaker(MAKER.name, in_sandbox=True))
    audit.record(session, MAKER, "key.create", f"key:{key.id}", at=now)
    write_key(key_file, key.secret)


def write_key(file: Path, secret: str) -> None:
    """Write a key anew, mode 0600. Raises SettingsError."""
    try:
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(json.dumps({"api_key": secret}, indent=2) + "\n")
    except OSError as error:
        raise SettingsError(f"the sandbox's key cannot be written to {file}: {error.strerror}") from None


def reset(box: Settings) -> int:
    """Empty the sandbox and set its clock back; return how many tables had rows. Unbound keys, operators, limits stay.

    Raises SettingsError for the settings of a live database.
    """
    if not box.in_sandbox:
        raise SettingsError("only a sandbox can be emptied")
    require_key(box)
    with open_connection(box, "kontor-sandbox") as connection, connection.transaction():
        names = [name for (name,) in connection.execute(TABLES).fetchall() if name not in KEPT]
        return empty(connection, names)


def empty(connection: Connection, names: Sequence[str]) -> int:
    """Empty tables, also those whose rows nobody may delete; return how many had rows."""
    tables = [sql.Identifier(name) for name in names]
    filled = 0
    for table in tables:
        row = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(table)).fetchone()
        filled += bool(row and row[0])
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE kept_keys ON COMMIT DROP AS SELECT * FROM api_keys WHERE {}").format(
            sql.SQL(UNBOUND)
        )
    )
    for name in RESTORED:
        copy = sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS TABLE {}")
        connection.execute(copy.format(sql.Identifier(f"kept_{name}"), sql.Identifier(name)))
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
    connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
    for table in tables:
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))
    connection.execute("INSERT INTO api_keys SELECT * FROM kept_keys")
    for name in RESTORED:
        restore = sql.SQL("INSERT INTO {} SELECT * FROM {}")
        connection.execute(restore.format(sql.Identifier(name), sql.Identifier(f"kept_{name}")))
    return filled
