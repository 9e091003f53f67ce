"""Send a logged mail again: the same facts to the same recipients, where still worth sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor import audit
from kontor.account_book import notifications as account_book_notifications
from kontor.accounts import activation, address_links, merge_requests
from kontor.alerts import service as alerts
from kontor.audit import Actor
from kontor.context import Context
from kontor.discounts import notifications as discounts_notifications
from kontor.engine.enqueue import Jobs
from kontor.fees import notifications as fees_notifications
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.limits import OFFER_MAILS
from kontor.kernel.states import OfferState
from kontor.limits import service as limits
from kontor.mailer.build import kind_of, validate_facts
from kontor.mailer.kinds import Audience
from kontor.mailer.registry import MAIL_KINDS
from kontor.mails import address_queries, folding, queries, service
from kontor.mails.queries import NewMail, Recipient
from kontor.mails.service import MailRule, Refreshed
from kontor.members import invitations
from kontor.members import links as sign_in_links
from kontor.offers import holds
from kontor.offers import notifications as offers_notifications
from kontor.offers.views import state_at
from kontor.operators import notifications as operators_notifications
from kontor.operators import service as operators
from kontor.programme import announcements
from kontor.programme.service import Programmes
from kontor.provisioning import notifications as provisioning_notifications
from kontor.usage import notifications as usage_notifications
from kontor.webhooks.events import reseller_of
from models.accounts import Account, AccountKind
from models.mails import Mail, MailState, RecipientRole
from models.offers import Offer

LISTED: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        **activation.MAIL_RULES,
        **address_links.MAIL_RULES,
        **merge_requests.MAIL_RULES,
        **invitations.MAIL_RULES,
        **sign_in_links.MAIL_RULES,
        **holds.MAIL_RULES,
        **alerts.MAIL_RULES,
        **offers_notifications.OFFER_RULES,
        **usage_notifications.TRIAL_RULES,
        **usage_notifications.QUOTA_RULES,
        **discounts_notifications.MAIL_RULES,
        **fees_notifications.MAIL_RULES,
        **account_book_notifications.MAIL_RULES,
        **provisioning_notifications.MAIL_RULES,
        **announcements.MAIL_RULES,
        **operators_notifications.MAIL_RULES,
    }
)
RULES: Final[Mapping[str, MailRule]] = MappingProxyType({**LISTED, folding.TEMPLATE: folding.digest_rule(LISTED)})


NO_RULE: Final = MailRule()
REASON_REQUIRED: Final = "Enter a reason; it is kept in the audit log."


@dataclass(frozen=True, slots=True)
class ResendStatus:
    """The original mail, its resends, and why it cannot be resent now (None when it can)."""

    first: Mail
    repeats: tuple[Mail, ...]
    refusal: str | None

    @property
    def number(self) -> int:
        """Number of the next resend, from 1."""
        return len(self.repeats) + 1


def resend_status(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> ResendStatus:
    """Return whether a mail can be resent now; changes nothing. Raises NotFound."""
    first = mail if mail.repeats is None else queries.by_id(session, mail.repeats)
    if first is None:
        raise NotFound
    repeats = queries.resends_of(session, first.id)
    try:
        _draft(session, programmes, first, repeats, now)
    except Conflict as error:
        return ResendStatus(first, tuple(repeats), error.message)
    return ResendStatus(first, tuple(repeats), None)


def resend(
    session: Session, jobs: Jobs, programmes: Programmes, mail_id: UUID, actor: Actor, number: int | None = None
) -> UUID:
    """Resend a mail: log a copy, enqueue the job that sends it and return the id of the new mail.

    `number` is the expected number of this resend. If that resend already exists, its id is returned, so a form
    submitted twice sends once. Raises NotFound, Invalid without a reason, Conflict(`not_sendable`).
    """
    if actor.reason is None:
        raise Invalid("reason_missing", REASON_REQUIRED, errors=[FieldError("reason", REASON_REQUIRED)])
    mail = queries.by_id(session, mail_id)
    first = None if mail is None else queries.lock_mail(session, mail.repeats or mail.id)
    if first is None:
        raise NotFound(message="There is no such mail.")
    repeats = queries.resends_of(session, first.id)
    if number is not None and 1 <= number <= len(repeats):
        return repeats[number - 1].id
    draft = _draft(session, programmes, first, repeats, jobs.clock.now())
    posted = service.post_new(session, jobs, draft)
    assert posted is not None, "the resend number is unique under the original mail's lock"
    detail = {"mail": str(posted), "number": len(repeats) + 1}
    audit.record(session, actor, "mail.again", f"mail:{first.id}", at=jobs.clock.now(), detail=detail)
    return posted


OFFERED: Final = "offer-received"
ASKED: Final = "asked for again"


def resend_of_offer(ctx: Context, session: Session, offer: Offer, actor: Actor) -> UUID:
    """Send the mail about an offer that awaits a decision to its client again; return the id of the new mail.

    Raises Conflict(`illegal_transition`, `not_sendable`), LimitReached.
    """
    state = state_at(offer, ctx.now)
    if state is not OfferState.WAITING_FOR_CONFIRMATION:
        message = f"The mail is sent again while the offer awaits a decision; this one is {state.value}."
        raise Conflict("illegal_transition", message, state=state)
    limits.take(session, OFFER_MAILS, str(offer.account_id), ctx.now, offer.reseller_id)
    mails = select(Mail.id).where(Mail.account_id == offer.account_id, Mail.id > offer.id, Mail.template == OFFERED)
    of_offer = mails.where(Mail.refs["offer_id"].astext == str(offer.id), Mail.repeats.is_(None))
    first = session.scalar(of_offer.order_by(Mail.id.desc()).limit(1))
    if first is None:
        raise not_sendable("The offer was never mailed.")
    return resend(session, ctx.jobs, ctx.programmes, first, replace(actor, reason=ASKED))


def _draft(session: Session, programmes: Programmes, first: Mail, repeats: list[Mail], now: datetime) -> NewMail:
    """Build the mail to resend. Raises Conflict(`not_sendable`) with the reason why it cannot be."""
    if first.template not in MAIL_KINDS:
        raise not_sendable("This release no longer has this kind of mail.")
    if first.state == MailState.QUEUED:
        raise not_sendable("The mail was not sent yet; its job is still trying.")
    if first.state == MailState.HELD_LIMIT:
        raise not_sendable("A limit holds the mail; raise the limit, and it leaves by itself.")
    if any(repeat.state == MailState.QUEUED for repeat in repeats):
        raise not_sendable("A resend of this mail is already queued.")
    recipients = resend_recipients(session, first, now)
    rule = RULES.get(first.template, NO_RULE)
    refreshed = rule.refresh(session, programmes, first, now) if rule.refresh else Refreshed()
    fact_key = f"{first.fact_key}:again:{len(repeats) + 1}"
    draft = NewMail(
        id=new_id(),
        template=first.template,
        programme=first.programme,
        account_id=first.account_id,
        reseller_id=recipients.brand_owner,
        locale=first.locale,
        facts={**first.facts, **refreshed.facts},
        refs={**first.refs, **refreshed.refs},
        fact_key=fact_key,
        identity=service.identity(first.template, fact_key, recipients.to.address),
        created_at=now,
        recipients=recipients.all,
        repeats=first.id,
    )
    skip_reason = rule.skip_reason(session, _as_row(draft), now) if rule.skip_reason else None
    if skip_reason is not None:
        raise not_sendable(f"The mail no longer applies: {skip_reason}.")
    return replace(draft, facts=_facts(draft))


def _as_row(draft: NewMail) -> Mail:
    """Return the row of a draft, which is not added to the session."""
    return Mail(**{name: value for name, value in asdict(draft).items() if name != "recipients"})


def _facts(draft: NewMail) -> dict[str, object]:
    """Return the facts in the format of this release. Raises Conflict(`not_sendable`)."""
    try:
        return validate_facts(draft.template, draft.facts).stored()
    except Invalid as error:
        raise not_sendable("The facts of this mail do not fit this release's template.") from error


DELETED: Final = "account-deleted"
CONNECTED: Final = "account-connected"
MERGED: Final = "merged"
ADDRESS_CHANGED: Final = "address-changed"


@dataclass(frozen=True, slots=True)
class ResendRecipients:
    """`To` and `Cc` of a resent mail; `brand_owner` is the reseller whose brand it has."""

    to: Recipient
    cc: tuple[Recipient, ...]
    brand_owner: UUID | None

    @property
    def all(self) -> tuple[Recipient, ...]:
        """All recipients, `To` first."""
        return (self.to, *self.cc)


def not_sendable(message: str) -> Conflict:
    """Return the error for a mail that cannot be resent."""
    return Conflict("not_sendable", message)


def resend_recipients(session: Session, mail: Mail, now: datetime) -> ResendRecipients:
    """Return the recipients of a resend. Raises Conflict(`not_sendable`) when it no longer concerns them."""
    recipients = queries.recipients(session, [mail.id])
    account = None if mail.account_id is None else session.get(Account, mail.account_id)
    if not recipients or (mail.account_id is not None and account is None):
        raise not_sendable("The account and its mails were permanently deleted.")
    to = Recipient(recipients[0].address, RecipientRole.TO)
    if account is not None:
        _check_account(mail, account)
    brand_owner = _brand_owner(session, mail, account)
    owner = None if brand_owner is None or brand_owner == mail.account_id else session.get(Account, brand_owner)
    _check_address(session, mail, to, account, owner)
    _check_consent(session, mail, to, now)
    has_cc = owner is not None and len(recipients) > 1 and owner.email_key not in {"", to.key}
    cc = (Recipient(owner.admin_email, RecipientRole.CC),) if owner is not None and has_cc else ()
    return ResendRecipients(to, cc, brand_owner)


def _check_account(mail: Mail, account: Account) -> None:
    """Require that the mail still applies to the account. Raises Conflict(`not_sendable`)."""
    if account.deleted_at is not None and mail.template != DELETED:
        raise not_sendable("The account is deleted.")
    if account.deleted_at is None and mail.template == DELETED:
        raise not_sendable("The account was restored.")
    for_reseller = kind_of(mail.template).audience is Audience.RESELLER and mail.template != MERGED
    if for_reseller and account.kind != AccountKind.RESELLER:
        raise not_sendable("The account is no longer a reseller.")
    if mail.template == CONNECTED and account.reseller_id != mail.reseller_id:
        raise not_sendable("The account is no longer a client of this reseller.")


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
    if mail.template == ADDRESS_CHANGED:
        return
    if account is None:
        valid_keys = {operator.email_key for operator in operators.operators_who_can_act(session)}
    else:
        alternates = [owner] if owner is not None and kind_of(mail.template).cc_reseller else []
        valid_keys = {recipient.email_key for recipient in [account, *alternates]}
    if to.key not in valid_keys:
        raise not_sendable(f"{to.address} is no longer the address for this mail.")


def _check_consent(session: Session, mail: Mail, to: Recipient, now: datetime) -> None:
    """Require that the address is neither suppressed nor unsubscribed. Raises Conflict(`not_sendable`)."""
    until = address_queries.suppressed_until(session, to.key, now)
    if until is not None:
        raise not_sendable(f"{to.address} rejected mail; it is suppressed until {until:%Y-%m-%d %H:%M} UTC.")
    if kind_of(mail.template).listed and address_queries.opted_out(session, to.key, mail.template):
        raise not_sendable(f"{to.address} unsubscribed from this kind of mail.")
