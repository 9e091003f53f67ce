"""Where croniter alone and our grammar and clock rules disagree (ADR 11): `python -m bench.cron_differences`.

Expressions that only croniter takes, and due instants of three years in zones that change their clocks.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from kontor.engine.cron import InvalidCron, next_occurrences, occurrences, parse_cron

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
SCHEDULES = ("30 2 * * *", "0 3 * * *", "0,30 1-3 * * *", "30 0 * * *", "0 */2 * * *", "15 * * * *")
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
EXPRESSIONS = (
    "0 0 * * * *", "@daily", "r * * * *", "r(0-5) * * * *", "5-1 * * * *", "0 22-2 * * *", "*/90 * * * *", "0 0 ? * *",
    "0 0 * * 5#2", "0 0 * * l5", "0 0 15w * *", "0 0 * * fri-mon", "0 0 * * mon-1", "0 0 31 2 *", "0 0 l * *",
    "0 0 1,l * *", "0 0 * * 7", "0 0 * jan mon", "0-30/5 8-18 * * 1-5",
)  # fmt: skip


def accepts(parse: Callable[[str], object], expression: str) -> bool:
    """Whether a parser takes an expression."""
    try:
        parse(expression)
    except (InvalidCron, CroniterError):
        return False
    return True


def by_croniter(expression: str, zone: ZoneInfo) -> set[datetime]:
    """Due instants as croniter computes them on aware times."""
    due: set[datetime] = set()
    for at in croniter(expression, START.astimezone(zone), ret_type=datetime):
        instant = at.astimezone(UTC)
        if instant > END:
            return due
        due.add(instant)
    return due


def by_us(expression: str, zone: ZoneInfo) -> set[datetime]:
    """Due instants as schedules have them."""
    return {each.due for each in occurrences(expression, zone, START, END, limit=1_000_000)}


def pace(expression: str, zone: ZoneInfo, count: int = 500) -> tuple[float, float]:
    """Microseconds for one occurrence: croniter's, ours."""
    began = time.process_time()
    times = iter(croniter(expression, START.astimezone(zone), ret_type=datetime))
    for _ in range(count):
        next(times)
    middle = time.process_time()
    next_occurrences(expression, zone, START, count)
    return (middle - began) / count * 1e6, (time.process_time() - middle) / count * 1e6


def main() -> None:
    """Compare and print."""
    lenient = [text for text in EXPRESSIONS if accepts(croniter, text) and not accepts(parse_cron, text)]
    print(f"{len(EXPRESSIONS)} expressions; croniter takes and we refuse {len(lenient)}: {', '.join(lenient)}")
    firsts = {next(iter(croniter("r r * * *", START))) for _ in range(20)}
    print(f"r r * * *: {len(firsts)} different first instants in 20 tries")
    for name in ZONES:
        zone = ZoneInfo(name)
        for expression in SCHEDULES:
            theirs, ours = by_croniter(expression, zone), by_us(expression, zone)
            if theirs != ours:
                line = f"only croniter {len(theirs - ours)}, only ours {len(ours - theirs)}, of {len(ours)}"
                print(f"{name:20} {expression:16} {line}; first {min(theirs ^ ours):%Y-%m-%d %H:%M} UTC")
    for expression in ("30 2 * * *", "*/20 * * * *"):
        theirs_us, ours_us = pace(expression, ZoneInfo("Europe/Berlin"))
        print(f"{expression:16} croniter {theirs_us:.0f} us an occurrence, ours {ours_us:.0f}")


if __name__ == "__main__":
    main()
