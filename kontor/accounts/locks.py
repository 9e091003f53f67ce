"""Lookup of a reseller and of its clients."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import queries
from kontor.kernel.errors import Conflict, NotFound
from models.accounts import Account, AccountKind


def require_reseller(session: Session, reseller_id: UUID, *, lock: bool = False) -> Account:
    """Return a reseller that is not deleted; `kept` share-locks it to the end of the transaction.

    Code that writes rows owned by the reseller requires `kept`, or a concurrent merge would miss them. Raises
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
