"""The current state of the queues."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from engine.driver import driver
from store import queues as rows

HELD = "held"


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue. `queued` includes jobs held by their lane; `estimated`: a count has reached its bound."""

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
    """Return all queues by name, including empty ones."""
    ordered = sorted(names)
    connection = driver(session)
    paused_queues = rows.paused(connection)
    by_state = {(row.queue, row.state): row for row in rows.standing(connection, ordered)}

    def count(name: str, state: str) -> int:
        row = by_state.get((name, state))
        return 0 if row is None else row.count

    def view(name: str) -> QueueView:
        instants = [by_state[name, state].oldest for state in ("queued", HELD) if (name, state) in by_state]
        oldest = min((instant for instant in instants if instant is not None), default=None)
        counts = [row.count for row in by_state.values() if row.queue == name]
        return QueueView(
            name=name,
            paused=name in paused_queues,
            scheduled=count(name, "scheduled"),
            queued=count(name, "queued") + count(name, HELD),
            running=count(name, "running"),
            retrying=count(name, "retrying"),
            dead=count(name, "dead"),
            oldest_queued_seconds=None if oldest is None else max(0.0, (now - oldest).total_seconds()),
            estimated=any(number >= rows.BOUND for number in counts),
        )

    return [view(name) for name in ordered]
