"""Deleting accounts: soft for 30 days, then for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from engine.enqueue import Jobs
from models.accounts import Account, AccountKind
from models.fees import Stop
from services import events, mails, offers, trials
from services.account_book import AccountBook
from services.events import NewEvent
from services.fees.book import FeeBook
from services.fees.stopping import resume, stop_at_period_end
from services.offer_log import OfferBook
from services.reselling import let_go
from store import accounts as rows
from store.erasures import erase

RESTORABLE: Final = timedelta(days=30)


def delete(book: AccountBook, offer_book: OfferBook, session: Session, account_id: UUID, actor: str) -> Account:
    """Delete softly: open offers are cancelled, the trial ends; again changes nothing.

    Raises NotFound, Conflict(`has_clients`).
    """
    account = _locked(session, account_id)
    if account.deleted_at is not None:
        return account
    if account.kind == AccountKind.RESELLER:
        let_go(book, session, account, disconnect_clients=False)
    offers.close_account(offer_book, session, account.id, actor)
    trials.close(session, book.jobs, account, book.now)
    stop_at_period_end(FeeBook(book.jobs, book.programmes), session, [account], Stop.ACCOUNT_DELETED)
    account.deleted_at = book.now
    session.flush()
    seq = _tell(book, session, account, "account.deleted")
    facts = {
        "account": account.name,
        "deleted_at": book.now,
        "final_at": account.deleted_at + RESTORABLE,
    }
    mails.post(
        session,
        book.jobs,
        template="account-deleted",
        account=account,
        facts=facts,
        fact_key=str(seq),
    )
    return account


def restore(book: AccountBook, session: Session, account_id: UUID) -> Account:
    """Undo a soft deletion. Raises NotFound, Conflict(`not_deleted`, `final`)."""
    account = _locked(session, account_id)
    if account.deleted_at is None:
        raise Conflict("not_deleted", "The account is not deleted.", state="active")
    if book.now >= account.deleted_at + RESTORABLE:
        raise Conflict("final", "The account was deleted for good.", state="deleted")
    resume(FeeBook(book.jobs, book.programmes), session, account)
    account.deleted_at = None
    session.flush()
    seq = _tell(book, session, account, "account.restored")
    mails.post(
        session,
        book.jobs,
        template="account-restored",
        account=account,
        facts={"account": account.name, "restored_at": book.now},
        fact_key=str(seq),
    )
    return account


@dataclass(frozen=True, slots=True)
class Purged:
    """How many accounts a chunk made final, and how many still wait."""

    done: int
    left: int


def purge(jobs: Jobs, session: Session, now: datetime, limit: int) -> Purged:
    """Make deletions final whose 30 days are over: names are free again, access and addresses are erased."""
    due = rows.purgeable(session, now - RESTORABLE, limit)
    if due:
        erase(session, [account.id for account in due], now)
        events.emit_many(session, jobs, [_gone(account) for account in due], at=now)
    session.expire_all()
    return Purged(len(due), rows.purgeable_count(session, now - RESTORABLE))


def _gone(account: Account) -> NewEvent:
    told = {"account_id": str(account.id), "name": account.name}
    return NewEvent("account.purged", told, account.id, events.reseller_of(account), account.programme)


def _locked(session: Session, account_id: UUID) -> Account:
    account = rows.by_id(session, account_id, lock=True)
    if account is None:
        raise NotFound(message="There is no such account.")
    return account


def _tell(book: AccountBook, session: Session, account: Account, event_type: str) -> int:
    told = {"account_id": str(account.id), "name": account.name}
    return events.emit(session, book.jobs, event_type, account, told, at=book.now)
