"""Actions of a simulation, their outcomes, and the observer of each day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

MACHINE: Final = "machine"
OK: Final = "ok"


@dataclass(frozen=True, slots=True)
class Action:
    """An action of an actor at an instant (aware). Accounts and offers are named by their labels."""

    at: datetime
    actor: str
    action: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """An executed action. `outcome` is `ok` or the code of the refusal; `result`: figures of the action."""

    at: datetime
    actor: str
    action: str
    values: Mapping[str, Any]
    outcome: str = OK
    result: Mapping[str, Any] = field(default_factory=dict)


def done(action: Action, outcome: str = OK, result: Mapping[str, Any] | None = None) -> Entry:
    """Return the log entry of an executed action."""
    return Entry(action.at, action.actor, action.action, action.values, outcome, result or {})


@dataclass(slots=True)
class ActionLog:
    """All entries so far, in order, and the row id of each label."""

    entries: list[Entry] = field(default_factory=list)
    ids: dict[str, UUID] = field(default_factory=dict)


class Observer(Protocol):
    """Reads the database at the end of every simulated day."""

    def day_over(self, day: date, now: datetime, session: Session, log: ActionLog) -> None:
        """Read the state at the day's last second, `now`; must not write."""


class NullObserver:
    """Observes nothing."""

    def day_over(self, day: date, now: datetime, session: Session, log: ActionLog) -> None:
        """No-op."""
