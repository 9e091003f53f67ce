"""Connections through PgBouncer."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from kontor.adapters.clock import SystemClock
from kontor.adapters.redis_doorbell import RedisRelayHint
from kontor.adapters.settings import Settings, SettingsError
from kontor.engine.enqueue import JobRequest, Jobs
from tasks.catalogue import catalogue
from tests.integration.connections.conftest import Pooler
from tests.support.polling import wait_for
from workers.connection_checks import check_connections
from workers.connections import open_connection, psycopg_connection, redis_client, sql_engine
from workers.doctor import run_checks
from workers.namespaces import redis_keys
from workers.relay import RelayProcess
from workers.worker import Worker

IGNORE = "ignore_startup_parameters = options"
JOBS = 300


@pytest.mark.parametrize("lines", [[IGNORE], []], ids=["options ignored", "options refused"])
def test_transaction_pooler_is_refused_with_the_remedy_when_no_direct_url_is_set(
    real_time: Settings, pooler: Pooler, lines: list[str]
) -> None:
    pooled = replace(real_time, database_url=pooler("transaction", *lines))
    for start in (
        lambda: sql_engine(pooled, "kontor-test", 1),
        lambda: psycopg_connection(pooled, "kontor-test"),
        lambda: RelayProcess(pooled, catalogue()).run(),
    ):
        with pytest.raises(SettingsError, match=r"^DATABASE_URL leads .* set DATABASE_DIRECT_URL"):
            start()
    problems = [check for check in run_checks(pooled) if check.subject == "pooler"]
    assert [problem.state for problem in problems] == ["problem"]
    assert "DATABASE_DIRECT_URL" in problems[0].text


def test_session_pooler_is_accepted(real_time: Settings, pooler: Pooler) -> None:
    pooled = replace(real_time, database_url=pooler("session", IGNORE))
    with psycopg_connection(pooled, "kontor-test") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_direct_url_that_leads_through_a_transaction_pooler_is_refused(real_time: Settings, pooler: Pooler) -> None:
    url = pooler("transaction", IGNORE)
    pooled = replace(real_time, database_url=url, database_direct_url=url)
    with pytest.raises(SettingsError, match=r"^DATABASE_DIRECT_URL leads"):
        psycopg_connection(pooled, "kontor-test")


def test_direct_connections_are_accepted(real_time: Settings) -> None:
    with psycopg_connection(real_time, "kontor-test") as connection:
        assert connection.execute("SHOW lock_timeout").fetchone() == ("30s",)


def test_doctor_asks_for_the_settings_of_the_role_when_a_pooler_drops_them(real_time: Settings, pooler: Pooler) -> None:
    settings = replace(real_time, database_url=pooler("transaction"), database_direct_url=real_time.database_url)
    with open_connection(settings, "kontor-test") as direct:
        (problem,) = check_connections(settings, direct)
    assert problem.subject == "pooler"
    assert problem.remedy is not None
    assert "ALTER ROLE kontor SET lock_timeout = '30s'" in problem.remedy


def test_workers_run_every_job_once_through_a_transaction_pooler(real_time: Settings, pooler: Pooler) -> None:
    settings = replace(real_time, database_url=pooler("transaction"), database_direct_url=real_time.database_url)
    relay = RelayProcess(settings, catalogue())
    leading = threading.Thread(target=relay.run)
    leading.start()
    workers = [Worker(settings) for _ in range(2)]
    for worker in workers:
        worker.start()
    doorbell = RedisRelayHint(redis_client(settings), redis_keys(settings))
    engine = sql_engine(settings, "kontor-test", 2)
    try:
        jobs = Jobs(catalogue(), SystemClock(), doorbell)
        with Session(engine) as session:
            jobs.enqueue_many(session, [JobRequest("probe.echo", {"message": f"'$1' {n}"}) for n in range(JOBS)])
            session.commit()
        with open_connection(settings, "kontor-test") as direct:

            def done() -> bool:
                row = direct.execute(
                    "SELECT count(*), count(DISTINCT id) FROM jobs_archive WHERE attempt = 1"
                ).fetchone()
                return row == (JOBS, JOBS)

            wait_for(done, "all jobs", 60)
            row = direct.execute("SELECT result FROM jobs_archive ORDER BY id LIMIT 1").fetchone()
            assert row == ({"message": "'$1' 0"},)
    finally:
        for worker in workers:
            worker.stop()
            if worker.heartbeat._connection is not None:
                worker.heartbeat._connection.close()
        relay.stop()
        leading.join()
        doorbell.close()
        engine.dispose()
