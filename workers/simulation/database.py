"""A database that exists as long as a simulation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import Engine, create_engine, make_url

from adapters.environment import SettingsError
from store.schema import migrate

PREFIX = "kontor_simulation_"


@contextmanager
def throw_away(database_url: str) -> Iterator[Engine]:
    """An engine over a new, migrated database beside the given one; it is dropped however the block ends.

    Raises SettingsError when the server's user may not create databases.
    """
    name = sql.Identifier(PREFIX + uuid4().hex[:12])
    # Whoever interrupts CREATE DATABASE does not know whether there is one: the end covers it, too.
    try:
        _create(database_url, name)
        own = make_url(database_url).set(database=name.as_string().strip('"'))
        migrate(own.render_as_string(hide_password=False))
        engine = create_engine(own)
        yield engine
        engine.dispose()
    finally:
        with _admin(database_url) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _create(database_url: str, name: sql.Identifier) -> None:
    with _admin(database_url) as server:
        try:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        except psycopg.errors.InsufficientPrivilege as refused:
            message = "a simulation needs a database of its own: give DATABASE_URL's user the right CREATEDB"
            raise SettingsError(message) from refused
        # Nothing here outlives the process: a commit need not wait for the disk.
        server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))


def _admin(database_url: str) -> psycopg.Connection[tuple[object, ...]]:
    url = make_url(database_url).set(drivername="postgresql")
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
