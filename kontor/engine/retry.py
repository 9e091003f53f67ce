"""Retry times: backoff with full jitter, `Retry-After`, and circuit breakers of lanes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

Random = Callable[[], float]
"""A source of random numbers in [0, 1)."""

RETRY_AFTER_LIMIT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`max_attempts` in all; the pause before attempt n+1 is below min(cap, base * 2**(n-1))."""

    max_attempts: int = 10
    base: timedelta = timedelta(seconds=2)
    cap: timedelta = timedelta(hours=1)

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError("max_attempts must be at least 1")
        if not timedelta(0) < self.base <= self.cap:
            raise ValueError("0 < base <= cap is required")

    def ceiling(self, attempt: int) -> timedelta:
        """Return the longest pause after failed attempt number `attempt` (from 1)."""
        return exponential(self.base, self.cap, attempt)

    def exhausted(self, attempt: int) -> bool:
        """Return whether failed attempt number `attempt` was the last one."""
        return attempt >= self.max_attempts


def exponential(base: timedelta, cap: timedelta, step: int) -> timedelta:
    """Return base, 2 base, 4 base, ... for step 1, 2, 3, ..., at most `cap`."""
    if step < 1:
        raise ValueError("step must be at least 1")
    doublings = (cap // base).bit_length()
    return cap if step - 1 >= doublings else min(cap, base * 2 ** (step - 1))


def backoff(policy: RetryPolicy, attempt: int, random: Random) -> timedelta:
    """Return a pause in [0, ceiling): full jitter, so that failed jobs do not retry in lockstep."""
    return policy.ceiling(attempt) * random()


def next_attempt_at(
    policy: RetryPolicy,
    attempt: int,
    now: datetime,
    random: Random,
    retry_after: timedelta | None = None,
) -> datetime | None:
    """Return when to retry after failed attempt number `attempt`; `None`: that was the last.

    `retry_after`: the minimum pause that the remote side asked for, honoured up to 24 h.
    """
    if policy.exhausted(attempt):
        return None
    return now + longer_pause(backoff(policy, attempt, random), retry_after)


def longer_pause(pause: timedelta, retry_after: timedelta | None) -> timedelta:
    """Return the longer of the pause and `retry_after`, the latter capped at 24 h."""
    if retry_after is None:
        return pause
    return max(pause, min(retry_after, RETRY_AFTER_LIMIT))


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Parse a `Retry-After` header into a pause from `now` (real time); `None` when absent or malformed."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), RETRY_AFTER_LIMIT)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until - now, timedelta(0)), RETRY_AFTER_LIMIT)


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Breaker of a lane that is down: probes start `base` apart and double up to `cap`; jobs die after `hold`."""

    base: timedelta = timedelta(seconds=5)
    cap: timedelta = timedelta(minutes=5)
    hold: timedelta = timedelta(hours=72)

    def probe_at(self, failures: int, now: datetime, random: Random, retry_after: timedelta | None = None) -> datetime:
        """Return when the next delivery may probe the lane after `failures` (from 1) in a row.

        Between half and all of the step, so that probes of many lanes spread out.
        """
        step = exponential(self.base, self.cap, failures)
        return now + longer_pause(step * (0.5 + random() / 2), retry_after)

    def is_expired(self, held_since: datetime, now: datetime) -> bool:
        """Return whether the lane has been down so long that its jobs are dead (72 h)."""
        return now - held_since >= self.hold
