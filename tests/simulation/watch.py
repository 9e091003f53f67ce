"""An observer that tells the oracle everything and compares what it says with the database, every simulated day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.oracle.book import Oracle
from workers.simulation.journal import Journal
from workers.simulation.stage import Stage

MOST = 40


class Disagreement(AssertionError):
    """The product and the oracle differ, or an invariant is broken."""


@dataclass
class View:
    """One look at the end of a day."""

    day: date
    now: datetime
    session: Session
    stage: Stage
    oracle: Oracle
    labels: dict[UUID, str]
    ids: dict[str, UUID]
    found: list[str] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether the machine runs."""
        return self.oracle.stopped is None

    @property
    def runs_for(self) -> timedelta:
        """How long it has been running."""
        since = self.oracle.running_since
        return self.now - since if self.runs and since is not None else timedelta(0)

    def rows(self, query: str, **values: Any) -> list[Any]:
        """What SQL says."""
        return list(self.session.execute(text(query), {"now": self.now, "day": self.day, **values}))

    def label(self, row: UUID | None) -> str | None:
        """The label of a row."""
        return None if row is None else self.labels[row]

    def same(self, what: str, product: Any, oracle: Any) -> None:
        """Complain unless both say the same."""
        if product != oracle:
            self.found.append(f"{self.day} {what}: product {product}, oracle {oracle}")

    def same_sets(self, what: str, product: set[Any], oracle: set[Any]) -> None:
        """Complain of everything that only one of them has."""
        self.found.extend(f"{self.day} {what}: only the product has {one}" for one in sorted(product - oracle, key=str))
        self.found.extend(f"{self.day} {what}: only the oracle has {one}" for one in sorted(oracle - product, key=str))


Look = Callable[[View], None]


class Watcher:
    """Obeys workers.simulation.journal.Observer. Raises Disagreement on the first day that has one."""

    def __init__(self, stage: Stage, oracle: Oracle, looks: tuple[Look, ...]) -> None:
        self._stage = stage
        self._oracle = oracle
        self._looks = looks
        self._heard = 0
        self._labels: dict[UUID, str] = {}
        self.days = 0

    def day_over(self, day: date, now: datetime, session: Session, journal: Journal) -> None:
        """Tell, let time pass, compare."""
        for entry in journal.entries[self._heard :]:
            self._oracle.hear(entry)
        self._heard = len(journal.entries)
        self._oracle.advance(now)
        if len(self._labels) != len(journal.ids):
            self._labels = {row: label for label, row in journal.ids.items()}
        view = View(day, now, session, self._stage, self._oracle, self._labels, journal.ids)
        view.found.extend(self._oracle.memory.complaints)
        self._oracle.memory.complaints.clear()
        for look in self._looks:
            look(view)
        self.days += 1
        if view.found:
            more = len(view.found) - MOST
            raise Disagreement("\n".join(view.found[:MOST]) + (f"\n... and {more} more" if more > 0 else ""))
