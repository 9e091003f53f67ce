"""An observer that feeds the oracle and compares it with the database, every simulated day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from devtools.simulation.environment import SimulationEnvironment
from devtools.simulation.log import ActionLog
from tests.oracle.oracle import Oracle

MAX_COMPLAINTS = 40


class Disagreement(AssertionError):
    """The product and the oracle differ, or an invariant is broken."""


@dataclass
class View:
    """The state at the end of a day."""

    day: date
    now: datetime
    session: Session
    environment: SimulationEnvironment
    oracle: Oracle
    labels: dict[UUID, str]
    ids: dict[str, UUID]
    complaints: list[str] = field(default_factory=list)

    @property
    def is_running(self) -> bool:
        """Whether the deployment is running."""
        return self.oracle.stopped is None

    @property
    def running_for(self) -> timedelta:
        """How long the deployment has been running."""
        since = self.oracle.running_since
        return self.now - since if self.is_running and since is not None else timedelta(0)

    def rows(self, query: str, **values: Any) -> list[Any]:
        """The rows of a query."""
        return list(self.session.execute(text(query), {"now": self.now, "day": self.day, **values}))

    def label(self, row: UUID | None) -> str | None:
        """The label of a row."""
        return None if row is None else self.labels[row]

    def same(self, what: str, product: Any, oracle: Any) -> None:
        """Complain if the values differ."""
        if product != oracle:
            self.complaints.append(f"{self.day} {what}: product {product}, oracle {oracle}")

    def same_sets(self, what: str, product: set[Any], oracle: set[Any]) -> None:
        """Complain about every element that only one of them has."""
        self.complaints.extend(
            f"{self.day} {what}: only the product has {item}" for item in sorted(product - oracle, key=str)
        )
        self.complaints.extend(
            f"{self.day} {what}: only the oracle has {item}" for item in sorted(oracle - product, key=str)
        )


DailyCheck = Callable[[View], None]


class Watcher:
    """Implements devtools.simulation.log.Observer. Raises Disagreement on the first day that has one."""

    def __init__(self, environment: SimulationEnvironment, oracle: Oracle, checks: tuple[DailyCheck, ...]) -> None:
        self._environment = environment
        self._oracle = oracle
        self._checks = checks
        self._read = 0
        self._labels: dict[UUID, str] = {}
        self.days = 0

    def day_over(self, day: date, now: datetime, session: Session, log: ActionLog) -> None:
        """Feed the oracle, advance its time, compare."""
        for entry in log.entries[self._read :]:
            self._oracle.read(entry)
        self._read = len(log.entries)
        self._oracle.advance(now)
        if len(self._labels) != len(log.ids):
            self._labels = {row: label for label, row in log.ids.items()}
        view = View(day, now, session, self._environment, self._oracle, self._labels, log.ids)
        view.complaints.extend(self._oracle.memory.complaints)
        self._oracle.memory.complaints.clear()
        for check in self._checks:
            check(view)
        self.days += 1
        if view.complaints:
            more = len(view.complaints) - MAX_COMPLAINTS
            raise Disagreement(
                "\n".join(view.complaints[:MAX_COMPLAINTS]) + (f"\n... and {more} more" if more > 0 else "")
            )
