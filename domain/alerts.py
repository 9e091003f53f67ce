"""Operator alerts: open incidents, when to report one, and how a digest lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final

DIGEST_EVERY: Final = timedelta(minutes=15)
LINES_OF_A_KIND: Final = 10
"""Incidents of one kind beyond this limit share the last line of a digest."""


class AlertKind(StrEnum):
    """Kinds of incident that need an operator."""

    DEAD_JOBS = "dead_jobs"
    LATE_WORK = "late_work"
    HELD_LANES = "held_lanes"
    GUARD_RAIL = "guard_rail"
    RECONCILIATION = "reconciliation"


@dataclass(frozen=True, slots=True)
class Matter:
    """An open issue that needs an operator; `name` is the same at every check.

    `newest`: when its latest case occurred. `grows`: report growth again; otherwise report once until resolved.
    """

    kind: AlertKind
    name: str
    count: int
    detail: str
    newest: datetime | None = None
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """The count that operators were notified of, and when."""

    count: int
    at: datetime


def is_news(matter: Matter, notified: Told | None) -> bool:
    """Return whether to notify operators: the incident is new or has grown since `notified`."""
    if notified is None:
        return True
    newer = matter.newest is not None and matter.newest > notified.at
    return matter.grows and (newer or matter.count > notified.count)


def quarter(now: datetime) -> datetime:
    """Return the start of the quarter of an hour that contains `now`."""
    return now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)


def folded(matters: Iterable[Matter]) -> list[Matter]:
    """Sort incidents by kind and collapse long lists, so that a digest stays one page."""
    order = {kind: position for position, kind in enumerate(AlertKind)}
    ranked = sorted(matters, key=lambda matter: (order[matter.kind], -matter.count, matter.name))
    groups = groupby(ranked, key=lambda matter: matter.kind)
    return [line for _, group in groups for line in _collapse_kind(list(group))]


def _collapse_kind(group: Sequence[Matter]) -> list[Matter]:
    if len(group) <= LINES_OF_A_KIND:
        return list(group)
    shown, rest = group[: LINES_OF_A_KIND - 1], group[LINES_OF_A_KIND - 1 :]
    names = ", ".join(matter.name for matter in rest[:3])
    last = Matter(rest[0].kind, f"{len(rest)} more", sum(matter.count for matter in rest), f"{names}, …")
    return [*shown, last]
