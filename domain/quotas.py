"""Quotas: the threshold that usage has reached, the mail that is due, and its recipients (programme.md 4.5-4.6)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.names import same_address

CC_PER_HOUR: Final = 20


class Threshold(StrEnum):
    """Quota thresholds in ascending order."""

    WARNING = "warning"
    REACHED = "reached"
    EXCEEDED = "exceeded"


_RANK: Final = {threshold: rank for rank, threshold in enumerate(Threshold)}


@dataclass(frozen=True, slots=True)
class Recipients:
    """Recipients of a quota mail; `note`: add a note that the client's admin could not be reached."""

    to: str
    cc: str | None = None
    note: bool = False


def threshold(value: int, limit: int | None, warning: Decimal) -> Threshold | None:
    """Return the highest threshold that `value` has reached; exceeded means above the limit."""
    if limit is None or value <= 0:
        return None
    if value > limit:
        return Threshold.EXCEEDED
    if value == limit:
        return Threshold.REACHED
    return Threshold.WARNING if value * 100 >= limit * warning else None


def mail_due(value: int, limit: int | None, warning: Decimal, mailed: Collection[Threshold]) -> Threshold | None:
    """Return the mail that is due after a report or a change of the limit.

    `mailed`: thresholds mailed so far for this account, metric, period and limit. Only a higher
    threshold is mailed: a jump sends the highest one, falling usage sends nothing.
    """
    reached = threshold(value, limit, warning)
    if reached is None or any(_RANK[sent] >= _RANK[reached] for sent in mailed):
        return None
    return reached


def read_only(values: Mapping[str, int], limits: Mapping[str, int | None]) -> bool:
    """Return whether the account exceeds one of its limits."""
    return any(limit is not None and values.get(metric, 0) > limit for metric, limit in limits.items())


def recipients(client: str, reseller: str, *, suppressed: bool) -> Recipients:
    """Address the mail to the client's admin, Cc the reseller's; equal addresses get one copy.

    `suppressed`: the client's address permanently refused mail within 30 days; the reseller gets the mail.
    """
    if same_address(client, reseller):
        return Recipients(reseller)
    if suppressed:
        return Recipients(reseller, note=True)
    return Recipients(client, reseller)


def cc_goes_out(copies_this_hour: int) -> bool:
    """Return whether one more Cc goes to a reseller now; otherwise it is left for the digest."""
    return copies_this_hour < CC_PER_HOUR


def clock_hour(now: datetime) -> tuple[datetime, datetime]:
    """Return start and end of the clock hour (UTC) of `now`, for counting copies; the digest is sent at its end."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return start, start + timedelta(hours=1)
