"""Dependencies of the account use cases, and their account locks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import queries
from kontor.engine.enqueue import Jobs
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.ports import PasswordHasher
from kontor.programme import Programme
from kontor.programme.service import Programmes
from models.accounts import Account


@dataclass(frozen=True, slots=True)
class AccountBook:
    """Job ledger, programmes and password hasher; built once per process, holds no connection."""

    jobs: Jobs
    programmes: Programmes
    passwords: PasswordHasher

    @property
    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self.jobs.clock.now()

    def programme_of(self, session: Session, account: Account) -> Programme:
        """Return the programme that applies to an account."""
        return self.programmes.current(session, account.programme)


def lock_account(session: Session, account_id: UUID) -> Account:
    """Lock and return an account that is not deleted. Raises NotFound, Conflict(`account_deleted`)."""
    account = queries.by_id(session, account_id, lock=True)
    if account is None:
        raise NotFound(message="There is no such account.")
    return require_active(account)


def require_active(account: Account) -> Account:
    """Return the account if it is not deleted. Raises Conflict(`account_deleted`)."""
    if account.deleted_at is not None:
        raise Conflict("account_deleted", "The account is deleted; restore it first.", state="deleted")
    return account
