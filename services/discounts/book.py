"""What every use case of payments and discounts works with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from domain.programme.model import Programme
from domain.zones import local_day
from engine.enqueue import Jobs
from services.programmes import Programmes


@dataclass(frozen=True, slots=True)
class DiscountBook:
    """The ledger of jobs and the programmes; holds no connection."""

    jobs: Jobs
    programmes: Programmes

    @property
    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self.jobs.clock.now()

    def programme(self, session: Session, code: str) -> Programme:
        """The rules that are applied under a code. Raises Invalid(`unknown_programme`)."""
        return self.programmes.current(session, code)

    def today(self, tz: ZoneInfo) -> date:
        """The local day it is."""
        return local_day(self.now, tz)
