"""`/readyz` fails for what this web process cannot do, and for nothing else."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import httpx
import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import sessionmaker

from kontor.adapters.clock import ServerClock
from kontor.adapters.settings import Settings
from kontor.engine.readiness import Readiness, cause_of_unreadiness
from kontor.http.context import Deps
from tests.conftest import libpq
from tests.support.api import Api, running_server
from tests.support.polling import wait_for
from workers.presence import Presence, PresenceThread, identify
from workers.web_app import build

SETTLED = "SELECT clock_timestamp() - pg_postmaster_start_time() > interval '9 s'"
NOWHERE = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
Probe = Callable[[], httpx.Response]


@contextmanager
def serving(deps: Deps) -> Iterator[Probe]:
    """A web process; call for `/readyz`."""
    with running_server(build(deps)) as url, httpx.Client(base_url=url, timeout=10, verify=False) as http:
        yield lambda: http.get("/readyz")


@pytest.fixture
def beating(deps: Deps, settings: Settings) -> Iterator[Probe]:
    """A web process whose beat notes its readiness."""
    thread = PresenceThread(settings, Presence(identify("web"), ServerClock(), lambda: True))
    thread.start()
    try:
        wait_for(lambda: thread.readiness.report() is not None, "a beat")
        with serving(replace(deps, readiness=thread.readiness)) as probe:
            yield probe
    finally:
        thread.stop()


def set_read_only(engine: Engine, name: str, value: str) -> None:
    """Let new sessions of the database be read-only or not, and end the present ones."""
    with psycopg.connect(libpq(engine.url.set(database="postgres").render_as_string(hide_password=False))) as admin:
        admin.autocommit = True
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}')
        admin.execute("SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = %s", (name,))


def test_ready_process_names_the_broken_invariants_and_stays_ready(api: Api) -> None:
    assert api.http.get("/readyz").json() == {"status": "ok", "broken": []}
    with api.deps.sessions() as session:
        wait_for(lambda: session.scalar(text(SETTLED)), "a server whose restart is no excuse", 20)
        session.execute(text("""
            INSERT INTO processes (id, role, host, pid, version, started_at, beat_at)
            VALUES ('web-1', 'web', 'h', 1, '0', clock_timestamp() - interval '1 hour', clock_timestamp())
        """))  # fmt: skip
        session.commit()
    answer = api.http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "broken": ["relay", "scheduler"]})


def test_process_is_not_ready_without_the_schema(api: Api, beating: Probe, engine: Engine) -> None:
    assert beating().status_code == 200
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE jobs RENAME TO gone"))
    answer = api.http.get("/readyz")
    assert (answer.status_code, 'relation "jobs" does not exist' in answer.json()["why"]) == (503, True)
    wait_for(lambda: beating().status_code == 503, "the beat's answer")
    assert 'relation "jobs" does not exist' in beating().json()["why"]


def test_process_is_not_ready_while_postgresql_is_read_only(beating: Probe, api: Api, engine: Engine) -> None:
    name = str(engine.url.database)
    set_read_only(engine, name, "on")
    wait_for(lambda: "read-only" in beating().json().get("why", ""), "503 of the beat")
    assert beating().status_code == 503
    engine.dispose()
    wait_for(lambda: "read-only" in api.http.get("/readyz").json().get("why", ""), "503 of the direct question")
    set_read_only(engine, name, "off")
    wait_for(lambda: beating().status_code == 200, "200 again", 30)


def test_process_is_not_ready_while_postgresql_is_away(deps: Deps, settings: Settings) -> None:
    away = replace(settings, database_url=NOWHERE, database_direct_url=NOWHERE)
    thread = PresenceThread(away, Presence(identify("web"), ServerClock(), lambda: True))
    thread.start()
    try:
        wait_for(lambda: thread.readiness.report() is not None, "a failed beat")
        for readiness in (thread.readiness, None):
            sessions = sessionmaker(create_engine(NOWHERE))
            with serving(replace(deps, sessions=sessions, readiness=readiness)) as probe:
                assert (probe().status_code, "refused" in probe().json()["why"]) == (503, True)
    finally:
        thread.stop()


def test_process_is_ready_at_once_while_its_pool_is_empty(beating: Probe, deps: Deps) -> None:
    with ExitStack() as taken:
        for _ in range(15):
            taken.enter_context(deps.engine.connect())
        start = time.monotonic()
        answer = beating()
        assert (answer.status_code, time.monotonic() - start < 1) == (200, True)


def test_process_is_ready_when_the_server_has_no_connection_to_spare(engine: Engine) -> None:
    role = f"scarce_{engine.url.database}"
    with psycopg.connect(libpq(engine.url.render_as_string(hide_password=False)), autocommit=True) as admin:
        admin.execute(f'CREATE ROLE "{role}" LOGIN CONNECTION LIMIT 0')
        try:
            url = make_url(engine.url).set(username=role, password=None)
            with pytest.raises(psycopg.OperationalError) as refused:
                psycopg.connect(libpq(url.render_as_string(hide_password=False)))
        finally:
            admin.execute(f'DROP ROLE "{role}"')
    assert "too many connections" in str(refused.value)
    assert cause_of_unreadiness(refused.value) is None


@pytest.mark.parametrize("error", [
    PoolTimeout("QueuePool limit of size 8 overflow 4 reached"),
    psycopg.OperationalError("connection failed: FATAL:  sorry, too many clients already"),
    psycopg.OperationalError("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute"),
    psycopg.OperationalError("FATAL:  no more connections allowed (max_client_conn)"),
    errors.TooManyConnections("too many"), errors.DiskFull("full"),
    errors.LockNotAvailable("locked"), errors.QueryCanceled("too slow"),
])  # fmt: skip
def test_shortage_is_no_reason(error: Exception) -> None:
    assert cause_of_unreadiness(error) is None


@pytest.mark.parametrize("error", [
    psycopg.OperationalError("connection refused"), errors.AdminShutdown("going away"),
    errors.ReadOnlySqlTransaction("read-only"), errors.UndefinedTable("no jobs"),
])  # fmt: skip
def test_what_this_process_cannot_do_is_a_reason(error: Exception) -> None:
    assert cause_of_unreadiness(error) == str(error)


def test_silence_of_postgresql_is_a_reason_after_five_seconds() -> None:
    now = [0.0]
    readiness = Readiness(lambda: now[0])
    assert readiness.report() is None
    readiness.succeed()
    now[0] = 5.0
    report = readiness.report()
    assert report is not None
    assert report.why is None
    now[0] = 6.0
    report = readiness.report()
    assert report is not None
    assert report.why == "PostgreSQL has not answered for 6 s"
