"""A programme behind the HTTP API, with a worker and a scheduler in the test's own thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from adapters.clock_fakes import ManualClock
from engine.schedules import declare, fire_due
from models.events import DomainEvent
from models.mails import Mail
from services import programme_files
from store.schema import ROOT
from tasks.timetable import timetable
from tests.api_world import Api
from tests.console_engine import Works


@dataclass
class LiveWorld:
    """Everything goes through the API; `reach` moves the clock and runs what is due. `made` counts what was made."""

    api: Api
    works: Works
    clock: ManualClock
    key: str
    made: int = 0

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One committed transaction."""
        with self.api.deps.sessions() as session:
            yield session
            session.commit()

    def apply(self, code: str, source: str | None = None) -> None:
        """Apply an example programme, or a text under its code; the scheduler hears of it."""
        text = source or (ROOT / "examples" / "programmes" / f"{code}.yaml").read_text()
        with self.transaction() as session:
            programme_files.apply(session, code, text, now=self.clock.now(), actor="test")
        self.fire()

    def reach(self, when: datetime) -> None:
        """Let it be that time; then what is due is done."""
        self.clock.advance(when - self.clock.now())
        self.settle()

    def fire(self) -> None:
        """What the scheduler does, once."""
        with self.transaction() as session:
            declare(session, timetable(session), self.clock.now())
            fire_due(session, self.works.inline.jobs, self.clock.now())

    def settle(self) -> None:
        """Fire what is due and run it."""
        self.fire()
        self.works.inline.drain()

    def mails(self, template: str) -> list[Mail]:
        """The mails of that kind, oldest first."""
        with self.transaction() as session:
            return list(session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)))

    def told(self, event_type: str) -> list[DomainEvent]:
        """The events of that type, in order."""
        with self.transaction() as session:
            found = select(DomainEvent).where(DomainEvent.type == event_type).order_by(DomainEvent.seq)
            return list(session.scalars(found))

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """What a statement finds; nothing, for one that finds nothing."""
        with self.transaction() as session:
            found = session.connection().execute(sql(statement), values)
            return list(found.all()) if found.returns_rows else []
