"""Mails and events about offers and licences, and when they are no longer worth sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import brands
from kontor.accounts.brands import LinkDomain
from kontor.context import Context
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.states import OfferState
from kontor.kernel.tokens import Tokens
from kontor.licences import service as licences_service
from kontor.mails import service as mails
from kontor.mails.service import MailRule, Refreshed
from kontor.offers.views import current_changes, event_payload, state_at
from kontor.programme import service as programme_service
from kontor.programme.service import Programmes
from kontor.webhooks import events
from models.accounts import Account
from models.licences import Grant
from models.mails import Mail
from models.offers import Offer


def mail_received(ctx: Context, session: Session, offer: Offer) -> None:
    """Post `offer-received` to the customer's admin, with the link to the decision page."""
    account = session.get_one(Account, offer.account_id)
    facts = {
        "changes": _with_product_names(ctx.programmes, session, account, _changes(session, offer, ctx.now)),
        "expires_at": offer.open_until or offer.expires_at,
        "message": offer.message or "",
    }
    _to_client(ctx, session, "offer-received", offer, facts)


def mail_withdrawn(ctx: Context, session: Session, offer: Offer) -> None:
    """Post `offer-withdrawn` to the customer's admin."""
    _to_client(ctx, session, "offer-withdrawn", offer, {"sent_at": offer.created_at})


def mail_decision(ctx: Context, session: Session, offer: Offer, by: str) -> None:
    """Post `offer-accepted` or `offer-rejected` to the reseller's admin; `by` is empty for an operator."""
    facts = {"decided_at": offer.decided_at, "by": by}
    _to_reseller(ctx, session, f"offer-{offer.state}", offer, facts, str(offer.id))


def mail_expiry(ctx: Context, session: Session, offer: Offer) -> None:
    """Post `offer-expired` to the reseller's admin."""
    facts = {"sent_at": offer.created_at, "expired_at": offer.open_until or offer.expires_at}
    _to_reseller(ctx, session, "offer-expired", offer, facts, str(offer.id))


def mail_delivery_failed(
    ctx: Context, session: Session, offer: Offer, *, subject_of: str, error: str, attempts: int, held: bool
) -> None:
    """Post `delivery-failed` to the reseller's admin; `subject_of` is offer, withdrawal or licences."""
    now = ctx.now
    facts = {
        "subject_of": subject_of,
        "error": error[:500],
        "attempts": attempts,
        "held": held,
        "failed_at": now,
    }
    _to_reseller(ctx, session, "delivery-failed", offer, facts, f"{subject_of}:{offer.id}:{now.isoformat()}")


def mail_licences_ending(ctx: Context, session: Session, account: Account, grants: Sequence[Grant], days: int) -> None:
    """Post `licences-ending` to the customer's admin, Cc the reseller's."""
    ends_at = grants[0].ends_at
    owner = session.get(Account, account.reseller_id) if account.reseller_id is not None else None
    mails.post(
        session,
        ctx.jobs,
        template="licences-ending",
        account=account,
        facts={
            "account": account.name,
            "licences": _with_product_names(ctx.programmes, session, account, _ending(grants)),
            "days": days,
        },
        fact_key=f"{ends_at.isoformat()}",
        cc=[owner.admin_email] if owner is not None else [],
        refs={"account_id": str(account.id), "ends_at": ends_at.isoformat()},
    )


def _changes(session: Session, offer: Offer, now: datetime) -> list[dict[str, object]]:
    return [asdict(change) for change in current_changes(session, offer, now)]


def _ending(grants: Sequence[Grant]) -> list[dict[str, object]]:
    return [{"product": grant.product, "count": grant.count, "ends_at": grant.ends_at} for grant in grants]


def _to_client(ctx: Context, session: Session, template: str, offer: Offer, facts: Mapping[str, object]) -> None:
    account = session.get_one(Account, offer.account_id)
    mails.post(
        session,
        ctx.jobs,
        template=template,
        account=account,
        facts={
            "account": account.name,
            "lines": _with_product_names(ctx.programmes, session, account, offer.lines),
            **facts,
        },
        fact_key=f"{offer.id}:{account.email_version}",
        refs={"offer_id": str(offer.id), "address": account.email_version},
        reseller_id=offer.reseller_id,
    )


def _to_reseller(
    ctx: Context, session: Session, template: str, offer: Offer, facts: Mapping[str, object], fact_key: str
) -> None:
    client = session.get_one(Account, offer.account_id)
    owner = session.get_one(Account, offer.reseller_id)
    mails.post(
        session,
        ctx.jobs,
        template=template,
        account=owner,
        facts={
            "account": client.name,
            "lines": _with_product_names(ctx.programmes, session, owner, offer.lines),
            **facts,
        },
        fact_key=fact_key,
        refs={"offer_id": str(offer.id)},
    )


def _with_product_names(
    programmes: Programmes, session: Session, reader: Account, items: Sequence[Mapping[str, object]], locale: str = ""
) -> list[dict[str, object]]:
    """Replace product codes in lines or changes by names, in `locale` or else the reader's language."""
    programme, locale = programmes.current(session, reader.programme), locale or reader.locale
    return [{**item, "product": programme_service.name_of(programme, str(item["product"]), locale)} for item in items]


