"""A programme behind the HTTP API, with a worker and a scheduler in the test's thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from kontor.accounts import payloads as accounts
from kontor.adapters.fakes import ManualClock
from kontor.engine import payloads as engine
from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.schedules import declare, fire_due
from kontor.operators import payloads as operators
from kontor.programme import files
from kontor.reconciliation import payloads as reconciliation
from models.mails import Mail
from models.webhooks import DomainEvent
from tasks.schedules import all_schedules
from tests.support.api import Api
from tests.support.worker import WorkerHarness
from workers.migrations import ROOT

HOUSEKEEPING = frozenset(
    {engine.RETENTION, engine.IDEMPOTENCY, engine.ROLLUP, accounts.DOMAINS, operators.EXPIRING}
    | {spec.name for spec in reconciliation.SCHEDULES}
)
"""Schedules that a scenario does not fire by itself: they were most of its work. A test may run them."""
NEVER = "0 0 29 2 *"


def paced(spec: ScheduleSpec) -> ScheduleSpec:
    """Return a schedule that no test reaches if it keeps house, and what runs each few minutes hourly.

    After months, a run catches up on its missed slots in any case: several hundred rows per schedule.
    """
    if spec.name in HOUSEKEEPING:
        return replace(spec, cron=NEVER)
    return replace(spec, cron="0 * * * *") if spec.cron.startswith("*") else spec


@dataclass
class ApiScenario:
    """Works through the API; `reach` moves the clock and runs everything due. `made` numbers created objects.

    `housekeeping`: fire every schedule as often as the scheduler does, those that keep house too.
    """

    api: Api
    worker: WorkerHarness
    clock: ManualClock
    key: str
    made: int = 0
    housekeeping: bool = False
    declared: list[ScheduleSpec] = field(default_factory=list)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One committed transaction."""
        with self.api.deps.sessions() as session:
            yield session
            session.commit()

    def apply(self, code: str, source: str | None = None) -> None:
        """Apply an example programme, or a source text under that code, and declare its schedules."""
        text = source or (ROOT / "examples" / "programmes" / f"{code}.yaml").read_text()
        with self.transaction() as session:
            files.apply(session, code, text, now=self.clock.now(), actor="test")
        self.fire()

    def reach(self, when: datetime) -> None:
        """Move the clock to an instant, then run everything due."""
        self.clock.advance(when - self.clock.now())
        self.settle()

    def fire(self) -> None:
        """Run the scheduler once."""
        with self.transaction() as session:
            specs = all_schedules(session)
            if not self.housekeeping:
                specs = [paced(spec) for spec in specs]
            if specs != self.declared:
                declare(session, specs, self.clock.now())
                self.declared = specs
            fire_due(session, self.worker.inline.jobs, self.clock.now())

    def settle(self) -> None:
        """Fire every due schedule and run every due job."""
        self.fire()
        self.worker.inline.drain()

    def mails(self, template: str) -> list[Mail]:
        """The mails of a template, oldest first."""
        with self.transaction() as session:
            return list(session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)))

    def domain_events(self, event_type: str) -> list[DomainEvent]:
        """All events of a type, in order."""
        with self.transaction() as session:
            query = select(DomainEvent).where(DomainEvent.type == event_type).order_by(DomainEvent.seq)
            return list(session.scalars(query))

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Execute a statement; returns its rows, if it returns any."""
        with self.transaction() as session:
            result = session.connection().execute(sql(statement), values)
            return list(result.all()) if result.returns_rows else []
