"""Each function that locks a row does: while its transaction is open, no other transaction gets the row."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.errors import LockNotAvailable
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from kontor.accounts import instances
from kontor.accounts import queries as accounts
from kontor.accounts.locks import share_lock_any, share_lock_reseller
from kontor.fees import queries as fees
from kontor.kernel.database import lock_names
from kontor.mails import queries as mails
from kontor.offers import queries as offers
from tests.support.offers import OfferScenario

Lock = Callable[[Session], object]


@contextmanager
def locked(world: OfferScenario, lock: Lock) -> Iterator[None]:
    """An open transaction that has called the lock function."""
    with Session(world.engine) as session:
        lock(session)
        yield


def refused(world: OfferScenario, table: str, row_id: object, strength: str) -> bool:
    """Whether another transaction would have to wait for the row."""
    query = text(f"SELECT 1 FROM {table} WHERE id = :id FOR {strength} NOWAIT")
    key = query if table != "instances" else text(query.text.replace("WHERE id", "WHERE account_id"))
    with world.engine.connect() as connection:
        try:
            assert connection.execute(key, {"id": row_id}).one()
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            return True
    return False


def test_locked_rows_are_refused_to_other_transactions(world: OfferScenario) -> None:
    offer = world.delivered()
    mail, client, reseller = world.mail("offer-received").id, world.client, world.reseller
    exclusive: dict[str, tuple[str, Any, Lock]] = {
        "offer": ("offers", offer, lambda s: offers.lock(s, offer)),
        "account of a decision": ("accounts", client, lambda s: offers.lock_account(s, client)),
        "account": ("accounts", client, lambda s: accounts.by_id(s, client, lock=True)),
        "account by name": ("accounts", client, lambda s: accounts.by_name(s, "acme")),
        "accounts": ("accounts", client, lambda s: accounts.lock_accounts_by_id(s, [client, reseller])),
        "clients": ("accounts", client, lambda s: accounts.clients(s, reseller)),
        "charged account": ("accounts", client, lambda s: fees.lock_accounts(s, [client], [reseller])),
        "mail to send": ("mails", mail, lambda s: mails.lock_with_recipients(s, mail)),
        "mail": ("mails", mail, lambda s: mails.lock_mail(s, mail)),
        "instance": ("instances", client, lambda s: instances.get(s, client, lock=True)),
    }
    shared: dict[str, tuple[str, Any, Lock]] = {
        "shared account": ("accounts", reseller, lambda s: accounts.by_id(s, reseller, share=True)),
        "reseller that orders": ("accounts", reseller, lambda s: share_lock_reseller(s, reseller)),
        "reseller that is paid for": ("accounts", reseller, lambda s: share_lock_any(s, reseller)),
        "payer": ("accounts", reseller, lambda s: fees.lock_accounts(s, [client], [reseller])),
    }
    for name, (table, row_id, lock) in exclusive.items():
        with locked(world, lock):
            assert refused(world, table, row_id, "SHARE"), name
            assert refused(world, table, row_id, "UPDATE"), name
        assert not refused(world, table, row_id, "UPDATE"), name
    for name, (table, row_id, lock) in shared.items():
        with locked(world, lock):
            assert not refused(world, table, row_id, "KEY SHARE"), name
            assert refused(world, table, row_id, "UPDATE"), name


def test_locked_name_is_refused_to_other_transactions(world: OfferScenario) -> None:
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended('a name', 4711))")
    with locked(world, lambda session: lock_names(session, "a name")), world.engine.connect() as connection:
        assert connection.scalar(query) is False
    with world.engine.connect() as connection:
        assert connection.scalar(query) is True
