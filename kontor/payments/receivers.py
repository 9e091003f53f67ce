"""Whose turnover a payment counts for: the reseller that it was posted to, or the one that was merged into."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts.locks import share_lock_any
from kontor.kernel.errors import Conflict
from models.accounts import Account, AccountKind


@dataclass(frozen=True, slots=True)
class PaymentReceiver:
    """The account that a payment was posted to, and the one it counts for, both under a share lock."""

    origin: Account
    counted: Account

    @property
    def is_reseller(self) -> bool:
        """Whether a discount depends on it now; a former reseller's counts when it becomes one again."""
        return self.counted.kind == AccountKind.RESELLER and self.counted.deleted_at is None


def receiver_of(session: Session, account_id: UUID) -> PaymentReceiver:
    """Follow the merges of a reseller, a former one or a deleted one: money facts are always taken (programme.md 6.3).

    Raises NotFound, Conflict(`not_a_reseller`) for an account that never was one.
    """
    origin = counted = share_lock_any(session, account_id)
    if origin.kind != AccountKind.RESELLER and origin.terms_accepted_at is None and origin.merged_into is None:
        raise Conflict("not_a_reseller", "The account is not a reseller.", state=origin.kind)
    while counted.kind != AccountKind.RESELLER and counted.merged_into is not None:
        counted = share_lock_any(session, counted.merged_into)
    return PaymentReceiver(origin, counted)
