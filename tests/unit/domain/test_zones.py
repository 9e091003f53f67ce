from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.zones import (
    UnknownZone,
    day_start,
    in_gap,
    local_day,
    localize,
    next_change,
    parse_day,
    parse_time,
    zone,
)

at = datetime.fromisoformat
BERLIN = ZoneInfo("Europe/Berlin")
SANTIAGO = ZoneInfo("America/Santiago")
ZONES = ["Europe/Berlin", "America/New_York", "America/Santiago", "Europe/Moscow", "Pacific/Apia", "UTC"]
walls = st.datetimes(at("1990-01-01T00:00"), at("2037-12-31T00:00"))


@pytest.mark.parametrize("name", [*ZONES, "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_known_zone_is_accepted(name: str) -> None:
    assert zone(name).key == name


@pytest.mark.parametrize(
    "name", ["", "Europe", "Europe/", "Europe/Atlantis", "../etc/passwd", "/etc/localtime", "CEST+1", "a\0b"]
)
def test_any_other_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone):
        zone(name)


def test_repeated_time_means_its_first_pass() -> None:
    assert localize(at("2026-10-25T02:30"), BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_skipped_time_means_the_first_instant_after_the_gap() -> None:
    after = datetime(2026, 3, 29, 1, tzinfo=UTC)

    for minute in (0, 30, 59):
        assert localize(at(f"2026-03-29T02:{minute:02}"), BERLIN) == after
    assert localize(at("2026-03-29T03:00"), BERLIN) == after


def test_day_begins_at_one_where_midnight_is_skipped() -> None:
    assert in_gap(at("2026-09-06T00:00"), SANTIAGO)
    assert day_start(date(2026, 9, 6), SANTIAGO).astimezone(SANTIAGO).hour == 1


def test_skipped_day_means_the_day_after() -> None:
    apia = ZoneInfo("Pacific/Apia")

    assert day_start(date(2011, 12, 30), apia) == day_start(date(2011, 12, 31), apia)


def test_instant_belongs_to_the_local_day() -> None:
    moscow = ZoneInfo("Europe/Moscow")

    assert local_day(datetime(2026, 1, 4, 20, 59, 59, tzinfo=UTC), moscow) == date(2026, 1, 4)
    assert local_day(datetime(2026, 1, 4, 21, tzinfo=UTC), moscow) == date(2026, 1, 5)


def test_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        local_day(at("2026-01-01T00:00"), BERLIN)
    with pytest.raises(ValueError, match="naive"):
        localize(datetime(2026, 1, 1, tzinfo=UTC), BERLIN)


@given(walls, st.sampled_from(ZONES))
def test_local_time_outside_gaps_is_unchanged_by_a_round_trip(wall: datetime, name: str) -> None:
    tz = ZoneInfo(name)
    back = localize(wall, tz).astimezone(tz).replace(tzinfo=None, fold=0)

    assert (back == wall) is not in_gap(wall, tz)


@given(walls, st.timedeltas(timedelta(0), timedelta(days=3)), st.sampled_from(ZONES))
def test_later_local_time_is_never_an_earlier_instant(wall: datetime, more: timedelta, name: str) -> None:
    tz = ZoneInfo(name)

    assert localize(wall, tz) <= localize(wall + more, tz)


@given(walls, st.sampled_from(ZONES))
def test_next_change_is_the_exact_second_of_the_new_offset(wall: datetime, name: str) -> None:
    tz = ZoneInfo(name)
    start = wall.replace(tzinfo=UTC)
    change = next_change(start, tz, timedelta(days=400))

    if change is not None:
        before = (change - timedelta(seconds=1)).astimezone(tz).utcoffset()
        assert before == start.astimezone(tz).utcoffset()
        assert change.astimezone(tz).utcoffset() != before


@pytest.mark.parametrize(
    "text", ["2026-W44-1", "20261101", "2026-305", "2026-1-31", "2026-02-30", "2026-01-31T00:00", ""]
)
def test_day_is_refused_when_it_has_another_form(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_day(text)


@pytest.mark.parametrize("text", ["2026-W44-1", "2026-W44-1T10:00Z", "20261101T00+03", "2026-01-31X10:00", "10:00"])
def test_time_is_refused_when_its_day_has_another_form(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)


def test_day_and_time_are_read_in_their_usual_form() -> None:
    assert parse_day("2026-01-31") == date(2026, 1, 31)
    assert parse_time("2026-01-31T10:00+03:00") == at("2026-01-31T07:00+00:00")
    assert parse_time("2026-01-31") == at("2026-01-31T00:00")
