"""Misfire policies: which missed occurrences still run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

from domain.cron import Occurrence

GRACE: Final = timedelta(seconds=60)


class MisfirePolicy(StrEnum):
    """skip: run only occurrences that are on time. once: one run for all. all: each, up to a limit."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Firing:
    """Occurrences to run now, oldest first, and occurrences to record as skipped."""

    fire: tuple[Occurrence, ...]
    skipped: tuple[Occurrence, ...]


def to_fire(
    missed: Sequence[Occurrence],
    policy: MisfirePolicy,
    now: datetime,
    bound: int,
    grace: timedelta = GRACE,
) -> Firing:
    """Split the occurrences due by `now` (oldest first) by the schedule's policy.

    An occurrence up to `grace` late is on time. Under `all`, at most the newest `bound` fire.
    """
    due = [occurrence for occurrence in missed if occurrence.due <= now]
    match policy:
        case MisfirePolicy.SKIP:
            first = next((i for i, each in enumerate(due) if now - each.due <= grace), len(due))
        case MisfirePolicy.ONCE:
            first = len(due) - 1
        case MisfirePolicy.ALL:
            first = len(due) - bound
        case _:
            assert_never(policy)
    first = max(0, first)
    return Firing(tuple(due[first:]), tuple(due[:first]))