def _received_skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    """Return the reason to skip `offer-received`, if any."""
    offer, account = _subject(session, mail)
    if state_at(offer, now) is not OfferState.WAITING_FOR_CONFIRMATION:
        return "the offer is no longer open"
    if account.email_version != mail.refs["address"]:
        return "the admin's address was changed"
    return None


def _refresh_changes(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Refreshed:
    """Return the changes an acceptance would make now."""
    offer, account = _subject(session, mail)
    changes = _with_product_names(programmes, session, account, _changes(session, offer, now), mail.locale)
    return Refreshed({"changes": changes})


def _refresh_ending(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Refreshed:
    """Return the licences that still end at that instant, and the days left. Raises Conflict(`not_sendable`)."""
    account = session.get_one(Account, UUID(str(mail.refs["account_id"])))
    ends_at = datetime.fromisoformat(str(mail.refs["ends_at"]))
    grants = licences_service.ending_grants(session, account.id, ends_at)
    if not grants or now >= ends_at:
        raise Conflict("not_sendable", "No licences end at that time any longer.")
    licences = _with_product_names(programmes, session, account, _ending(grants), mail.locale)
    return Refreshed({"licences": licences, "days": -(-(ends_at - now) // timedelta(days=1))})


def _decision_link(session: Session, tokens: Tokens, mail: Mail) -> Mapping[str, str]:
    """Return the link to the decision page; its token says which domain it is mailed with, and who set that."""
    offer, account = _subject(session, mail)
    domain = brands.link_domain(session, account, session.get(Account, offer.reseller_id))
    return {"decision": f"/offers/{make_decision_token(tokens, offer, account, domain)}"}


def _subject(session: Session, mail: Mail) -> tuple[Offer, Account]:
    offer = session.get_one(Offer, UUID(str(mail.refs["offer_id"])))
    return offer, session.get_one(Account, offer.account_id)


PURPOSE: Final = "offer-decision"


def make_decision_token(tokens: Tokens, offer: Offer, account: Account, domain: LinkDomain | None = None) -> str:
    """Return a token bound to the current admin address; it expires with the offer. `domain`: the mailed link's."""
    claims = {"offer": offer.id.hex, "account": account.id.hex, "address": account.email_version}
    mailed = {} if domain is None else {"domain": domain.name, "domain_set_by": domain.set_by}
    return tokens.make(PURPOSE, {**claims, **mailed}, offer.expires_at)


OFFER_RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        "offer-received": MailRule(skip_reason=_received_skip_reason, links=_decision_link, refresh=_refresh_changes),
        "licences-ending": MailRule(refresh=_refresh_ending),
    }
)


def emit_offer_event(ctx: Context, session: Session, event_type: str, offer: Offer, **data: object) -> None:
    """Write a domain event about an offer; `data` is added to its payload."""
    events.emit(
        session,
        ctx.jobs,
        event_type,
        session.get_one(Account, offer.account_id),
        {**event_payload(offer, ctx.now), **data},
        at=ctx.now,
        reseller_id=offer.reseller_id,
    )


def notify_delivered(ctx: Context, session: Session, offer: Offer) -> None:
    """Announce a delivered offer and mail the customer's admin for a decision."""
    emit_offer_event(ctx, session, "offer.delivered", offer)
    mail_received(ctx, session, offer)


def notify_decided(ctx: Context, session: Session, offer: Offer, by: str) -> None:
    """Announce a decision and mail the reseller; `by` is empty for an operator."""
    emit_offer_event(ctx, session, f"offer.{offer.state}", offer)
    mail_decision(ctx, session, offer, by)


def notify_cancelled(ctx: Context, session: Session, offer: Offer, *, admin_informed: bool) -> None:
    """Announce a cancelled offer; mail the customer's admin if already `admin_informed` of the offer."""
    emit_offer_event(ctx, session, "offer.cancelled", offer)
    if admin_informed:
        mail_withdrawn(ctx, session, offer)


def notify_expired(ctx: Context, session: Session, offer: Offer) -> None:
    """Announce an expired offer and mail the reseller."""
    emit_offer_event(ctx, session, "offer.cancelled", offer)
    mail_expiry(ctx, session, offer)


@dataclass(frozen=True, slots=True)
class DecisionToken:
    """Content of a decision token: offer, account and version of the admin's address.

    `domain`: that of the link as it was mailed; None for links of an earlier release.
    """

    offer_id: UUID
    account_id: UUID
    email_version: int
    domain: LinkDomain | None = None


def read_decision_token(tokens: Tokens, token: str) -> DecisionToken:
    """Return the content of a token, even an expired one. Raises NotFound for an invalid token."""
    claims = tokens.read_expired(PURPOSE, token)
    name, set_by = claims.get("domain"), claims.get("domain_set_by")
    domain = None if name is None else LinkDomain(str(name), None if set_by is None else str(set_by))
    try:
        offer_id, account_id = UUID(hex=str(claims["offer"])), UUID(hex=str(claims["account"]))
        return DecisionToken(offer_id, account_id, int(claims["address"]), domain)
    except (KeyError, TypeError, ValueError):
        raise NotFound("unknown_token", "This link is not valid.") from None
