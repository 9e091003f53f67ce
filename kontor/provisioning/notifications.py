"""Events and mails about services. A client's events say `state, since, paid_until, result` alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.account_book import notifications as account_book
from kontor.accounts import service as accounts
from kontor.context import Context
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.states import SuspensionCause
from kontor.mails import service as mails
from kontor.mails.service import MailRule
from kontor.orders import service as orders
from kontor.programme import service as programme_service
from kontor.provisioning import queries, rules
from kontor.webhooks import events
from models.accounts import Account
from models.mails import Mail
from models.services import Service, ServiceAction


def document(service: Service) -> dict[str, object]:
    """Return the data of an event about a service."""
    return {
        "service_id": str(service.id),
        "reseller_id": str(service.reseller_id),
        "account_id": None if service.account_id is None else str(service.account_id),
        "order_id": str(service.order_id),
        "external_id": service.external_id,
        "product": service.product,
        "quantity": service.quantity,
        "state": service.state,
        "since": None if service.since is None else service.since.isoformat(),
        "paid_until": None if service.paid_until is None else service.paid_until.isoformat(),
        "result": service.result,
    }


def emit(ctx: Context, session: Session, event: str, service: Service, error: str | None = None) -> None:
    """Emit a `service.*` event of the account that has the service, owned by its reseller."""
    account = accounts.find(session, service.account_id or service.reseller_id)
    if account is None:
        return
    data = {**document(service), **({} if error is None else {"error": error})}
    events.emit(session, ctx.jobs, event, account, data, at=ctx.now, reseller_id=service.reseller_id)


def mail_active(ctx: Context, session: Session, service: Service) -> None:
    """Post `service-active` to the reseller's admin."""
    until = None if service.paid_until is None else service.paid_until.isoformat()
    _mail(ctx, session, "service-active", service, {"quantity": service.quantity, "paid_until": until})


def mail_failed(ctx: Context, session: Session, service: Service, action: ServiceAction) -> None:
    """Post `service-failed` to the reseller's admin: what was asked, why it failed, what was credited."""
    credited = None
    if action.order_id is not None:
        credited = orders.money_of(orders.get(session, action.order_id)).to_document()
    facts = {"verb": action.verb, "error": action.error or "", "credited": credited}
    _mail(ctx, session, "service-failed", service, facts, key=str(action.id))


def mail_suspended(ctx: Context, session: Session, service: Service, action: ServiceAction) -> None:
    """Post `service-suspended` to the reseller's admin; an unpaid one with the day on which it ends."""
    unpaid = action.cause == SuspensionCause.UNPAID and service.paid_until is not None
    ends = rules.last_day_unpaid(service.paid_until) if unpaid and service.paid_until else None
    facts = {"cause": action.cause or "operator", "ends_on": None if ends is None else ends.isoformat()}
    _mail(ctx, session, "service-suspended", service, facts, key=str(action.id))


def mail_uncovered(ctx: Context, session: Session, service: Service, price: Money, short: Money) -> None:
    """Post `balance-low` about a renewal that the balance does not cover, once for each term."""
    reseller = accounts.find(session, service.reseller_id)
    if reseller is None:
        return
    programme = ctx.programme(session, service.programme)
    facts = {
        "balance": account_book.balance_of(session, reseller.id, programme).to_document(),
        "limited": True,
        "pay_url": programme.billing.payment_link(str(reseller.id), short, ctx.now),
        "renewal": programme_service.name_of(programme, service.product, reseller.locale),
        "price": price.to_document(),
        "missing": short.to_document(),
    }
    key = f"{service.id}:{service.paid_until}"
    _post(ctx, session, account_book.LOW, reseller, facts, key, service)


def _mail(
    ctx: Context, session: Session, template: str, service: Service, facts: Mapping[str, object], key: str | None = None
) -> None:
    reseller = accounts.find(session, service.reseller_id)
    account = accounts.find(session, service.account_id or service.reseller_id)
    if reseller is None:
        return
    programme = ctx.programme(session, service.programme)
    named = {
        "account": reseller.name if account is None else account.name,
        "product": programme_service.name_of(programme, service.product, reseller.locale),
        **facts,
    }
    _post(ctx, session, template, reseller, named, key or f"{service.id}:{new_id()}", service)


def _post(
    ctx: Context,
    session: Session,
    template: str,
    reseller: Account,
    facts: Mapping[str, object],
    key: str,
    service: Service,
) -> None:
    refs = {"service_id": str(service.id), "state": service.state}
    mails.post(
        session, ctx.jobs, template=template, account=reseller, facts=facts, fact_key=f"service:{key}", refs=refs
    )


def _has_changed(session: Session, mail: Mail, _: object) -> str | None:
    """Return why a mail about a service's state need not be sent."""
    service = queries.by_id(session, UUID(str(mail.refs["service_id"])))
    return None if service is not None and service.state == mail.refs["state"] else "the service's state has changed"


def _is_covered(session: Session, mail: Mail, now: object) -> str | None:
    """Return why a mail about a low balance or an uncovered renewal need not be sent."""
    if "service_id" not in mail.refs:
        return account_book.skip_reason(session, mail, now)
    service = queries.by_id(session, UUID(str(mail.refs["service_id"])))
    return None if service is not None and service.unpaid_since is not None else "the service is paid"


MAIL_RULES: Final[Mapping[str, MailRule]] = MappingProxyType(
    {
        "service-active": MailRule(skip_reason=_has_changed),
        "service-suspended": MailRule(skip_reason=_has_changed),
        account_book.LOW: MailRule(skip_reason=_is_covered),
    }
)
