from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cron import BadCron, Occurrence, latest_occurrences, next_occurrences, occurrences, parse_cron
from domain.zones import next_change

BERLIN, NEW_YORK, SANTIAGO, MOSCOW = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "America/Santiago", "Europe/Moscow")
)
MINUTE = timedelta(minutes=1)


def on(day: str, tz: ZoneInfo, cron: str, hours: int = 30) -> list[str]:
    """`slot = local time` of what is due in the hours from two hours before that local day."""
    start = datetime.fromisoformat(day).replace(tzinfo=tz).astimezone(UTC) - timedelta(hours=2)
    found = occurrences(cron, tz, start, start + timedelta(hours=hours))
    return [f"{one.slot} = {one.due.astimezone(tz):%d %H:%M%z}" for one in found]


@pytest.mark.parametrize(
    ("tz", "day", "cron", "fires"),
    [
        (BERLIN, "2026-03-29", "30 2 * * *", ["2026-03-29T02:30 = 29 03:00+0200"]),
        (BERLIN, "2026-10-25", "30 2 * * *", ["2026-10-25T02:30 = 25 02:30+0200"]),
        (NEW_YORK, "2026-03-08", "30 2 * * *", ["2026-03-08T02:30 = 08 03:00-0400"]),
        (NEW_YORK, "2026-11-01", "30 1 * * *", ["2026-11-01T01:30 = 01 01:30-0400"]),
        (SANTIAGO, "2026-09-06", "5 0 * * *", ["2026-09-06T00:05 = 06 01:00-0300"]),
        (SANTIAGO, "2026-04-04", "30 23 * * *", ["2026-04-04T23:30 = 04 23:30-0300"]),
        (MOSCOW, "2026-03-29", "30 2 * * *", ["2026-03-29T02:30 = 29 02:30+0300"]),
        (MOSCOW, "2014-10-26", "30 1 * * *", ["2014-10-26T01:30 = 26 01:30+0400"]),
    ],
)
def test_a_fixed_hour_schedule_fires_once_on_the_day_the_clock_changes(
    tz: ZoneInfo, day: str, cron: str, fires: list[str]
) -> None:
    assert [line for line in on(day, tz, cron) if line.startswith(day)] == fires


def test_several_slots_in_a_gap_become_one_occurrence() -> None:
    assert on("2026-03-29", BERLIN, "*/15 2 * * *", 24) == ["2026-03-29T02:00 = 29 03:00+0200"]


def test_a_slot_that_the_clock_shows_wins_over_one_that_a_gap_pushed_onto_it() -> None:
    assert on("2026-03-29", BERLIN, "0 2,3 * * *", 24) == ["2026-03-29T03:00 = 29 03:00+0200"]


def test_an_hourly_schedule_runs_in_both_passes_and_invents_nothing_in_a_gap() -> None:
    assert on("2026-10-25", BERLIN, "0 * * * *", 7)[3:] == [
        "2026-10-25T02:00+02:00 = 25 02:00+0200",
        "2026-10-25T02:00+01:00 = 25 02:00+0100",
        "2026-10-25T03:00+01:00 = 25 03:00+0100",
        "2026-10-25T04:00+01:00 = 25 04:00+0100",
    ]
    assert on("2026-03-29", BERLIN, "0 * * * *", 5)[2:] == [
        "2026-03-29T01:00+01:00 = 29 01:00+0100",
        "2026-03-29T03:00+02:00 = 29 03:00+0200",
        "2026-03-29T04:00+02:00 = 29 04:00+0200",
    ]


def test_an_hour_with_a_step_runs_by_elapsed_time_too() -> None:
    assert on("2026-10-25", BERLIN, "0 */2 * * *", 6) == [
        "2026-10-25T00:00+02:00 = 25 00:00+0200",
        "2026-10-25T02:00+02:00 = 25 02:00+0200",
        "2026-10-25T02:00+01:00 = 25 02:00+0100",
    ]
    assert on("2026-03-29", BERLIN, "0 */2 * * *", 6) == [
        "2026-03-29T00:00+01:00 = 29 00:00+0100",
        "2026-03-29T04:00+02:00 = 29 04:00+0200",
    ]


def test_a_range_that_covers_every_hour_is_a_wildcard() -> None:
    assert on("2026-10-25", BERLIN, "0 0-23 * * *") == on("2026-10-25", BERLIN, "0 * * * *")


def test_a_schedule_that_was_seen_in_the_first_pass_is_not_seen_again_in_the_second() -> None:
    first_pass = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    assert occurrences("30 2 * * *", BERLIN, first_pass, first_pass + timedelta(hours=2)) == ()
    between = first_pass + timedelta(minutes=45)
    assert occurrences("30 2 * * *", BERLIN, between, between + timedelta(hours=2)) == ()


def test_the_beginning_of_a_stretch_is_excluded_and_its_end_included() -> None:
    due = datetime(2026, 5, 1, 22, 5, tzinfo=UTC)

    assert occurrences("5 0 * * *", BERLIN, due, due + timedelta(hours=1)) == ()
    assert occurrences("5 0 * * *", BERLIN, due - MINUTE, due) == (Occurrence(due, "2026-05-02T00:05"),)
    assert occurrences("5 * * * *", BERLIN, due, due + timedelta(minutes=59)) == ()


