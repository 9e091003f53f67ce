"""Recipients and brand of a resent mail, with checks that it still concerns them."""

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
    """`To` and `Cc` of a resent mail; `brand_owner` is the reseller whose brand it has."""

    to: Recipient
    cc: tuple[Recipient, ...]
    brand_owner: UUID | None

    @property
    def all(self) -> tuple[Recipient, ...]:
        """All recipients, `To` first."""
        return (self.to, *self.cc)


def refused(message: str) -> Conflict:
    """Return the error for a mail that cannot be resent."""
    return Conflict("not_sendable", message)


def of(session: Session, mail: Mail, now: datetime) -> Readers:
    """Return the recipients of a resend. Raises Conflict(`not_sendable`) when it no longer concerns them."""
    recipients = rows.recipients(session, [mail.id])
    account = None if mail.account_id is None else session.get(Account, mail.account_id)
    if not recipients or (mail.account_id is not None and account is None):
        raise refused("The account and its mails were permanently deleted.")
    to = Recipient(recipients[0].address, RecipientRole.TO)
    if account is not None:
        _check_account(mail, account)
    brand_owner = _brand_owner(session, mail, account)
    owner = None if brand_owner is None or brand_owner == mail.account_id else session.get(Account, brand_owner)
    _check_address(session, mail, to, account, owner)
    _check_consent(session, mail, to, now)
    has_cc = owner is not None and len(recipients) > 1 and owner.email_key not in {"", to.key}
    cc = (Recipient(owner.admin_email, RecipientRole.CC),) if owner is not None and has_cc else ()
    return Readers(to, cc, brand_owner)


def _check_account(mail: Mail, account: Account) -> None:
    """Require that the mail still applies to the account. Raises Conflict(`not_sendable`)."""
    if account.deleted_at is not None and mail.template != DELETED:
        raise refused("The account is deleted.")
    if account.deleted_at is None and mail.template == DELETED:
        raise refused("The account was restored.")
    for_reseller = kind_of(mail.template).audience is Audience.RESELLER and mail.template != MERGED
    if for_reseller and account.kind != AccountKind.RESELLER:
        raise refused("The account is no longer a reseller.")
    if mail.template == CONNECTED and account.reseller_id != mail.reseller_id:
        raise refused("The account is no longer a client of this reseller.")


def _brand_owner(session: Session, mail: Mail, account: Account | None) -> UUID | None:
    """Return the offer's reseller; otherwise, for a mail to a client, its current reseller."""
    offer_id = mail.refs.get("offer_id")
    if offer_id is not None:
        return session.get_one(Offer, UUID(str(offer_id))).reseller_id
    to_client = kind_of(mail.template).audience is Audience.CLIENT
    return reseller_of(account) if account is not None and to_client else mail.reseller_id


def _check_address(session: Session, mail: Mail, to: Recipient, account: Account | None, owner: Account | None) -> None:
    """Require that the address still belongs to a recipient of this mail. Raises Conflict(`not_sendable`).

    `address-changed` is the only mail that may go to a former address.
    """
    if mail.template == MOVED:
        return
    if account is None:
        valid_keys = {operator.email_key for operator in people.acting_operators(session)}
    else:
        alternates = [owner] if owner is not None and kind_of(mail.template).cc_reseller else []
        valid_keys = {recipient.email_key for recipient in [account, *alternates]}
    if to.key not in valid_keys:
        raise refused(f"{to.address} is no longer the address for this mail.")


def _check_consent(session: Session, mail: Mail, to: Recipient, now: datetime) -> None:
    """Require that the address is neither suppressed nor unsubscribed. Raises Conflict(`not_sendable`)."""
    until = rows.suppressed_until(session, to.key, now)
    if until is not None:
        raise refused(f"{to.address} rejected mail; it is suppressed until {until:%Y-%m-%d %H:%M} UTC.")
    if kind_of(mail.template).listed and rows.opted_out(session, to.key, mail.template):
        raise refused(f"{to.address} unsubscribed from this kind of mail.")
