from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.schedules import declare, fire_due
from kontor.kernel.states import MisfirePolicy
from tests.integration.engine.conftest import EngineHarness

# (zone, day that springs forward, missing hour, day that falls back, repeated hour)
CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC), 2, datetime(2026, 10, 25, tzinfo=UTC), 2),
    ("America/New_York", datetime(2026, 3, 8, tzinfo=UTC), 2, datetime(2026, 11, 1, tzinfo=UTC), 1),
    ("America/Santiago", datetime(2026, 9, 6, tzinfo=UTC), 0, datetime(2026, 4, 4, tzinfo=UTC), 23),
]


def announce(world: EngineHarness, *declared: ScheduleSpec) -> None:
    with Session(world.engine) as session, session.begin():
        declare(session, declared, world.clock.now())


def fire(world: EngineHarness) -> int:
    with Session(world.engine) as session, session.begin():
        return fire_due(session, world.inline.jobs, world.clock.now())


def nightly(cron: str, zone: str = "UTC", misfire: MisfirePolicy = MisfirePolicy.ONCE) -> ScheduleSpec:
    return ScheduleSpec("nightly", cron, zone, "test.write", misfire, {"note": "night"})


def slots(world: EngineHarness, *, skipped: bool = False) -> list[str]:
    query = text("SELECT slot FROM schedule_occurrences WHERE skipped = :skipped ORDER BY due_at")
    with world.engine.connect() as connection:
        return [row[0] for row in connection.execute(query, {"skipped": skipped})]


@pytest.mark.parametrize(("zone", "spring", "missing", "autumn", "twice"), CHANGES)
def test_fixed_hour_fires_once_on_days_of_a_clock_change(
    world: EngineHarness, zone: str, spring: datetime, missing: int, autumn: datetime, twice: int
) -> None:
    for change, hour in sorted([(spring, missing), (autumn, twice)]):
        world.clock.advance(change - timedelta(days=2) - world.clock.now())
        announce(world, nightly(f"30 {hour} * * *", zone))
        before = len(slots(world))
        for _ in range(5 * 48):
            world.clock.advance(timedelta(minutes=30))
            fire(world)
        days = [slot[:10] for slot in slots(world)[before:]]
        assert len(days) == len(set(days)) == 5
        assert str(change.date()) in days


def test_two_schedulers_fire_an_occurrence_once(world: EngineHarness) -> None:
    announce(world, nightly("* * * * *", misfire=MisfirePolicy.ALL))
    with ThreadPoolExecutor(2) as pool:
        fired = []
        for _ in range(20):
            world.clock.advance(timedelta(minutes=1))
            fired += list(pool.map(lambda _: fire(world), range(2)))
    assert sum(fired) == 20
    assert len(slots(world)) == len(set(slots(world))) == 20
    assert world.ask("SELECT count(*) FROM jobs") == 20


@pytest.mark.parametrize(
    ("policy", "hours_late", "fired", "skipped"),
    [
        (MisfirePolicy.SKIP, 1, 0, 2),
        (MisfirePolicy.SKIP, 0, 1, 1),
        (MisfirePolicy.ONCE, 1, 1, 1),
        (MisfirePolicy.ALL, 1, 2, 0),
    ],
)
def test_missed_occurrences_follow_the_misfire_policy(
    world: EngineHarness, policy: MisfirePolicy, hours_late: int, fired: int, skipped: int
) -> None:
    announce(world, nightly("0 12 * * *", misfire=policy))
    world.clock.advance(timedelta(days=2, hours=hours_late))
    assert fire(world) == fired
    assert (len(slots(world)), len(slots(world, skipped=True))) == (fired, skipped)
    assert fire(world) == 0
    assert world.inline.drain() == fired


@pytest.mark.parametrize(("policy", "fired"), [(MisfirePolicy.ONCE, 1), (MisfirePolicy.ALL, 366)])
def test_minutely_schedule_catches_up_in_one_run_after_a_year(
    world: EngineHarness, policy: MisfirePolicy, fired: int
) -> None:
    announce(world, nightly("* * * * *", misfire=policy))
    world.clock.advance(timedelta(days=365))
    assert fire(world) == fired
    assert (len(slots(world)), len(slots(world, skipped=True))) == (fired, 366)
    assert fire(world) == 0


def test_paused_schedule_skips_its_slots_and_resumes_with_the_next(world: EngineHarness) -> None:
    announce(world, nightly("0 * * * *", misfire=MisfirePolicy.ALL))
    world.ask("UPDATE schedules SET paused = true")
    world.clock.advance(timedelta(hours=5))
    assert fire(world) == 0
    world.ask("UPDATE schedules SET paused = false")
    assert fire(world) == 0
    world.clock.advance(timedelta(hours=1))
    assert fire(world) == 1


def test_schedule_that_is_no_longer_declared_does_not_fire(world: EngineHarness) -> None:
    announce(world, nightly("0 * * * *"))
    announce(world)
    world.clock.advance(timedelta(hours=5))
    assert fire(world) == 0


def test_occurrence_and_its_job_are_committed_together(world: EngineHarness) -> None:
    announce(world, nightly("0 * * * *"))
    world.clock.advance(timedelta(hours=1))
    with Session(world.engine) as session:
        fire_due(session, world.inline.jobs, world.clock.now())
        session.rollback()
    assert (slots(world), world.ask("SELECT count(*) FROM jobs")) == ([], 0)
    assert fire(world) == 1
    assert world.ask("SELECT job_id FROM schedule_occurrences") == world.ask("SELECT id FROM jobs")


@pytest.mark.parametrize("table", ["schedule_occurrences", "once_keys"])
def test_slot_runs_once_even_when_one_of_its_two_records_is_lost(world: EngineHarness, table: str) -> None:
    announce(world, nightly("* * * * *"))
    world.clock.advance(timedelta(minutes=1))
    assert fire(world) == 1
    world.inline.drain()
    world.ask(f"DELETE FROM {table}")
    world.ask("UPDATE schedules SET checked_until = checked_until - interval '1 minute', next_at = checked_until")
    fire(world)
    world.inline.drain()
    assert (world.script.order, len(slots(world))) == (["night"], 1)
