"""The context of payment and discount services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.kernel.zones import local_day
from kontor.programme.model import Programme
from kontor.programme.service import Programmes


@dataclass(frozen=True, slots=True)
class DiscountBook:
    """The job ledger and the programmes; holds no connection."""

    jobs: Jobs
    programmes: Programmes

    @property
    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self.jobs.clock.now()

    def programme(self, session: Session, code: str) -> Programme:
        """Return the applied programme of a code. Raises Invalid(`unknown_programme`)."""
        return self.programmes.current(session, code)

    def today(self, tz: ZoneInfo) -> date:
        """Return the current local day."""
        return local_day(self.now, tz)
