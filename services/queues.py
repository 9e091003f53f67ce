"""Queues as they stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from engine.driver import driver
from store import queues as rows

HELD = "held"


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue. `queued` counts jobs held by their lane, too; `estimated`: a count is at its bound."""

    name: str
    paused: bool
    scheduled: int
    queued: int
    running: int
    retrying: int
    dead: int
    oldest_queued_seconds: float | None
    estimated: bool


def listed(session: Session, names: Iterable[str], now: datetime) -> list[QueueView]:
    """Every queue by name, those without a job too."""
    wanted = sorted(names)
    connection = driver(session)
    off = rows.paused(connection)
    found = {(one.queue, one.state): one for one in rows.standing(connection, wanted)}

    def count(name: str, state: str) -> int:
        one = found.get((name, state))
        return 0 if one is None else one.count

    def view(name: str) -> QueueView:
        since = [found[name, state].oldest for state in ("queued", HELD) if (name, state) in found]
        oldest = min((instant for instant in since if instant is not None), default=None)
        counts = [one.count for one in found.values() if one.queue == name]
        return QueueView(
            name=name,
            paused=name in off,
            scheduled=count(name, "scheduled"),
            queued=count(name, "queued") + count(name, HELD),
            running=count(name, "running"),
            retrying=count(name, "retrying"),
            dead=count(name, "dead"),
            oldest_queued_seconds=None if oldest is None else max(0.0, (now - oldest).total_seconds()),
            estimated=any(number >= rows.BOUND for number in counts),
        )

    return [view(name) for name in wanted]
