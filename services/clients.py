"""Clients: made by a reseller, connected with their password, disconnected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from domain.doors import REMEMBERED, shut_until
from domain.errors import Conflict, Forbidden, Locked, NotFound
from domain.names import name_key
from models.accounts import Account, AccountKind
from models.fees import Stop
from services import activation, events, mails
from services.account_book import AccountBook, living
from services.accounts import NewAccount
from services.accounts import create as create_account
from services.events import NewEvent
from services.fees.book import FeeBook
from services.fees.settling import settle
from services.fees.stopping import stop_at_period_end
from services.mails import Letter
from store import accounts as rows
from store import brands, locks

DOOR_KEY_LIMIT = 200


@dataclass(frozen=True, slots=True)
class NewClient:
    """What a reseller tells of a new client."""

    name: str
    admin_email: str
    locale: str | None = None
    timezone: str | None = None


def create(book: AccountBook, session: Session, reseller_id: UUID, new: NewClient) -> Account:
    """A client on the free plan; its admin gets an activation link, or a notice when known.

    Raises NotFound, Conflict(`not_a_reseller`, `name_taken`), Invalid.
    """
    reseller = kept_reseller(session, reseller_id)
    told = NewAccount(
        programme=reseller.programme,
        name=new.name,
        admin_email=new.admin_email,
        locale=new.locale or reseller.locale,
        timezone=new.timezone or reseller.timezone,
    )
    account = create_account(book, session, told, reseller.id)
    if rows.knows_email(session, account.email_key, but=account.id):
        account.activated_at = book.now
        _notice(book, session, account)
    else:
        activation.post_link(book, session, account)
    session.flush()
    return account


def _notice(book: AccountBook, session: Session, account: Account) -> None:
    mails.post(
        session,
        book.jobs,
        template="account-notice",
        account=account,
        facts={"account": account.name},
        fact_key="created",
    )


def kept_reseller(session: Session, reseller_id: UUID) -> Account:
    """A living reseller that stays one to the end of the transaction.

    Raises NotFound, Conflict(`not_a_reseller`, `account_deleted`).
    """
    account = rows.by_id(session, reseller_id, share=True)
    if account is None:
        raise NotFound(message="There is no such reseller.")
    if account.kind != AccountKind.RESELLER:
        raise Conflict("not_a_reseller", "The account is no reseller.", state=account.kind)
    return living(account)


def connect(book: AccountBook, session: Session, reseller_id: UUID, name: str, password: str) -> Account | Forbidden:
    """Attach an existing account to a reseller by its name and password.

    A wrong pair is returned as Forbidden(`bad_credentials`), not raised: the failure counts, so
    commit before answering. Raises NotFound, Locked, Conflict(`has_reseller`,
    `programme_mismatch`, `already_reseller`, `not_a_reseller`).
    """
    reseller = kept_reseller(session, reseller_id)
    key = door_key(name)
    locks.hold(session, f"door:{reseller.id}", f"door:{key}")
    _refuse_shut_door(book, session, reseller.id, key)
    account = rows.by_name(session, key)
    found = account if account is not None and account.deleted_at is None else None
    fits = book.passwords.verify(found.password_hash if found else None, password)
    if found is None or not fits:
        rows.add_failure(session, reseller.id, key, book.now)
        session.flush()
        return Forbidden("bad_credentials", "No account has that name and password.")
    return attach(book, session, reseller, found)


def door_key(name: str) -> str:
    """What failures at an account's door are counted by, whatever was typed."""
    typed = name.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return name_key(typed[: DOOR_KEY_LIMIT * 2])[:DOOR_KEY_LIMIT]


def _refuse_shut_door(book: AccountBook, session: Session, reseller_id: UUID, key: str) -> None:
    now = book.now
    since = now - REMEMBERED
    for failures in (
        rows.failures_of_reseller(session, reseller_id, since),
        rows.failures_of_name(session, key, since),
    ):
        opens = shut_until(failures, now)
        if opens is not None:
            raise Locked(opens - now)


def attach(book: AccountBook, session: Session, reseller: Account, account: Account) -> Account:
    """Make an account the reseller's client; again changes nothing.

    Raises Conflict(`has_reseller`, `programme_mismatch`, `already_reseller`).
    """
    if account.reseller_id == reseller.id:
        return account
    if account.reseller_id is not None:
        raise Conflict("has_reseller", "The account has another reseller.", state=account.kind)
    if account.kind == AccountKind.RESELLER:
        raise Conflict("already_reseller", "The account is a reseller.", state=account.kind)
    if account.programme != reseller.programme:
        raise Conflict("programme_mismatch", "The account is of another programme.")
    settle(FeeBook(book.jobs, book.programmes), session, [account])
    account.kind, account.reseller_id = AccountKind.CLIENT.value, reseller.id
    brands.drop(session, [account.id])
    session.flush()
    told = {"account_id": str(account.id), "name": account.name, "reseller_id": str(reseller.id)}
    seq = events.emit(session, book.jobs, "account.connected", account, told, at=book.now)
    mails.post(
        session,
        book.jobs,
        template="account-connected",
        account=account,
        facts={"account": account.name, "connected_at": book.now},
        fact_key=str(seq),
    )
    return account


def disconnect(book: AccountBook, session: Session, reseller_id: UUID, account_id: UUID) -> Account:
    """The client becomes a regular account. Raises NotFound (also when it is somebody else's)."""
    account = rows.by_id(session, account_id, lock=True)
    if account is None or account.reseller_id != reseller_id:
        raise NotFound(message="The reseller has no such client.")
    detach(book, session, session.get_one(Account, reseller_id), [account])
    return account


def detach(book: AccountBook, session: Session, reseller: Account, clients: Sequence[Account]) -> None:
    """Let locked clients go, in a few statements: brand and discount end at once; data, trial and plan stay.

    Their products end with the paid period; the plan is theirs to pay from the next period on.
    """
    stop_at_period_end(FeeBook(book.jobs, book.programmes), session, clients, Stop.DISCONNECTED)
    ids = [client.id for client in clients]
    rows.make_regular(session, ids)
    brands.drop(session, ids)
    news = [_left(client, reseller) for client in clients]
    numbers = events.emit_many(session, book.jobs, news, at=book.now)
    facts = {"reseller": reseller.name, "disconnected_at": book.now}
    letters = [
        Letter("account-disconnected", client, {"account": client.name, **facts}, str(seq))
        for client, seq in zip(clients, numbers, strict=True)
        if client.deleted_at is None
    ]
    mails.post_many(session, book.jobs, letters)


def _left(client: Account, reseller: Account) -> NewEvent:
    """The event belongs to the reseller that was left."""
    told = {"account_id": str(client.id), "name": client.name, "reseller_id": str(reseller.id)}
    return NewEvent("account.disconnected", told, client.id, reseller.id, client.programme)
