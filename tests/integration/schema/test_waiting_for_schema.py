import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from kontor.adapters.database_url import libpq_url
from kontor.adapters.settings import Settings
from workers import schema


@pytest.fixture
def revision(settings: Settings) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A connection to this test's database, which has the newest schema."""
    with psycopg.connect(libpq_url(settings.database_url), autocommit=True) as connection:
        yield connection


def test_process_waits_until_the_migration_has_run_when_the_database_is_behind(
    settings: Settings, revision: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    newest = schema.newest_migration()
    naps = list[float]()

    def migrate_on_the_third(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            revision.execute("UPDATE alembic_version SET version_num = %s", [newest])

    revision.execute("UPDATE alembic_version SET version_num = '0001'")
    schema.await_schema(settings, migrate_on_the_third)
    assert len(naps) == 3


def test_process_waits_when_the_database_is_empty(
    settings: Settings, revision: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    revision.execute("ALTER TABLE alembic_version RENAME TO elsewhere")
    try:
        assert schema.is_behind(settings)
    finally:
        revision.execute("ALTER TABLE elsewhere RENAME TO alembic_version")


def test_process_starts_at_once_when_the_database_is_current_or_of_a_newer_release(
    settings: Settings, revision: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    assert not schema.is_behind(settings)
    revision.execute("UPDATE alembic_version SET version_num = '9999'")
    assert not schema.is_behind(settings)
    revision.execute("UPDATE alembic_version SET version_num = %s", [schema.newest_migration()])


def test_process_starts_and_waits_in_its_own_way_when_postgresql_is_away(settings: Settings) -> None:
    away = replace(settings, database_url="postgresql+psycopg://kontor@127.0.0.1:1/kontor", database_direct_url=None)
    schema.await_schema(away, lambda _: pytest.fail("waited"))


@pytest.mark.parametrize(
    ("environ", "stays"),
    [
        ({"HONCHO_PROCESS_NAME": "release.1"}, True),
        ({"PS": "release.1"}, True),
        ({"PS": "release.1", "DYNO": "release.3027"}, False),
        ({"HONCHO_PROCESS_NAME": "web.1"}, False),
        ({}, False),
    ],
)
def test_release_stays_when_its_end_would_end_the_other_processes(environ: dict[str, str], stays: bool) -> None:
    assert schema.is_among_processes(environ) is stays


def test_release_that_stays_ends_when_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HONCHO_PROCESS_NAME", "release.1")
    earlier = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        schema.stay()
        timer.join()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, earlier)
