"""The limit of failed sign-ins, of console and portal (security.md 2). Every time is real time but the audit log's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from kontor import audit
from kontor.audit import Actor
from kontor.http.limits import ALL, overrides_of
from kontor.kernel import database
from kontor.kernel.database import psycopg_connection
from kontor.kernel.limits import SIGN_IN_ACCOUNT, SIGN_IN_NETWORK, Limit, LimitReached
from kontor.kernel.login_throttle import NETWORK_WINDOW, locked_until, network_of
from models.people import SignInFailure


@dataclass(frozen=True, slots=True)
class SignInTimes:
    """Programme time, for the audit log, and real time, for limits and expiry."""

    now: datetime
    wall_time: datetime


@dataclass(frozen=True, slots=True)
class Attempted:
    """Who is tried: the key of what was typed, from where, and on which device that signed in before (None: none)."""

    account: str
    origin: str
    device_id: UUID | None
    refused: str
    """The action under which a failure stands in the audit log."""

    @property
    def network(self) -> str:
        """The network of the origin."""
        return network_of(self.origin)


class FailureLimit:
    """The failures of one account from one network or one device that signed in within 30 days.

    5 within 15 minutes lock it, and 50 of a network within an hour lock the network (security.md 2), unless overrides
    say otherwise. A device has a count of its own, so that strangers never lock out the person it belongs to. Until
    the transaction ends, no other attempt on the account or from the network is counted beside it.
    """

    def __init__(self, session: Session, attempted: Attempted, times: SignInTimes) -> None:
        self._session, self._attempted, self._times = session, attempted, times
        self.device_id = attempted.device_id
        names = (f"sign-in account:{attempted.account}", f"sign-in network:{attempted.network}")
        database.lock_names(session, *names)

    def check(self) -> None:
        """Raise LimitReached while it is locked, also for the right password."""
        now, since = self._times.wall_time, self._times.wall_time - 2 * NETWORK_WINDOW
        account, network = self._attempted.account, self._attempted.network
        mine, unknown = SignInFailure.account == account, SignInFailure.device_id.is_(None)
        most = self._allowed()
        if self.device_id is not None:
            of_device = SignInFailure.device_id == self.device_id
            own = self._failures(since, most[SIGN_IN_ACCOUNT], mine, of_device)
            locks = [(locked_until(own, now, most[SIGN_IN_ACCOUNT]), SIGN_IN_ACCOUNT)]
        else:
            here = SignInFailure.network == network
            own = self._failures(since, most[SIGN_IN_ACCOUNT], mine, here, unknown)
            everyone = self._failures(since, most[SIGN_IN_NETWORK], here, unknown)
            of_network = locked_until(everyone, now, most[SIGN_IN_NETWORK], NETWORK_WINDOW)
            locks = [(locked_until(own, now, most[SIGN_IN_ACCOUNT]), SIGN_IN_ACCOUNT), (of_network, SIGN_IN_NETWORK)]
        ends = [(end, limit) for end, limit in locks if end is not None]
        if ends:
            end, limit = max(ends, key=itemgetter(0))
            raise LimitReached(limit, most[limit], end - now)

    def record(self) -> None:
        """Count a failure and leave it in the audit log; commit before responding."""
        now, tried = self._times.wall_time, self._attempted
        self._session.execute(delete(SignInFailure).where(SignInFailure.at <= now - 2 * NETWORK_WINDOW))
        failure = SignInFailure(account=tried.account, network=tried.network, device_id=self.device_id, at=now)
        self._session.add(failure)
        actor = Actor("nobody", tried.origin)
        audit.record(self._session, actor, tried.refused, f"login:{tried.account}", at=self._times.now)

    def _allowed(self) -> dict[Limit, int]:
        """Return how many failures lock, by limit."""
        both = (SIGN_IN_ACCOUNT, SIGN_IN_NETWORK)
        values = overrides_of(psycopg_connection(self._session), [limit.name for limit in both], [])
        return {limit: values.get((limit.name, ALL), limit.default) for limit in both}

    def _failures(self, since: datetime, limit: int, *conditions: ColumnElement[bool]) -> list[datetime]:
        query = select(SignInFailure.at).where(*conditions, SignInFailure.at > since)
        return list(self._session.scalars(query.order_by(SignInFailure.at.desc()).limit(limit)))
