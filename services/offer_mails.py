"""Mails about offers and licences, and the rules that skip or refresh them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.offers import OfferState
from models.accounts import Account
from models.licences import Grant
from models.mails import Mail
from models.offers import Offer
from services import mails, products
from services.decision_links import link_token
from services.mails import MailRule, Renewed
from services.offer_documents import current_changes, seen_state
from services.offer_log import OfferBook
from services.programmes import Programmes
from services.tokens import Tokens
from store import licences as licence_rows


def received(ctx: OfferBook, session: Session, offer: Offer) -> None:
    """Post `offer-received` to the customer's admin, with the link to the decision page."""
    account = session.get_one(Account, offer.account_id)
    facts = {
        "changes": _with_product_names(ctx.programmes, session, account, current_changes(session, offer, ctx.now)),
        "expires_at": offer.expires_at,
        "message": offer.message or "",
    }
    _to_client(ctx, session, "offer-received", offer, facts)


def withdrawn(ctx: OfferBook, session: Session, offer: Offer) -> None:
    """Post `offer-withdrawn` to the customer's admin."""
    _to_client(ctx, session, "offer-withdrawn", offer, {"sent_at": offer.created_at})


def decided(ctx: OfferBook, session: Session, offer: Offer, by: str) -> None:
    """Post `offer-accepted` or `offer-rejected` to the reseller's admin; `by` is empty for an operator."""
    facts = {"decided_at": offer.decided_at, "by": by}
    _to_reseller(ctx, session, f"offer-{offer.state}", offer, facts, str(offer.id))


def expired(ctx: OfferBook, session: Session, offer: Offer) -> None:
    """Post `offer-expired` to the reseller's admin."""
    facts = {"sent_at": offer.created_at, "expired_at": offer.expires_at}
    _to_reseller(ctx, session, "offer-expired", offer, facts, str(offer.id))


def delivery_failed(
    ctx: OfferBook, session: Session, offer: Offer, *, subject_of: str, error: str, attempts: int, held: bool
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


def licences_ending(ctx: OfferBook, session: Session, account: Account, grants: Sequence[Grant], days: int) -> None:
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


def _ending(grants: Sequence[Grant]) -> list[dict[str, Any]]:
    return [{"product": grant.product, "count": grant.count, "ends_at": grant.ends_at} for grant in grants]


def _to_client(ctx: OfferBook, session: Session, template: str, offer: Offer, facts: Mapping[str, Any]) -> None:
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
    ctx: OfferBook, session: Session, template: str, offer: Offer, facts: Mapping[str, Any], fact_key: str
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
    programmes: Programmes, session: Session, reader: Account, items: Sequence[Mapping[str, Any]], locale: str = ""
) -> list[dict[str, Any]]:
    """Replace product codes in lines or changes by names, in `locale` or else the reader's language."""
    programme, locale = programmes.current(session, reader.programme), locale or reader.locale
    return [{**item, "product": products.name_of(programme, item["product"], locale)} for item in items]


def _received_skip_reason(session: Session, mail: Mail, now: datetime) -> str | None:
    """Return the reason to skip `offer-received`, if any."""
    offer, account = _subject(session, mail)
    if seen_state(offer, now) is not OfferState.WAITING_FOR_CONFIRMATION:
        return "the offer is no longer open"
    if account.email_version != mail.refs["address"]:
        return "the admin's address was changed"
    return None


def _refresh_changes(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Renewed:
    """Return the changes an acceptance would make now."""
    offer, account = _subject(session, mail)
    changes = current_changes(session, offer, now)
    return Renewed({"changes": _with_product_names(programmes, session, account, changes, mail.locale)})


def _refresh_ending(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Renewed:
    """Return the licences that still end at that instant, and the days left. Raises Conflict(`not_sendable`)."""
    account = session.get_one(Account, UUID(str(mail.refs["account_id"])))
    ends_at = datetime.fromisoformat(str(mail.refs["ends_at"]))
    grants = licence_rows.ending(session, account.id, ends_at)
    if not grants or now >= ends_at:
        raise Conflict("not_sendable", "No licences end at that time any longer.")
    licences = _with_product_names(programmes, session, account, _ending(grants), mail.locale)
    return Renewed({"licences": licences, "days": -(-(ends_at - now) // timedelta(days=1))})


def _decision_link(session: Session, tokens: Tokens, mail: Mail) -> Mapping[str, str]:
    """Return the link to the decision page."""
    return {"decision": f"/offers/{link_token(tokens, *_subject(session, mail))}"}


def _subject(session: Session, mail: Mail) -> tuple[Offer, Account]:
    offer = session.get_one(Offer, UUID(str(mail.refs["offer_id"])))
    return offer, session.get_one(Account, offer.account_id)


RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        "offer-received": MailRule(obsolete=_received_skip_reason, links=_decision_link, renewed=_refresh_changes),
        "licences-ending": MailRule(renewed=_refresh_ending),
    }
)
