"""What every use case of fees works with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.programme import Programme
from domain.zones import local_day
from engine.enqueue import Jobs
from models.accounts import Account
from services.account_book import held
from services.programmes import Programmes
from store import accounts


@dataclass(frozen=True, slots=True)
class FeeBook:
    """The ledger and the programmes; holds no connection."""

    jobs: Jobs
    programmes: Programmes

    @property
    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self.jobs.clock.now()

    def programme_of(self, session: Session, account: Account) -> Programme:
        """The rules an account lives by."""
        return self.programmes.current(session, account.programme)

    def today(self, programme: Programme) -> date:
        """The local day of the programme's zone."""
        return local_day(self.now, programme.zone)


def held_with_payer(session: Session, account_id: UUID) -> Account:
    """A living account under its row lock, its reseller's row kept as it is.

    The reseller's row is taken first, as a merge does. Raises NotFound, Conflict(`account_deleted`).
    """
    seen = accounts.by_id(session, account_id)
    if seen is None:
        raise NotFound(message="There is no such account.")
    if seen.reseller_id is not None:
        accounts.by_id(session, seen.reseller_id, share=True)
    return held(session, account_id)
