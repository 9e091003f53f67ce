"""Dependencies of the account use cases, and their account locks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from domain.credentials import PasswordHasher
from domain.errors import Conflict, NotFound
from domain.programme import Programme
from engine.enqueue import Jobs
from models.accounts import Account
from services.programmes import Programmes
from store import accounts as rows


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


def held(session: Session, account_id: UUID) -> Account:
    """Lock and return an account that is not deleted. Raises NotFound, Conflict(`account_deleted`)."""
    account = rows.by_id(session, account_id, lock=True)
    if account is None:
        raise NotFound(message="There is no such account.")
    return living(account)


def living(account: Account) -> Account:
    """Return the account if it is not deleted. Raises Conflict(`account_deleted`)."""
    if account.deleted_at is not None:
        raise Conflict("account_deleted", "The account is deleted; restore it first.", state="deleted")
    return account
