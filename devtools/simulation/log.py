"""What is done in a simulation, what came of it, and who may watch."""

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
    """Something that somebody does at an instant (aware). Accounts and offers go by their labels."""

    at: datetime
    actor: str
    action: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """An action that was carried out. `outcome` is `ok` or the code of the refusal; `result` what was answered."""

    at: datetime
    actor: str
    action: str
    values: Mapping[str, Any]
    outcome: str = OK
    result: Mapping[str, Any] = field(default_factory=dict)


def done(action: Action, outcome: str = OK, result: Mapping[str, Any] | None = None) -> Entry:
    """An action with what came of it."""
    return Entry(action.at, action.actor, action.action, action.values, outcome, result or {})


@dataclass(slots=True)
class Journal:
    """Everything so far, in order, and which row a label stands for."""

    entries: list[Entry] = field(default_factory=list)
    ids: dict[str, UUID] = field(default_factory=dict)


class Observer(Protocol):
    """Somebody who looks at the database whenever a day of the programme is over."""

    def day_over(self, day: date, now: datetime, session: Session, journal: Journal) -> None:
        """Look; `now` is the day's last second. May read only."""


class Nobody:
    """Watches nothing."""

    def day_over(self, day: date, now: datetime, session: Session, journal: Journal) -> None:
        """Look away."""
