"""Quotas: which threshold usage has reached, which mail is due, and to whom (programme.md 4.5-4.6)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.names import same_address

CC_PER_HOUR: Final = 20


class Threshold(StrEnum):
    """In rising order."""

    WARNING = "warning"
    REACHED = "reached"
    EXCEEDED = "exceeded"


_RANK: Final = {threshold: rank for rank, threshold in enumerate(Threshold)}


@dataclass(frozen=True, slots=True)
class Recipients:
    """Where a quota mail goes; `note` says that the client's admin could not be reached."""

    to: str
    cc: str | None = None
    note: bool = False


def threshold(value: int, limit: int | None, warning: Decimal) -> Threshold | None:
    """The highest threshold that `value` has reached; exceeded is more than the limit."""
    if limit is None or value <= 0:
        return None
    if value > limit:
        return Threshold.EXCEEDED
    if value == limit:
        return Threshold.REACHED
    return Threshold.WARNING if value * 100 >= limit * warning else None


def mail_due(value: int, limit: int | None, warning: Decimal, mailed: Collection[Threshold]) -> Threshold | None:
    """The mail that a report or a changed limit makes due.

    `mailed` are the thresholds mailed before for this account, metric, period and limit. Only a
    higher one than those is mailed: a jump sends the highest, usage that sinks sends nothing.
    """
    reached = threshold(value, limit, warning)
    if reached is None or any(_RANK[before] >= _RANK[reached] for before in mailed):
        return None
    return reached


def read_only(values: Mapping[str, int], limits: Mapping[str, int | None]) -> bool:
    """Whether the account is over one of its limits."""
    return any(limit is not None and values.get(metric, 0) > limit for metric, limit in limits.items())


def recipients(client: str, reseller: str, *, suppressed: bool) -> Recipients:
    """To the client's admin, Cc the reseller's; equal addresses get one copy.

    `suppressed`: the client's address refused mail for good within 30 days; the reseller gets it.
    """
    if same_address(client, reseller):
        return Recipients(reseller)
    if suppressed:
        return Recipients(reseller, note=True)
    return Recipients(client, reseller)


def cc_goes_out(copies_this_hour: int) -> bool:
    """Whether one more Cc is sent to a reseller now, or left for the digest."""
    return copies_this_hour < CC_PER_HOUR


def clock_hour(now: datetime) -> tuple[datetime, datetime]:
    """The clock hour (UTC) that `now` is in: copies are counted in it, the digest comes at its end."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return start, start + timedelta(hours=1)
