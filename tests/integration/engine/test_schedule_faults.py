"""Schedules that fail, clocks that jump, and two releases beside each other."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg.errors import DiskFull
from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.engine import schedule_rows
from kontor.engine.admin import queues
from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.schedule_rows import has_work, is_newer
from kontor.engine.schedules import declare, fire_due
from kontor.kernel.database import psycopg_connection
from kontor.kernel.states import MisfirePolicy
from tests.integration.engine.conftest import EngineHarness

OLD, NEW = "1.4.0", "1.5.0"
ROWS = "SELECT string_agg(slot, ' ' ORDER BY due_at) FROM schedule_occurrences WHERE NOT skipped"
RAN = "SELECT count(*) FROM jobs"


def minutely(name: str = "minutely", **changes: Any) -> ScheduleSpec:
    values = {"cron": "* * * * *", "timezone": "UTC", "task": "test.write", "misfire": MisfirePolicy.ALL}
    return ScheduleSpec(name=name, args={"note": name}, **{**values, **changes})


def announce(world: EngineHarness, *declared: ScheduleSpec, release: str = NEW) -> None:
    with Session(world.engine) as session, session.begin():
        declare(session, declared, world.clock.now(), release)


def fire(world: EngineHarness, at: datetime | None = None, release: str = NEW) -> int:
    with Session(world.engine) as session, session.begin():
        return fire_due(session, world.inline.jobs, at or world.clock.now(), release)


def fire_each_minute(world: EngineHarness, minutes: int, release: str = NEW) -> list[int]:
    fired = []
    for _ in range(minutes):
        world.clock.advance(timedelta(minutes=1))
        fired.append(fire(world, release=release))
    return fired


def errors(world: EngineHarness) -> dict[str, str | None]:
    """The error of each schedule as lists show it."""
    with Session(world.engine) as session:
        return {view.schedule.name: view.error for view in queues.list_schedules(session, world.clock.now())}


def slots(world: EngineHarness) -> Sequence[str]:
    return str(world.ask(ROWS) or "").split()


DAMAGES = [
    ("timezone = 'Mars/Olympus'", "ZoneInfoNotFoundError"),
    ("timezone = '../etc'", "ValueError"),
    ("cron = 'every now and then'", "InvalidCron"),
    ("task = 'gone.task'", "gone.task"),
    ("payload = '{\"note\": [1]}'", "test.write"),
    ("payload = '[1]'", "Error"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGES)
def test_schedule_that_fails_is_marked_and_the_others_fire(world: EngineHarness, damage: str, reason: str) -> None:
    announce(world, minutely("a"), minutely("b"), minutely("c"))
    world.ask(f"UPDATE schedules SET {damage} WHERE name = 'b'")
    assert fire_each_minute(world, 1) == [2]
    shown = errors(world)
    assert reason in str(shown.pop("b"))
    assert shown == {"a": None, "c": None}
    assert world.ask("SELECT failed_at FROM schedules WHERE name = 'b'") == world.clock.now()
    assert fire_each_minute(world, 2) == [2, 2]


def test_schedule_is_well_again_and_catches_up_when_it_is_repaired(world: EngineHarness) -> None:
    announce(world, minutely("a"))
    world.ask("UPDATE schedules SET timezone = 'Mars/Olympus'")
    assert fire_each_minute(world, 3) == [0, 0, 0]
    world.ask("UPDATE schedules SET timezone = 'UTC'")
    assert fire_each_minute(world, 1) == [4]
    assert errors(world) == {"a": None}
    assert world.ask("SELECT failed_at FROM schedules") is None


def test_schedule_is_marked_before_it_is_due_when_its_zone_is_unknown(world: EngineHarness) -> None:
    announce(world, minutely("a", cron="0 0 1 1 *", timezone="Mars/Olympus"), minutely("b"))
    announce(world, minutely("a", cron="0 0 1 1 *", timezone="Mars/Olympus"), minutely("b"))
    assert "Mars/Olympus" in str(world.ask("SELECT error FROM schedules WHERE name = 'a'"))
    assert fire_each_minute(world, 1) == [1]
    announce(world, minutely("a", cron="0 0 1 1 *"), minutely("b"))
    assert errors(world) == {"a": None, "b": None}


@pytest.mark.parametrize("column", ["next_at", "checked_until", "expected_from"])
def test_list_shows_a_schedule_that_cannot_be_read(world: EngineHarness, column: str) -> None:
    announce(world, minutely("a"), minutely("b"))
    world.ask(f"UPDATE schedules SET {column} = 'infinity' WHERE name = 'a'")
    shown = errors(world)
    assert "timestamp" in str(shown["a"])
    assert shown["b"] is None
    world.clock.advance(timedelta(minutes=1))
    assert fire(world) >= 1
    assert len(slots(world)) >= 1


def test_error_of_the_server_is_no_error_of_a_schedule(world: EngineHarness) -> None:
    announce(world, minutely("a"))
    world.ask(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;"
        "CREATE TRIGGER full_disk BEFORE INSERT ON jobs EXECUTE FUNCTION full_disk()"
    )
    world.clock.advance(timedelta(minutes=1))
    with pytest.raises(DiskFull):
        fire(world)
    assert errors(world) == {"a": None}


@pytest.mark.parametrize("policy", list(MisfirePolicy))
@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1)])
def test_no_occurrence_is_lost_when_the_clock_jumped_ahead_for_one_run(
    world: EngineHarness, policy: MisfirePolicy, ahead: timedelta
) -> None:
    announce(world, minutely(misfire=policy))
    assert fire_each_minute(world, 2) == [1, 1]
    fire(world, world.clock.now() + ahead)
    world.clock.advance(timedelta(seconds=0.5))  # the scheduler's next look
    assert fire(world) == 0
    before = world.ask(RAN)
    assert fire_each_minute(world, 180) == [1] * 180
    assert world.ask(RAN) - before == 180
    assert len(slots(world)) == len(set(slots(world)))


@pytest.mark.parametrize("policy", list(MisfirePolicy))
def test_slot_fires_when_it_fell_due_while_the_clock_was_ahead(world: EngineHarness, policy: MisfirePolicy) -> None:
    announce(world, minutely(misfire=policy))
    assert fire_each_minute(world, 1) == [1]
    for second in range(57, 64):
        fire(world, world.clock.now() + timedelta(seconds=second, hours=1))
    world.clock.advance(timedelta(seconds=64))
    fire(world)
    assert len(slots(world)) == 2
    assert fire_each_minute(world, 3) == [1, 1, 1]


def test_slot_that_was_due_before_the_clock_was_set_right_does_not_fire_again(world: EngineHarness) -> None:
    announce(world, minutely())
    world.clock.advance(timedelta(minutes=1))
    fire(world, world.clock.now() + timedelta(minutes=10))
    first = slots(world)[0]
    assert fire(world) == 0
    assert slots(world) == [first]


def test_schedule_keeps_its_slots_when_the_clock_is_a_few_seconds_ahead(world: EngineHarness) -> None:
    announce(world, minutely())
    world.clock.advance(timedelta(seconds=59))
    assert fire(world, world.clock.now() + timedelta(seconds=2)) == 1
    world.clock.advance(timedelta(seconds=1))
    assert fire(world) == 0
    assert fire_each_minute(world, 3) == [1, 1, 1]


@pytest.mark.parametrize("phase", range(0, 10, 2))
def test_no_occurrence_is_lost_when_an_older_scheduler_retires_the_schedule(world: EngineHarness, phase: int) -> None:
    announce(world, minutely())
    fired = 0
    for second in range(0, 300, 2):
        world.clock.advance(timedelta(seconds=2))
        if second % 10 == phase:
            world.ask("UPDATE schedules SET retired = true")  # as releases before 1.5 do every ten seconds
        if second % 10 == 0:
            announce(world, minutely())
        fired += fire(world)
    announce(world, minutely())
    fired += fire(world)
    assert fired == 5


def test_no_occurrence_is_lost_when_an_older_scheduler_changes_the_schedule_back(world: EngineHarness) -> None:
    announce(world, minutely())
    older = "UPDATE schedules SET cron = '0 3 * * *', checked_until = :now, next_at = :now + interval '8 hours'"
    fired = 0
    for second in range(0, 300, 5):
        world.clock.advance(timedelta(seconds=5))
        if second % 10 == 0:
            world.ask(older, now=world.clock.now())
        else:
            announce(world, minutely())
        fired += fire(world)
    assert fired == 5


def test_older_release_changes_and_retires_nothing_that_a_newer_one_declared(world: EngineHarness) -> None:
    announce(world, minutely("both"), minutely("only new"), release=NEW)
    announce(world, minutely("both", cron="0 0 * * *"), release=OLD)
    assert fire_each_minute(world, 2, release=OLD) == [2, 2]
    query = "SELECT string_agg(name || ' ' || cron, ', ' ORDER BY name) FROM schedules WHERE NOT retired"
    assert world.ask(query) == "both * * * * *, only new * * * * *"


@pytest.mark.parametrize("release", [NEW, "1.6.0"])
def test_release_retires_what_it_dropped(world: EngineHarness, release: str) -> None:
    announce(world, minutely("dropped"), release=NEW)
    announce(world, release=release)
    assert world.ask("SELECT retired FROM schedules")


def test_release_that_was_rolled_back_to_owns_its_schedules_after_a_day(world: EngineHarness) -> None:
    announce(world, minutely("both"), minutely("only new"), release=NEW)
    world.clock.advance(timedelta(days=2))
    announce(world, minutely("both", cron="0 0 * * *"), release=OLD)
    assert world.ask("SELECT cron FROM schedules WHERE name = 'both'") == "0 0 * * *"
    assert not world.ask("SELECT retired FROM schedules WHERE name = 'only new'")


@pytest.mark.parametrize(("declared_by", "marked"), [(NEW, False), (OLD, True)])
def test_schedule_of_an_unknown_task_is_marked_only_when_no_newer_release_declared_it(
    world: EngineHarness, declared_by: str, marked: bool
) -> None:
    announce(world, minutely("a", task="later.task"), minutely("b"), release=declared_by)
    assert fire_each_minute(world, 1, release=OLD) == [1]
    assert (errors(world)["a"] is not None) is marked


def test_schedule_starts_afresh_when_it_was_retired_for_long(world: EngineHarness) -> None:
    announce(world, minutely())
    announce(world)
    world.clock.advance(timedelta(hours=5))
    announce(world, minutely())
    assert fire(world) == 0
    assert fire_each_minute(world, 1) == [1]


@pytest.mark.parametrize(
    ("release", "than", "newer"),
    [("1.5.0", "1.4.9", True), ("1.10.0", "1.9.0", True), ("1.5.0", "1.5.0", False), (None, "0.0.1", False)],
)
def test_releases_are_ordered_by_their_numbers(release: str | None, than: str, newer: bool) -> None:
    assert is_newer(release, than) is newer


@pytest.mark.parametrize(
    ("change", "minutes", "expected"),
    [
        ("error = NULL", 0, False),
        ("error = NULL", 1, True),
        ("retired = true", 1, False),
        ("checked_until = now() + interval '100 years'", 0, True),
        ("checked_until = 'infinity'", 0, True),
        ("next_at = 'infinity'", 0, True),
    ],
)
def test_pass_is_made_when_a_schedule_is_due_or_a_clock_had_jumped(
    world: EngineHarness, change: str, minutes: int, expected: bool
) -> None:
    announce(world, minutely())
    with Session(world.engine) as session, session.begin():
        session.execute(text(f"UPDATE schedules SET {change}"))
        now = world.clock.now() + timedelta(minutes=minutes)
        assert has_work(psycopg_connection(session), now) is expected
        reset = 0 if expected else schedule_rows.reset_future(session, now, schedule_rows.AHEAD)
        assert expected or (reset, schedule_rows.due_names(session, now)) == (0, [])


def test_clock_of_the_schedules_is_repaired_in_the_table(world: EngineHarness) -> None:
    announce(world, minutely())
    fire(world, world.clock.now() + timedelta(days=1))
    assert fire(world) == 0
    with world.engine.connect() as connection:
        checked, due = connection.execute(text("SELECT checked_until, next_at FROM schedules")).one()
    assert checked == world.clock.now()
    assert due == world.clock.now() + timedelta(minutes=1)
