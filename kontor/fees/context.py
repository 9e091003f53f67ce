"""The context of fee services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import queries as accounts_queries
from kontor.accounts.context import lock_account
from kontor.engine.enqueue import Jobs
from kontor.kernel.errors import NotFound
from kontor.kernel.zones import local_day
from kontor.programme import Programme
from kontor.programme.service import Programmes
from models.accounts import Account


@dataclass(frozen=True, slots=True)
class FeeBook:
    """The job ledger and the programmes; holds no connection."""

    jobs: Jobs
    programmes: Programmes

    @property
    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self.jobs.clock.now()

    def programme_of(self, session: Session, account: Account) -> Programme:
        """Return the programme of an account."""
        return self.programmes.current(session, account.programme)

    def today(self, programme: Programme) -> date:
        """Return the current local day in the programme's zone."""
        return local_day(self.now, programme.zone)


def lock_with_payer(session: Session, account_id: UUID) -> Account:
    """Lock an active account's row, with a share lock on its reseller's row.

    The reseller's row is locked first, in the order that a merge uses. Raises NotFound, Conflict(`account_deleted`).
    """
    account = accounts_queries.by_id(session, account_id)
    if account is None:
        raise NotFound(message="No such account.")
    if account.reseller_id is not None:
        accounts_queries.by_id(session, account.reseller_id, share=True)
    return lock_account(session, account_id)
