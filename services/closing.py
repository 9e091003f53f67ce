"""Deleting accounts: soft for 30 days, then for good."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.trials import TrialState
from models.accounts import Account, AccountKind
from services import events, mails, offers
from services.account_book import AccountBook
from services.offer_log import OfferBook
from services.reselling import let_go
from store import accounts as rows
from store import brands

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
    if account.trial_state == TrialState.RUNNING:
        account.trial_state = TrialState.EXPIRED.value
        account.trial_ends_at = min(account.trial_ends_at or book.now, book.now)
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


def purge(session: Session, now: datetime, limit: int) -> int:
    """Make deletions final whose 30 days are over: names are free again; return how many."""
    due = rows.purgeable(session, now - RESTORABLE, limit)
    for account in due:
        account.purged_at = now
        account.password_hash = None
        account.admin_email = account.email_key = ""
        account.email_version += 1
        brands.drop(session, account.id)
    session.flush()
    return len(due)


def _locked(session: Session, account_id: UUID) -> Account:
    account = rows.by_id(session, account_id, lock=True)
    if account is None:
        raise NotFound(message="There is no such account.")
    return account


def _tell(book: AccountBook, session: Session, account: Account, event_type: str) -> int:
    told = {"account_id": str(account.id), "name": account.name}
    return events.emit(session, book.jobs, event_type, account, told, at=book.now)
