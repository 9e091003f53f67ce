"""The mails about offers and licences, and when they are no longer worth sending."""

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


def received(book: OfferBook, session: Session, offer: Offer) -> None:
    """`offer-received`, To the customer's admin, with the link to the page."""
    account = session.get_one(Account, offer.account_id)
    facts = {
        "changes": _named(book.programmes, session, account, current_changes(session, offer, book.now)),
        "expires_at": offer.expires_at,
        "message": offer.message or "",
    }
    _to_client(book, session, "offer-received", offer, facts)


def withdrawn(book: OfferBook, session: Session, offer: Offer) -> None:
    """`offer-withdrawn`, To the customer's admin."""
    _to_client(book, session, "offer-withdrawn", offer, {"sent_at": offer.created_at})


def decided(book: OfferBook, session: Session, offer: Offer, by: str) -> None:
    """`offer-accepted` or `offer-rejected`, To the reseller's admin; `by` is empty for an operator."""
    facts = {"decided_at": offer.decided_at, "by": by}
    _to_reseller(book, session, f"offer-{offer.state}", offer, facts, str(offer.id))


def expired(book: OfferBook, session: Session, offer: Offer) -> None:
    """`offer-expired`, To the reseller's admin."""
    facts = {"sent_at": offer.created_at, "expired_at": offer.expires_at}
    _to_reseller(book, session, "offer-expired", offer, facts, str(offer.id))


def delivery_failed(
    book: OfferBook, session: Session, offer: Offer, *, subject_of: str, error: str, attempts: int, held: bool
) -> None:
    """`delivery-failed`, To the reseller's admin: `subject_of` is offer, withdrawal or licences."""
    now = book.now
    facts = {
        "subject_of": subject_of,
        "error": error[:500],
        "attempts": attempts,
        "held": held,
        "failed_at": now,
    }
    _to_reseller(book, session, "delivery-failed", offer, facts, f"{subject_of}:{offer.id}:{now.isoformat()}")


def licences_ending(book: OfferBook, session: Session, account: Account, grants: Sequence[Grant], days: int) -> None:
    """`licences-ending`, To the customer's admin, Cc the reseller's."""
    ends_at = grants[0].ends_at
    owner = session.get(Account, account.reseller_id) if account.reseller_id is not None else None
    mails.post(
        session,
        book.jobs,
        template="licences-ending",
        account=account,
        facts={
            "account": account.name,
            "licences": _named(book.programmes, session, account, _ending(grants)),
            "days": days,
        },
        fact_key=f"{ends_at.isoformat()}",
        cc=[owner.admin_email] if owner is not None else [],
        refs={"account_id": str(account.id), "ends_at": ends_at.isoformat()},
    )


def _ending(grants: Sequence[Grant]) -> list[dict[str, Any]]:
    return [{"product": one.product, "count": one.count, "ends_at": one.ends_at} for one in grants]


def _to_client(book: OfferBook, session: Session, template: str, offer: Offer, facts: Mapping[str, Any]) -> None:
    account = session.get_one(Account, offer.account_id)
    mails.post(
        session,
        book.jobs,
        template=template,
        account=account,
        facts={"account": account.name, "lines": _named(book.programmes, session, account, offer.lines), **facts},
        fact_key=f"{offer.id}:{account.email_version}",
        refs={"offer_id": str(offer.id), "address": account.email_version},
        reseller_id=offer.reseller_id,
    )


def _to_reseller(
    book: OfferBook, session: Session, template: str, offer: Offer, facts: Mapping[str, Any], fact_key: str
) -> None:
    client = session.get_one(Account, offer.account_id)
    owner = session.get_one(Account, offer.reseller_id)
    mails.post(
        session,
        book.jobs,
        template=template,
        account=owner,
        facts={"account": client.name, "lines": _named(book.programmes, session, owner, offer.lines), **facts},
        fact_key=fact_key,
        refs={"offer_id": str(offer.id)},
    )


def _named(
    programmes: Programmes, session: Session, reader: Account, items: Sequence[Mapping[str, Any]], locale: str = ""
) -> list[dict[str, Any]]:
    """Lines or changes with the products' names for their codes, in the reader's language unless another is named."""
    programme, locale = programmes.current(session, reader.programme), locale or reader.locale
    return [{**item, "product": products.name_of(programme, item["product"], locale)} for item in items]


def _not_to_be_asked(session: Session, mail: Mail, now: datetime) -> str | None:
    """Why `offer-received` need not, or must not, be sent any more."""
    offer, account = _subject(session, mail)
    if seen_state(offer, now) is not OfferState.WAITING_FOR_CONFIRMATION:
        return "the offer is no longer open"
    if account.email_version != mail.refs["address"]:
        return "the admin's address was changed"
    return None


def _what_changes_now(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Renewed:
    """What accepting would change by now."""
    offer, account = _subject(session, mail)
    changes = current_changes(session, offer, now)
    return Renewed({"changes": _named(programmes, session, account, changes, mail.locale)})


def _what_still_ends(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Renewed:
    """What still ends at that instant, and in how many days."""
    account = session.get_one(Account, UUID(str(mail.refs["account_id"])))
    ends_at = datetime.fromisoformat(str(mail.refs["ends_at"]))
    grants = licence_rows.ending(session, account.id, ends_at)
    if not grants or now >= ends_at:
        raise Conflict("not_sendable", "Nothing ends at that time any more.")
    licences = _named(programmes, session, account, _ending(grants), mail.locale)
    return Renewed({"licences": licences, "days": -(-(ends_at - now) // timedelta(days=1))})


def _decision_link(session: Session, tokens: Tokens, mail: Mail) -> Mapping[str, str]:
    """The way to the decision page."""
    return {"decision": f"/offers/{link_token(tokens, *_subject(session, mail))}"}


def _subject(session: Session, mail: Mail) -> tuple[Offer, Account]:
    offer = session.get_one(Offer, UUID(str(mail.refs["offer_id"])))
    return offer, session.get_one(Account, offer.account_id)


RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        "offer-received": MailRule(obsolete=_not_to_be_asked, links=_decision_link, renewed=_what_changes_now),
        "licences-ending": MailRule(renewed=_what_still_ends),
    }
)
