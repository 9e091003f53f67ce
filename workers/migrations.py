"""The schema: its tables, the newest revision, migrating a database."""

import re
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

PARTITION = re.compile(r"(jobs_archive|job_attempts)_(first|default|\d{4}_\d\d)")
ROOT = Path(__file__).resolve().parent.parent
ATTEMPTS = 10


def is_compared(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a table of the database stands in the metadata by itself: a partition does not."""
    return kind != "table" or name is None or PARTITION.fullmatch(name) is None


def alembic_config(database_url: str) -> Config:
    """Return Alembic's configuration for one database."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = database_url
    return config


def migrate(database_url: str) -> None:
    """Migrate a database to the newest schema.

    Safe to repeat, to run concurrently, and while the previous release still runs.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            command.upgrade(alembic_config(database_url), "head")
        except OperationalError as error:
            blocked = getattr(error.orig, "sqlstate", None) == "55P03"
            if not blocked or attempt == ATTEMPTS:
                raise
            time.sleep(0.5)
        else:
            return


def revision(database_url: str) -> str | None:
    """Return the revision of a database, None for none."""
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """Return the newest revision of the code."""
    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()
