"""The one context of every use case: the ledger of jobs, the programmes, the clock and the secrets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.kernel.data_keys import DataKeys, KeyPurpose
from kontor.kernel.ports import PasswordHasher
from kontor.kernel.zones import local_day
from kontor.programme.model import Programme
from kontor.programme.service import Programmes
from models.accounts import Account


@dataclass(frozen=True, slots=True)
class Secrets:
    """Secrets a process lends to its use cases; a process that needs one of them sets it.

    `keys` has the data keys; `passwords` hashes and verifies passwords.
    """

    keys: DataKeys | None = field(default=None, repr=False)
    passwords: PasswordHasher | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Built once per process, replaced per job or request; holds no connection."""

    jobs: Jobs
    programmes: Programmes = field(default_factory=Programmes)
    secrets: Secrets = field(default_factory=Secrets)

    @property
    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return self.jobs.clock.now()

    @property
    def passwords(self) -> PasswordHasher:
        """The process's password hasher."""
        assert self.secrets.passwords is not None, "this process was given no password hasher"
        return self.secrets.passwords

    def data_key(self, purpose: KeyPurpose) -> bytes:
        """Return the data key of a purpose, for example of the hash chain of offer events."""
        assert self.secrets.keys is not None, "this process was given no data keys"
        return self.secrets.keys.key(purpose)

    def today(self, zone: ZoneInfo) -> date:
        """Return the current local day."""
        return local_day(self.now, zone)

    def programme(self, session: Session, code: str) -> Programme:
        """Return the applied programme of a code. Raises Invalid(`unknown_programme`)."""
        return self.programmes.current(session, code)

    def programme_of(self, session: Session, account: Account) -> Programme:
        """Return the programme that applies to an account."""
        return self.programmes.current(session, account.programme)

    def within(self, jobs: Jobs) -> Context:
        """Return a copy for a running job or request: its events and follow-up jobs carry the id of `jobs`."""
        return replace(self, jobs=jobs)
