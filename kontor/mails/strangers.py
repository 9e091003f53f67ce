"""Mails to strangers: how many a reseller may cause, which of them wait, and when they leave (security.md 2).

A stranger to a reseller is an address whose owner never used a link or signed in at it or one of its clients. That
the address is known elsewhere counts for nothing, so that no answer tells whether it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.kernel.limits import STRANGERS, STRANGERS_FIRST_WEEK, WEEK, Limit
from kontor.limits import service as limits
from kontor.mails import address_queries, limit_queries
from kontor.mails.queries import NewMail
from models.accounts import Account
from models.mails import MailState

COUNTED: Final = frozenset(
    (
        *("activation", "account-notice", "member-invited", "address-changed"),
        *("account-connected", "account-deleted", "account-restored", "offer-received", "offer-withdrawn"),
    )
)
"""Mails that a reseller's act causes; what follows from use (quotas, trials, ends of licences) is not counted."""
REASON: Final = "the limit {} is reached; the mail leaves when the allowance grows"


class MailFate(StrEnum):
    """What becomes of a mail, as an answer of the API says it."""

    SENT = "sent"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The limit that a mail to a stranger counts towards, and whether it has to wait."""

    limit: Limit
    reseller_id: UUID
    held: bool

    @property
    def reason(self) -> str:
        """Why the mail waits, for the mail log."""
        return REASON.format(self.limit.name)

    def applied(self, mail: NewMail) -> NewMail:
        """Return the mail to log."""
        return replace(mail, state=MailState.HELD_LIMIT.value, reason=self.reason) if self.held else mail


def judge(session: Session, mail: NewMail, now: datetime) -> Verdict | None:
    """Return the verdict on a mail to a stranger, None for another one; locks the count of its reseller.

    What an operator sends again is not the reseller's.
    """
    if mail.template not in COUNTED or mail.reseller_id is None or mail.repeats is not None:
        return None
    owner = session.get_one(Account, mail.reseller_id)
    if not is_stranger(session, owner, mail.recipients[0].address):
        return None
    limit = limit_of(owner, now)
    return Verdict(limit, owner.id, limits.room(session, limit, str(owner.id), now, owner.id) <= 0)


def is_stranger(session: Session, owner: Account, address: str) -> bool:
    """Return whether an address never confirmed to a reseller; its own first address needs no confirmation."""
    return not _acquainted(session, owner, {limits.of_address(address)})


def _acquainted(session: Session, owner: Account, digests: set[str]) -> set[str]:
    """Return those of the addresses (by digest) that are no strangers to a reseller."""
    own = {limits.of_address(owner.admin_email)} if owner.email_version == 1 else set()
    return address_queries.confirmed(session, owner.id, digests) | own & digests


def limit_of(owner: Account, now: datetime) -> Limit:
    """Return the limit that holds for a reseller now."""
    began = owner.terms_accepted_at or owner.created_at
    return STRANGERS_FIRST_WEEK if now < began + WEEK else STRANGERS


def count(session: Session, verdict: Verdict, now: datetime) -> None:
    """Count a mail to a stranger that is sent."""
    limits.count(session, verdict.limit, str(verdict.reseller_id), now)


def fate_of(session: Session, account_id: UUID) -> MailFate:
    """Return what became of the mails that an act on an account just caused."""
    return MailFate.HELD if limit_queries.has_held(session, account_id) else MailFate.SENT


def fate_of_next(session: Session, reseller_id: UUID, address: str, now: datetime) -> MailFate:
    """Return what would become of a mail to an address now, such as that of an offer once it is delivered."""
    owner = session.get_one(Account, reseller_id)
    if not is_stranger(session, owner, address):
        return MailFate.SENT
    limit = limit_of(owner, now)
    return MailFate.SENT if limits.room(session, limit, str(reseller_id), now, reseller_id) > 0 else MailFate.HELD


def fates_of_next(session: Session, owner: Account, addresses: Sequence[str], now: datetime) -> list[MailFate]:
    """Return what would become of a mail to each of the addresses, in this order; a preview, which locks nothing."""
    digests = [limits.of_address(address) for address in addresses]
    acquainted, limit = _acquainted(session, owner, set(digests)), limit_of(owner, now)
    left, fates = limits.left(session, limit, str(owner.id), now, owner.id), list[MailFate]()
    for digest in digests:
        counted = digest not in acquainted
        fates.append(MailFate.HELD if counted and left <= 0 else MailFate.SENT)
        left -= counted
    return fates


def confirm(session: Session, account: Account, now: datetime) -> None:
    """Record that the owner of an account's admin address used a link or signed in."""
    confirm_address(session, account, account.admin_email, now)


def confirm_address(session: Session, account: Account, address: str, now: datetime) -> None:
    """Record that the owner of an address, of the admin or a member, used a link or signed in."""
    owners = {account.id, account.reseller_id or account.id}
    address_queries.confirm(session, owners, limits.of_address(address), now)


def carry_over(session: Session, account: Account, reseller_id: UUID, now: datetime) -> None:
    """Make an account's confirmed address known to the reseller that the account is attached to."""
    digest = limits.of_address(account.admin_email)
    if address_queries.confirmed(session, account.id, {digest}):
        address_queries.confirm(session, {reseller_id}, digest, now)
