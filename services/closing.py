"""Account deletion: restorable for 30 days, then permanent."""

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


def delete(ctx: AccountBook, offer_book: OfferBook, session: Session, account_id: UUID, actor: str) -> Account:
    """Soft-delete an account, cancel its open offers and end its trial; a repeat changes nothing.

    Raises NotFound, Conflict(`has_clients`).
    """
    account = _locked(session, account_id)
    if account.deleted_at is not None:
        return account
    if account.kind == AccountKind.RESELLER:
        let_go(ctx, session, account, disconnect_clients=False)
    offers.close_account(offer_book, session, account.id, actor)
    trials.close(session, ctx.jobs, account, ctx.now)
    stop_at_period_end(FeeBook(ctx.jobs, ctx.programmes), session, [account], Stop.ACCOUNT_DELETED)
    account.deleted_at = ctx.now
    session.flush()
    seq = _emit(ctx, session, account, "account.deleted")
    facts = {
        "account": account.name,
        "deleted_at": ctx.now,
        "final_at": account.deleted_at + RESTORABLE,
    }
    mails.post(
        session,
        ctx.jobs,
        template="account-deleted",
        account=account,
        facts=facts,
        fact_key=str(seq),
    )
    return account


def restore(ctx: AccountBook, session: Session, account_id: UUID) -> Account:
    """Undo a soft deletion. Raises NotFound, Conflict(`not_deleted`, `final`)."""
    account = _locked(session, account_id)
    if account.deleted_at is None:
        raise Conflict("not_deleted", "The account is not deleted.", state="active")
    if ctx.now >= account.deleted_at + RESTORABLE:
        raise Conflict("final", "The account was permanently deleted.", state="deleted")
    resume(FeeBook(ctx.jobs, ctx.programmes), session, account)
    account.deleted_at = None
    session.flush()
    seq = _emit(ctx, session, account, "account.restored")
    mails.post(
        session,
        ctx.jobs,
        template="account-restored",
        account=account,
        facts={"account": account.name, "restored_at": ctx.now},
        fact_key=str(seq),
    )
    return account


@dataclass(frozen=True, slots=True)
class Purged:
    """Number of accounts a chunk purged, and number still to purge."""

    done: int
    left: int


def purge(jobs: Jobs, session: Session, now: datetime, limit: int) -> Purged:
    """Purge accounts deleted 30 days ago or earlier: free their names, erase access and addresses."""
    due = rows.purgeable(session, now - RESTORABLE, limit)
    if due:
        erase(session, [account.id for account in due], now)
        events.emit_many(session, jobs, [_purged_event(account) for account in due], at=now)
    session.expire_all()
    return Purged(len(due), rows.purgeable_count(session, now - RESTORABLE))


def _purged_event(account: Account) -> NewEvent:
    event_data = {"account_id": str(account.id), "name": account.name}
    return NewEvent("account.purged", event_data, account.id, events.reseller_of(account), account.programme)


def _locked(session: Session, account_id: UUID) -> Account:
    account = rows.by_id(session, account_id, lock=True)
    if account is None:
        raise NotFound(message="There is no such account.")
    return account


def _emit(ctx: AccountBook, session: Session, account: Account, event_type: str) -> int:
    event_data = {"account_id": str(account.id), "name": account.name}
    return events.emit(session, ctx.jobs, event_type, account, event_data, at=ctx.now)
