"""Checks whether a database is ready for use; runs at every start, so without heavy imports."""

from pathlib import Path

import psycopg

VERSIONS = Path(__file__).resolve().parent.parent / "migrations" / "versions"
PREPARED = "SELECT version_num, EXISTS (SELECT FROM operators) FROM alembic_version"


def newest() -> str:
    """Return the newest revision, from the numbers of the migration files."""
    return max(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*.py"))


def is_prepared(conninfo: str) -> bool:
    """Whether the schema is current and an operator exists. `conninfo` is libpq's."""
    try:
        with psycopg.connect(conninfo, connect_timeout=5) as connection:
            return connection.execute(PREPARED).fetchone() == (newest(), True)
    except psycopg.errors.UndefinedTable:
        return False
