from datetime import timedelta

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from adapters.clock_fakes import ManualClock
from services import queues

FILL = text("""
INSERT INTO jobs (id, task, queue, tenant, priority, state, payload, run_at, max_attempts, created_at)
SELECT gen_random_uuid(), 'probe.echo', :queue, :tenant, :priority, :state, '{}', :at, 3, :at
FROM generate_series(1, :count) AS n
""")


def fill(engine: Engine, count: int, **values: object) -> None:
    given = {"queue": "probe", "tenant": "", "priority": 0, "state": "queued", "count": count, **values}
    with engine.begin() as connection:
        connection.execute(FILL, given)


def look(engine: Engine, clock: ManualClock) -> dict[str, queues.QueueView]:
    with Session(engine) as session:
        return {view.name: view for view in queues.listed(session, ["mail", "probe"], clock.now())}


def test_counts_are_exact_below_ten_thousand_and_estimates_above(engine: Engine) -> None:
    clock = ManualClock()
    fill(engine, 9_999, at=clock.now())
    fill(engine, 3, at=clock.now(), queue="mail", state="dead")
    found = look(engine, clock)
    assert (found["probe"].queued, found["probe"].estimated) == (9_999, False)
    assert (found["mail"].dead, found["mail"].queued) == (3, 0)
    fill(engine, 20_001, at=clock.now())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE jobs")
    found = look(engine, clock)
    assert found["probe"].estimated
    assert 27_000 <= found["probe"].queued <= 33_000
    assert not found["mail"].estimated


def test_many_that_are_due_later_are_estimates_too(engine: Engine) -> None:
    clock = ManualClock()
    fill(engine, 6_000, at=clock.now(), state="scheduled")
    fill(engine, 6_000, at=clock.now(), state="retrying", queue="mail")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE jobs")
    found = look(engine, clock)
    assert found["probe"].estimated or found["mail"].estimated
    assert found["probe"].scheduled + found["mail"].retrying >= 10_000


def test_the_oldest_is_found_behind_other_priorities_and_tenants(engine: Engine) -> None:
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
    assert look(engine, clock)["probe"].oldest_queued_seconds == 5 * 3600
