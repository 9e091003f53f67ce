from datetime import timedelta

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.engine.admin import queues

FILL = text("""
INSERT INTO jobs (id, task, queue, tenant, priority, state, payload, run_at, max_attempts, created_at)
SELECT gen_random_uuid(), 'probe.echo', :queue, :tenant, :priority, :state, '{}', :at, 3, :at
FROM generate_series(1, :count) AS n
""")


def fill(engine: Engine, count: int, **values: object) -> None:
    params = {"queue": "probe", "tenant": "", "priority": 0, "state": "queued", "count": count, **values}
    with engine.begin() as connection:
        connection.execute(FILL, params)


def queue_views(engine: Engine, clock: ManualClock) -> dict[str, queues.QueueView]:
    with Session(engine) as session:
        return {view.name: view for view in queues.list_queues(session, ["mail", "probe"], clock.now())}


def test_counts_are_exact_below_ten_thousand_and_estimated_above(engine: Engine) -> None:
    clock = ManualClock()
    fill(engine, 9_999, at=clock.now())
    fill(engine, 3, at=clock.now(), queue="mail", state="dead")
    views = queue_views(engine, clock)
    assert (views["probe"].queued, views["probe"].estimated) == (9_999, False)
    assert (views["mail"].dead, views["mail"].queued) == (3, 0)
    fill(engine, 20_001, at=clock.now())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE jobs")
    views = queue_views(engine, clock)
    assert views["probe"].estimated
    assert 27_000 <= views["probe"].queued <= 33_000
    assert not views["mail"].estimated


def test_scheduled_and_retrying_jobs_are_estimated_too(engine: Engine) -> None:
    clock = ManualClock()
    fill(engine, 6_000, at=clock.now(), state="scheduled")
    fill(engine, 6_000, at=clock.now(), state="retrying", queue="mail")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE jobs")
    views = queue_views(engine, clock)
    assert views["probe"].estimated or views["mail"].estimated
    assert views["probe"].scheduled + views["mail"].retrying >= 10_000


def test_oldest_job_is_found_behind_other_priorities_and_tenants(engine: Engine) -> None:
    clock = ManualClock()
    old = clock.now() - timedelta(hours=5)
    fill(engine, 5, at=clock.now(), priority=9, tenant="a")
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO jobs (id, task, queue, tenant, state, payload, run_at, max_attempts, created_at)
            VALUES ('00000000-0000-7000-8000-000000000001', 'probe.echo', 'probe', 'z', 'queued', '{}', :at, 3, :at)
            """),
            {"at": old},
        )
    assert queue_views(engine, clock)["probe"].oldest_queued_seconds == 5 * 3600
