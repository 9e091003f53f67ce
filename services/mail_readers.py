"""Who would read a mail that is sent again, if they are still those to be told, and in whose name it would speak."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict
from mail.build import kind_of
from mail.kinds import Audience
from models.accounts import Account, AccountKind
from models.mails import Mail, RecipientRole
from models.offers import Offer
from services.events import reseller_of
from store import mails as rows
from store import people
from store.mails import Recipient

DELETED: Final = "account-deleted"
CONNECTED: Final = "account-connected"
MERGED: Final = "merged"
MOVED: Final = "address-changed"


@dataclass(frozen=True, slots=True)
class Readers:
    """`To` and who gets a copy; `speaker` is the reseller in whose name it speaks."""

    to: Recipient
    cc: tuple[Recipient, ...]
    speaker: UUID | None

    @property
    def all(self) -> tuple[Recipient, ...]:
        """Everyone, `To` first."""
        return (self.to, *self.cc)


def refused(message: str) -> Conflict:
    """Why a mail is not sent again."""
    return Conflict("not_sendable", message)


def of(session: Session, mail: Mail, now: datetime) -> Readers:
    """Who would get the mail again. Raises Conflict(`not_sendable`) when it is not for them any more."""
    known = rows.recipients(session, [mail.id])
    account = None if mail.account_id is None else session.get(Account, mail.account_id)
    if not known or (mail.account_id is not None and account is None):
        raise refused("The account is gone for good, and what was written to it.")
    to = Recipient(known[0].address, RecipientRole.TO)
    if account is not None:
        _check_account(mail, account)
    speaker = _speaker(session, mail, account)
    owner = None if speaker is None or speaker == mail.account_id else session.get(Account, speaker)
    _check_address(session, mail, to, account, owner)
    _check_wish(session, mail, to, now)
    copied = owner is not None and len(known) > 1 and owner.email_key not in {"", to.key}
    cc = (Recipient(owner.admin_email, RecipientRole.CC),) if owner is not None and copied else ()
    return Readers(to, cc, speaker)


def _check_account(mail: Mail, account: Account) -> None:
    """Whether the account is still what the mail speaks of."""
    if account.deleted_at is not None and mail.template != DELETED:
        raise refused("The account is deleted.")
    if account.deleted_at is None and mail.template == DELETED:
        raise refused("The account was restored.")
    for_reseller = kind_of(mail.template).audience is Audience.RESELLER and mail.template != MERGED
    if for_reseller and account.kind != AccountKind.RESELLER:
        raise refused("The account is no reseller any more.")
    if mail.template == CONNECTED and account.reseller_id != mail.reseller_id:
        raise refused("The account has left the reseller that it was connected to.")


def _speaker(session: Session, mail: Mail, account: Account | None) -> UUID | None:
    """The offer's reseller; otherwise a client is spoken to by the reseller it has today."""
    offer_id = mail.refs.get("offer_id")
    if offer_id is not None:
        return session.get_one(Offer, UUID(str(offer_id))).reseller_id
    to_client = kind_of(mail.template).audience is Audience.CLIENT
    return reseller_of(account) if account is not None and to_client else mail.reseller_id


def _check_address(session: Session, mail: Mail, to: Recipient, account: Account | None, owner: Account | None) -> None:
    """Whether the address is still that of somebody who is to be told; old ones hear only that they are old."""
    if mail.template == MOVED:
        return
    if account is None:
        known = {one.email_key for one in people.acting_operators(session)}
    else:
        instead = [owner] if owner is not None and kind_of(mail.template).cc_reseller else []
        known = {one.email_key for one in [account, *instead]}
    if to.key not in known:
        raise refused(f"{to.address} is no longer the address that is to be told this.")


def _check_wish(session: Session, mail: Mail, to: Recipient, now: datetime) -> None:
    """Whether the address takes mail, and this kind of it."""
    until = rows.suppressed_until(session, to.key, now)
    if until is not None:
        raise refused(f"{to.address} refused mail for good; nothing is sent to it before {until:%Y-%m-%d %H:%M} UTC.")
    if kind_of(mail.template).listed and rows.opted_out(session, to.key, mail.template):
        raise refused(f"{to.address} does not want this kind of mail.")
