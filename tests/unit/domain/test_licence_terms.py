from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kontor.kernel.terms import Duration, InvalidTerm, parse_term, term_end

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("P1Y", Duration(12, 0)),
        ("P6M", Duration(6, 0)),
        ("P30D", Duration(0, 30)),
        ("P2W", Duration(0, 14)),
        ("P1Y6M10D", Duration(18, 10)),
        ("2027-12-31", date(2027, 12, 31)),
        ("2000-01-01", date(2000, 1, 1)),
        ("2199-12-31", date(2199, 12, 31)),
        ("P100Y", Duration(1200, 0)),
    ],
)
def test_term_is_a_duration_or_a_day(text: str, term: Duration | date) -> None:
    assert parse_term(text) == term


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "P0D",
        "P1",
        "1Y",
        "p1y",
        "P1.5Y",
        "-P1Y",
        "P-1Y",
        "PT1H",
        "P1YT1H",
        "P6M1Y",
        "P1Y ",
        "P101Y",
        "2027-02-29",
        "2027-1-1",
        "20271231",
        "2027-12-31T00:00",
        "P٣D",
        "P" + "9" * 30 + "D",
        "31.12.2027",
        "9999-12-31",
        "2200-01-01",
        "1999-12-31",
        "P99Y400D",
        "0001-01-01",
    ],
)
def test_any_other_text_is_not_a_term(text: str) -> None:
    with pytest.raises(InvalidTerm):
        parse_term(text)


def end(start: str, term: str) -> str:
    return term_end(datetime.fromisoformat(start), parse_term(term), BERLIN).astimezone(BERLIN).isoformat()


@pytest.mark.parametrize(
    ("start", "term", "result"),
    [
        ("2026-01-31T10:00:00+01:00", "P1M", "2026-02-28T10:00:00+01:00"),
        ("2028-02-29T10:00:00+01:00", "P1Y", "2029-02-28T10:00:00+01:00"),
        ("2026-03-01T10:00:00+01:00", "P1M", "2026-04-01T10:00:00+02:00"),
        ("2026-03-28T02:30:00+01:00", "P1D", "2026-03-29T03:00:00+02:00"),
        ("2026-10-24T02:30:00+02:00", "P1D", "2026-10-25T02:30:00+02:00"),
        ("2026-12-31T23:30:00+00:00", "P1M", "2027-02-01T00:30:00+01:00"),
        ("2026-05-01T10:00:00+02:00", "2026-12-31", "2027-01-01T00:00:00+01:00"),
    ],
)
def test_term_is_counted_on_the_local_calendar(start: str, term: str, result: str) -> None:
    assert end(start, term) == result


@given(
    st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2060-01-01")),
    st.integers(0, 600),
    st.integers(0, 1000),
)
def test_longer_term_never_ends_earlier(wall: datetime, months: int, days: int) -> None:
    start = wall.replace(tzinfo=UTC)
    shorter = term_end(start, Duration(months, days), BERLIN)

    assert shorter <= term_end(start, Duration(months, days + 1), BERLIN)
    assert shorter <= term_end(start, Duration(months + 1, days), BERLIN)
    assert shorter >= start - timedelta(hours=1)
