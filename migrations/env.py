"""Alembic environment: runs one migration at a time, and fails rather than wait for a long lock."""

import time

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from kontor.adapters.settings import load, settings_for
from models.base import metadata
from workers.migrations import is_compared

# An arbitrary number that no other program uses on the same database.
ADVISORY_LOCK = 7_246_108_531
LOCK_TIMEOUT = "4s"
POLL_SECONDS = 0.1


def wait_for_turn(connection: Connection) -> None:
    """Poll for the advisory lock: a statement that waits for it would block CREATE INDEX CONCURRENTLY."""
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK}):
        connection.commit()
        time.sleep(POLL_SECONDS)


def run(connection: Connection) -> None:
    """Migrate over one connection while holding the advisory lock."""
    wait_for_turn(connection)
    connection.execute(text("SELECT set_config('lock_timeout', :limit, false)"), {"limit": LOCK_TIMEOUT})
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=metadata(),
            compare_server_default=True,
            include_name=is_compared,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()


def run_at(url: str) -> None:
    """Migrate the database at a URL."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        run(connection)


url = context.config.attributes.get("url")
if url is not None:
    run_at(url)
else:
    with settings_for(load()) as settings:
        run_at(settings.direct_url)
