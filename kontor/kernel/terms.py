"""Terms of licences: a duration from acceptance, or a last day (programme.md 5)."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from kontor.kernel.periods import ONE_DAY, add_months
from kontor.kernel.zones import day_start, localize, parse_day

_DURATION = re.compile(r"P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MAX_YEARS = 100
_YEARS = range(2000, 2200)


class InvalidTerm(ValueError):
    """The text is not a valid term; the message names the valid forms."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is neither a duration such as P1Y, P6M or P30D (up to 100 years) nor a day YYYY-MM-DD"
        )


@dataclass(frozen=True, slots=True)
class Duration:
    """Calendar months, then days."""

    months: int = 0
    days: int = 0


Term = Duration | date
"""A duration from acceptance, or the last local day on which the licence still runs."""


def parse_term(text: str) -> Term:
    """Parse `P1Y`, `P6M`, `P30D`, `P2W`, `P1Y6M` or `2027-12-31`; raises `InvalidTerm`."""
    if _DAY.fullmatch(text):
        return _last_day(text)
    match = _DURATION.fullmatch(text)
    if match is None or len(text) > 20:
        raise InvalidTerm(text)
    years, months, weeks, days = (int(part or 0) for part in match.groups())
    term = Duration(years * 12 + months, weeks * 7 + days)
    if term == Duration() or term.months / 12 + term.days / 365 > _MAX_YEARS:
        raise InvalidTerm(text)
    return term


def term_end(start: datetime, term: Term, tz: ZoneInfo) -> datetime:
    """Return the exclusive end (UTC) of a licence accepted at the aware instant `start`.

    A duration keeps the local time of day and is clamped to the shorter month. A last day is
    included: the end is the start of the next day and may lie before `start`.
    """
    if isinstance(term, date):
        return day_start(term + ONE_DAY, tz)
    local = start.astimezone(tz)
    day = add_months(local.date(), term.months) + timedelta(days=term.days)
    return localize(datetime.combine(day, local.time()), tz)


def _last_day(text: str) -> date:
    try:
        day = parse_day(text)
    except ValueError:
        raise InvalidTerm(text) from None
    if day.year not in _YEARS:
        raise InvalidTerm(text)
    return day
