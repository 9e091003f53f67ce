"""Licences from accepted offers (programme.md 5.7)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.days import months_later, wall_instant


@dataclass
class Granted:
    """Licences of a product for a period."""

    product: str
    count: int
    starts: datetime
    ends: datetime


def end_of(term: str, start: datetime, zone: ZoneInfo) -> datetime:
    """A last day ends with the day; a duration is counted in the local calendar and keeps the time of day."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", term):
        return wall_instant(date.fromisoformat(term) + timedelta(days=1), time(0), zone)
    parts = {unit: int(number) for number, unit in re.findall(r"(\d+)([YMWD])", term)}
    local = start.astimezone(zone)
    day = months_later(local.date(), 12 * parts.get("Y", 0) + parts.get("M", 0))
    day += timedelta(days=7 * parts.get("W", 0) + parts.get("D", 0))
    return wall_instant(day, local.time(), zone)


def accept(grants: list[Granted], lines: Iterable[Mapping[str, Any]], now: datetime, zone: ZoneInfo) -> None:
    """Apply line by line: absolute ends the product's running grants, relative keeps them."""
    for line in lines:
        if line["mode"] == "absolute":
            for grant in grants:
                if grant.product == line["product"] and grant.starts <= now < grant.ends:
                    grant.ends = now
        end = max(now, end_of(line["term"], now, zone))
        grants.append(Granted(line["product"], line["count"], now, end))


def held(grants: Iterable[Granted], now: datetime) -> dict[str, tuple[int, datetime]]:
    """Count and next end per product."""
    licences: dict[str, tuple[int, datetime]] = {}
    for grant in grants:
        if grant.starts <= now < grant.ends:
            count, end = licences.get(grant.product, (0, grant.ends))
            licences[grant.product] = (count + grant.count, min(end, grant.ends))
    return licences
