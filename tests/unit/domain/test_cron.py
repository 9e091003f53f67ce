from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from kontor.engine.cron import InvalidCron, Occurrence, latest_occurrences, next_occurrences, occurrences, parse_cron
from kontor.kernel.zones import next_change

BERLIN, NEW_YORK, SANTIAGO, MOSCOW = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "America/Santiago", "Europe/Moscow")
)
MINUTE = timedelta(minutes=1)


def on(day: str, tz: ZoneInfo, cron: str, hours: int = 30) -> list[str]:
    """Format `slot = local time` of everything due in the hours from two hours before that local day."""
    start = datetime.fromisoformat(day).replace(tzinfo=tz).astimezone(UTC) - timedelta(hours=2)
    due = occurrences(cron, tz, start, start + timedelta(hours=hours))
    return [f"{occurrence.slot} = {occurrence.due.astimezone(tz):%d %H:%M%z}" for occurrence in due]


@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *", "*/7 * * * *", "5/20 * * * *", "3,1-9/4 */5 * * *", "30 2 * * *", "0 0 29 2 *", "15 6 l * *",
        "0 9 31 * mon", "0 9 1-7 * 0", "59 23 * 1,jul-sep 7", "0 12 */10 * fri", "0 0-23 * * *",
    ],
)  # fmt: skip
@pytest.mark.parametrize("after", ["2026-02-28T23:59:59.999999", "2027-12-31T00:00:00", "2028-02-29T12:34:56"])
def test_times_are_those_of_croniter(cron: str, after: str) -> None:
    start = datetime.fromisoformat(after)
    expected = [moment.strftime("%Y-%m-%dT%H:%M") for moment in islice(croniter(cron, start, ret_type=datetime), 60)]
    due = next_occurrences(cron, ZoneInfo("UTC"), start.replace(tzinfo=UTC), 60)
    assert [occurrence.slot.removesuffix("+00:00") for occurrence in due] == expected


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
def test_fixed_hour_schedule_fires_once_on_the_day_of_a_clock_change(
    tz: ZoneInfo, day: str, cron: str, fires: list[str]
) -> None:
    assert [line for line in on(day, tz, cron) if line.startswith(day)] == fires


def test_several_slots_in_a_gap_become_one_occurrence() -> None:
    assert on("2026-03-29", BERLIN, "*/15 2 * * *", 24) == ["2026-03-29T02:00 = 29 03:00+0200"]


def test_existing_slot_takes_precedence_over_one_shifted_out_of_a_gap() -> None:
    assert on("2026-03-29", BERLIN, "0 2,3 * * *", 24) == ["2026-03-29T03:00 = 29 03:00+0200"]


def test_hourly_schedule_runs_in_both_passes_and_not_in_a_gap() -> None:
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


def test_hour_with_a_step_runs_by_elapsed_time() -> None:
    assert on("2026-10-25", BERLIN, "0 */2 * * *", 6) == [
        "2026-10-25T00:00+02:00 = 25 00:00+0200",
        "2026-10-25T02:00+02:00 = 25 02:00+0200",
        "2026-10-25T02:00+01:00 = 25 02:00+0100",
    ]
    assert on("2026-03-29", BERLIN, "0 */2 * * *", 6) == [
        "2026-03-29T00:00+01:00 = 29 00:00+0100",
        "2026-03-29T04:00+02:00 = 29 04:00+0200",
    ]


def test_range_that_covers_every_hour_is_a_wildcard() -> None:
    assert on("2026-10-25", BERLIN, "0 0-23 * * *") == on("2026-10-25", BERLIN, "0 * * * *")


def test_schedule_fired_in_the_first_pass_does_not_fire_in_the_second() -> None:
    first_pass = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    assert occurrences("30 2 * * *", BERLIN, first_pass, first_pass + timedelta(hours=2)) == ()
    between = first_pass + timedelta(minutes=45)
    assert occurrences("30 2 * * *", BERLIN, between, between + timedelta(hours=2)) == ()


def test_start_of_an_interval_is_excluded_and_its_end_included() -> None:
    due = datetime(2026, 5, 1, 22, 5, tzinfo=UTC)

    assert occurrences("5 0 * * *", BERLIN, due, due + timedelta(hours=1)) == ()
    assert occurrences("5 0 * * *", BERLIN, due - MINUTE, due) == (Occurrence(due, "2026-05-02T00:05"),)
    assert occurrences("5 * * * *", BERLIN, due, due + timedelta(minutes=59)) == ()


def test_next_leap_day_is_found() -> None:
    start = datetime(2097, 1, 1, tzinfo=UTC)

    assert [occurrence.slot for occurrence in next_occurrences("0 3 29 2 *", BERLIN, start, 1)] == ["2104-02-29T03:00"]
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
def test_invalid_expression_is_refused_with_a_reason(cron: str, why: str) -> None:
    with pytest.raises(InvalidCron, match=f".*{why}".replace("(", r"\(")):
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
    """Every due instant of (after, until], determined minute by minute."""
    due = []
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
            due.append(instant)
        instant += MINUTE
    return due


@settings(max_examples=60)
@given(stretches(), values(0, 59), st.none() | values(0, 5) | values(0, 23))
def test_occurrences_equal_a_check_of_every_minute(
    where: tuple[ZoneInfo, datetime], minutes: frozenset[int], hours: frozenset[int] | None
) -> None:
    tz, after = where
    until = after + timedelta(hours=30)
    hour = "*" if hours is None else ",".join(map(str, hours))
    due = occurrences(f"{','.join(map(str, minutes))} {hour} * * *", tz, after, until)

    assert [occurrence.due for occurrence in due] == by_hand(minutes, hours, tz, after, until)
    assert len({occurrence.slot for occurrence in due}) == len(due)


@settings(max_examples=60)
@given(stretches(), st.sampled_from(["*/20 * * * *", "30 0-3 * * *", "0 0 * * *", "10 */3 * * 0"]))
def test_many_short_intervals_equal_one_long_interval(where: tuple[ZoneInfo, datetime], cron: str) -> None:
    tz, after = where
    instants = [after + timedelta(minutes=47 * step) for step in range(60)]
    often = [occurrence for left, right in pairwise(instants) for occurrence in occurrences(cron, tz, left, right)]

    assert tuple(often) == occurrences(cron, tz, after, instants[-1])
    assert next_occurrences(cron, tz, after, len(often)) == tuple(often)


@settings(max_examples=40)
@given(stretches(), st.sampled_from(["*/20 * * * *", "30 0-3 * * *", "0 0 * * *"]), st.integers(1, 120))
def test_latest_occurrences_are_the_end_of_all_occurrences(where: tuple[ZoneInfo, datetime], cron: str, n: int) -> None:
    tz, after = where
    until = after + timedelta(days=40, minutes=17)

    assert latest_occurrences(cron, tz, after, until, n) == occurrences(cron, tz, after, until)[-n:]
