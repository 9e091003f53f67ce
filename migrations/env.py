"""Alembic's environment: one migration at a time, and none that queues behind a long lock."""

import time

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from adapters.environment import load
from adapters.settings import settings_for
from store.schema import metadata

# Any number that no other program on the same database takes.
ADVISORY_LOCK = 7_246_108_531
LOCK_TIMEOUT = "4s"
LOOK_SECONDS = 0.1


def wait_for_turn(connection: Connection) -> None:
    """Take the advisory lock by asking again: a statement that waits for it holds up CREATE INDEX CONCURRENTLY."""
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK}):
        connection.commit()
        time.sleep(LOOK_SECONDS)


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


given = context.config.attributes.get("url")
if given is not None:
    run_at(given)
else:
    with settings_for(load()) as settings:
        run_at(settings.database_url)
