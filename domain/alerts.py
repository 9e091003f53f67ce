"""What operators are told of: matters that need a person, when one of them is news, and how a digest says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final

DIGEST_EVERY: Final = timedelta(minutes=15)
LINES_OF_A_KIND: Final = 10
"""More matters of one kind than this share the last line."""


class AlertKind(StrEnum):
    """What needs a person."""

    DEAD_JOBS = "dead_jobs"
    LATE_WORK = "late_work"
    HELD_LANES = "held_lanes"
    GUARD_RAIL = "guard_rail"
    RECONCILIATION = "reconciliation"


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that needs a person now; `name` is the same on every look.

    `newest`: when the last of it came up. `grows`: more of it is news; else it is told once until it is over.
    """

    kind: AlertKind
    name: str
    count: int
    detail: str
    newest: datetime | None = None
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What operators were told of a matter, and when."""

    count: int
    at: datetime


def is_news(matter: Matter, told: Told | None) -> bool:
    """Whether operators are to hear of a matter: for the first time, or because there is more of it."""
    if told is None:
        return True
    newer = matter.newest is not None and matter.newest > told.at
    return matter.grows and (newer or matter.count > told.count)


def quarter(now: datetime) -> datetime:
    """The start of the quarter of an hour that `now` lies in."""
    return now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)


def folded(matters: Iterable[Matter]) -> list[Matter]:
    """Matters by kind, the many of one kind folded into a last line, so that a digest stays a page."""
    order = {kind: place for place, kind in enumerate(AlertKind)}
    ranked = sorted(matters, key=lambda one: (order[one.kind], -one.count, one.name))
    return [line for _, same in groupby(ranked, key=lambda one: one.kind) for line in _folded(list(same))]


def _folded(same: Sequence[Matter]) -> list[Matter]:
    if len(same) <= LINES_OF_A_KIND:
        return list(same)
    shown, rest = same[: LINES_OF_A_KIND - 1], same[LINES_OF_A_KIND - 1 :]
    names = ", ".join(one.name for one in rest[:3])
    last = Matter(rest[0].kind, f"{len(rest)} more", sum(one.count for one in rest), f"{names}, …")
    return [*shown, last]
