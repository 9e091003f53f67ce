"""Operator alerts: open incidents, when to report one, and how a digest lists them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from kontor.kernel.states import AlertKind

DIGEST_EVERY: Final = timedelta(minutes=15)
MAX_LINES_PER_KIND: Final = 10
"""Incidents of one kind beyond this limit share the last line of a digest."""


@dataclass(frozen=True, slots=True)
class Incident:
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
class Notified:
    """The count that operators were notified of, and when."""

    count: int
    at: datetime


def is_news(matter: Incident, notified: Notified | None) -> bool:
    """Return whether to notify operators: the incident is new or has grown since `notified`."""
    if notified is None:
        return True
    newer = matter.newest is not None and matter.newest > notified.at
    return matter.grows and (newer or matter.count > notified.count)


def quarter_hour(now: datetime) -> datetime:
    """Return the start of the quarter of an hour that contains `now`."""
    return now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)


def collapse(matters: Iterable[Incident]) -> list[Incident]:
    """Sort incidents by kind and collapse long lists, so that a digest stays one page."""
    order = {kind: position for position, kind in enumerate(AlertKind)}
    ranked = sorted(matters, key=lambda matter: (order[matter.kind], -matter.count, matter.name))
    groups = groupby(ranked, key=lambda matter: matter.kind)
    return [line for _, group in groups for line in _collapse_kind(list(group))]


def _collapse_kind(group: Sequence[Incident]) -> list[Incident]:
    if len(group) <= MAX_LINES_PER_KIND:
        return list(group)
    shown, rest = group[: MAX_LINES_PER_KIND - 1], group[MAX_LINES_PER_KIND - 1 :]
    names = ", ".join(matter.detail.partition(": ")[0] for matter in rest[:3])
    last = Incident(rest[0].kind, f"{len(rest)} more", sum(matter.count for matter in rest), f"{names}, …")
    return [*shown, last]