def test_the_next_leap_day_is_found() -> None:
    start = datetime(2097, 1, 1, tzinfo=UTC)

    assert [one.slot for one in next_occurrences("0 3 29 2 *", BERLIN, start, 1)] == ["2104-02-29T03:00"]
    (elapsed,) = next_occurrences("0 */6 29 2 *", BERLIN, datetime(2026, 3, 1, tzinfo=UTC), 1)
    assert elapsed.slot == "2028-02-29T00:00+01:00"


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("@daily", "five fields"),
        ("60 * * * *", "minute: '60' is outside 0-59"),
        ("0 24 * * *", "hour: '24' is outside 0-23"),
        ("0 0 0 * *", "day of month: '0' is outside 1-31"),
        ("0 0 * 13 *", "month: '13' is outside"),
        ("0 0 * * 8", "day of week: '8' is outside"),
        ("0 0 * foo *", "month: 'foo' is outside"),
        ("0 5-5 * * *", "must be ascending"),
        ("0 22-2 * * *", "must be ascending"),
        ("*/0 * * * *", "a step must be 1 to 59"),
        ("*/99 * * * *", "a step must be 1 to 59"),
        ("r * * * *", "minute: 'r' is outside"),
        ("h(1-5) * * * *", "is not a value"),
        ("1,,2 * * * *", "is not a value"),
        ("0 0 15w * *", "'15w' is outside"),
        ("0 0 ? * *", "is not a value"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 31 4,6 *", "never fires"),
        ("1," * 120 + "1 * * * *", "five fields"),
    ],
)
def test_a_bad_expression_says_what_is_wrong_with_it(cron: str, why: str) -> None:
    with pytest.raises(BadCron, match=f".*{why}".replace("(", r"\(")):
        parse_cron(cron)


@st.composite
def stretches(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A zone and an instant within a day of one of its clock changes."""
    tz = draw(st.sampled_from([BERLIN, NEW_YORK, SANTIAGO, MOSCOW, ZoneInfo("Australia/Lord_Howe")]))
    anywhere = draw(st.datetimes(datetime.fromisoformat("2009-01-01"), datetime.fromisoformat("2034-01-01")))
    start = anywhere.replace(tzinfo=UTC, microsecond=0)
    change = next_change(start, tz, timedelta(days=400)) or start
    return tz, change - timedelta(minutes=draw(st.integers(0, 1440)), seconds=draw(st.integers(0, 59)))


def values(low: int, high: int) -> st.SearchStrategy[frozenset[int]]:
    return st.frozensets(st.integers(low, high), min_size=1, max_size=4)


def by_hand(
    minutes: frozenset[int], hours: frozenset[int] | None, tz: ZoneInfo, after: datetime, until: datetime
) -> list[datetime]:
    """Every instant of (after, until] at which it is due, found by looking at each minute."""
    found = []
    instant = after.replace(second=0) + MINUTE
    while instant <= until:
        local, before = instant.astimezone(tz), (instant - MINUTE).astimezone(tz)
        shown = [local.replace(tzinfo=None, fold=0)]
        if hours is not None and local.fold:
            shown = []
        if hours is not None and (local.utcoffset() or MINUTE) > (before.utcoffset() or MINUTE):
            skipped = before.replace(tzinfo=None) + MINUTE
            while skipped < local.replace(tzinfo=None):
                shown.append(skipped)
                skipped += MINUTE
        if any(wall.minute in minutes and wall.hour in (hours or range(24)) for wall in shown):
            found.append(instant)
        instant += MINUTE
    return found


@settings(max_examples=60)
@given(stretches(), values(0, 59), st.none() | values(0, 5) | values(0, 23))
def test_what_is_due_is_what_a_watchman_with_a_clock_would_say(
    where: tuple[ZoneInfo, datetime], minutes: frozenset[int], hours: frozenset[int] | None
) -> None:
    tz, after = where
    until = after + timedelta(hours=30)
    hour = "*" if hours is None else ",".join(map(str, hours))
    found = occurrences(f"{','.join(map(str, minutes))} {hour} * * *", tz, after, until)

    assert [one.due for one in found] == by_hand(minutes, hours, tz, after, until)
    assert len({one.slot for one in found}) == len(found)


@settings(max_examples=60)
@given(stretches(), st.sampled_from(["*/20 * * * *", "30 0-3 * * *", "0 0 * * *", "10 */3 * * 0"]))
def test_looking_often_finds_the_same_as_looking_once(where: tuple[ZoneInfo, datetime], cron: str) -> None:
    tz, after = where
    instants = [after + timedelta(minutes=47 * step) for step in range(60)]
    often = [one for left, right in pairwise(instants) for one in occurrences(cron, tz, left, right)]

    assert tuple(often) == occurrences(cron, tz, after, instants[-1])
    assert next_occurrences(cron, tz, after, len(often)) == tuple(often)


@settings(max_examples=40)
@given(stretches(), st.sampled_from(["*/20 * * * *", "30 0-3 * * *", "0 0 * * *"]), st.integers(1, 120))
def test_the_latest_of_a_long_stretch_are_the_end_of_all_of_it(
    where: tuple[ZoneInfo, datetime], cron: str, n: int
) -> None:
    tz, after = where
    until = after + timedelta(days=40, minutes=17)

    assert latest_occurrences(cron, tz, after, until, n) == occurrences(cron, tz, after, until)[-n:]
