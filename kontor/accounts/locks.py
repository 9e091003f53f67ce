"""Row locks on accounts, in one order: the reseller's row first, then the client's (as a merge takes them)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import queries
from kontor.kernel.errors import Conflict, NotFound
from models.accounts import Account, AccountKind


def require_active(account: Account) -> Account:
    """Return the account if it is not deleted. Raises Conflict(`account_deleted`)."""
    if account.deleted_at is not None:
        raise Conflict("account_deleted", "The account is deleted; restore it first.", state="deleted")
    return account


def lock_account(session: Session, account_id: UUID) -> Account:
    """Lock and return an account that is not deleted. Raises NotFound, Conflict(`account_deleted`)."""
    account = queries.by_id(session, account_id, lock=True)
    if account is None:
        raise NotFound(message="There is no such account.")
    return require_active(account)


def lock_with_payer(session: Session, account_id: UUID) -> Account:
    """Lock an active account's row, with a share lock on its reseller's row.

    The reseller's row is locked first, in the order that a merge uses. Raises NotFound, Conflict(`account_deleted`).
    """
    account = queries.by_id(session, account_id)
    if account is None:
        raise NotFound(message="There is no such account.")
    if account.reseller_id is not None:
        queries.by_id(session, account.reseller_id, share=True)
    return lock_account(session, account_id)


def share_lock_reseller(session: Session, reseller_id: UUID) -> Account:
    """Return a reseller under a share lock, so that it stays one to the end of the transaction.

    Raises NotFound, Conflict(`not_a_reseller`, `account_deleted`).
    """
    account = queries.by_id(session, reseller_id, share=True)
    if account is None:
        raise NotFound(message="There is no such reseller.")
    if account.kind != AccountKind.RESELLER:
        raise Conflict("not_a_reseller", "The account is not a reseller.", state=account.kind)
    return require_active(account)


def share_lock_any(session: Session, account_id: UUID) -> Account:
    """Return an account under a share lock, whatever its state, also one deleted for good. Raises NotFound."""
    account = queries.by_id(session, account_id, share=True, purged=True)
    if account is None:
        raise NotFound(message="There is no such reseller.")
    return account


def require_reseller(session: Session, reseller_id: UUID, *, lock: bool = False) -> Account:
    """Return a reseller that is not deleted; `lock` share-locks it to the end of the transaction.

    Code that writes rows owned by the reseller requires `lock`, or a concurrent merge would miss them. Raises
    NotFound, Conflict(`not_a_reseller`).
    """
    account = queries.by_id(session, reseller_id, share=lock)
    if account is None or account.deleted_at is not None:
        raise NotFound(message="There is no such reseller.")
    if account.kind != AccountKind.RESELLER:
        raise Conflict("not_a_reseller", "The account is not a reseller.")
    return account


def require_client(session: Session, owner: Account, account_id: UUID) -> Account:
    """Return a client of a reseller that is not deleted, under a share lock. Raises NotFound."""
    account = queries.by_id(session, account_id, share=True)
    if account is None or account.deleted_at is not None or account.reseller_id != owner.id:
        raise NotFound(message="The reseller has no such client.")
    return account
