"""Renewals: by hand, a day before the end, or when a payment covers one that waited; what else a term's end brings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.accounts.locks import share_lock_any, share_lock_reseller
from kontor.accounts.suspension import require_not_suspended
from kontor.context import Context
from kontor.kernel.errors import Conflict, Invalid
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.states import OrderKind, OrderState, Renewal, ServiceState, ServiceVerb, SuspensionCause
from kontor.orders import service as orders
from kontor.orders.pricing import Purchase, invalid, priced
from kontor.payments import service as payments
from kontor.programme.model import Product, Programme
from kontor.provisioning import notifications, outcomes, queries
from kontor.provisioning import service as actions
from kontor.provisioning.rules import Deadlines, Step
from kontor.provisioning.service import Request
from models.accounts import Account, AccountKind
from models.orders import OrderRow
from models.services import Service

PAUSE: Final = timedelta(days=1)
"""What failed by itself is tried again after this."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A locked service with its reseller, whose row is share-locked, and their programme."""

    reseller: Account
    programme: Programme
    service: Service


def renew(ctx: Context, session: Session, service_id: UUID, request: Request, order_ref: str | None = None) -> Service:
    """Renew a service by hand: an order at the price and discount of this moment. A known `order_ref` changes nothing.

    Raises NotFound, Conflict(`illegal_transition`, `not_renewable`, `account_suspended`, `insufficient_balance`,
    `order_ref_taken`), Invalid.
    """
    reference = None if order_ref is None else payments.normalize_reference(order_ref, "order_ref")
    owned = lock(ctx, session, service_id)
    service = owned.service
    existing = None if reference is None else orders.by_reference(session, owned.reseller.id, reference)
    if existing is not None:
        if existing.service_id != service.id or existing.kind != OrderKind.RENEWAL:
            raise Conflict("order_ref_taken", "Another order has that order_ref.")
        return service
    account = None if service.account_id is None else accounts.find(session, service.account_id)
    require_not_suspended(owned.reseller, account)
    if service.term is None or service.renewal == Renewal.NONE:
        raise Conflict("not_renewable", "The product's services are not renewed.", state=service.state)
    if queries.running(session, service.id) is None:
        refused = actions.refusal_of(service, ServiceVerb.RENEW, None)
        if refused is not None:
            raise Conflict("illegal_transition", refused, state=service.state)
    _place(ctx, session, owned, request, reference or f"renewal:{new_id()}")
    return service


@dataclass(frozen=True, slots=True)
class RenewalQuote:
    """What another term costs now; `missing`: what the balance is short of."""

    net: Money
    missing: Money | None


def quote(ctx: Context, session: Session, service_id: UUID) -> RenewalQuote:
    """Price a renewal; changes and locks nothing. Raises NotFound, Invalid for a product that is gone."""
    service = actions.get(session, service_id)
    reseller = accounts.get(session, service.reseller_id)
    programme = ctx.programme(session, reseller.programme)
    values = renewal_values(ctx, session, Owned(reseller, programme, service))
    price = orders.money_of(OrderRow(**values))
    return RenewalQuote(price, orders.missing(session, programme, reseller.id, price))


def lock(ctx: Context, session: Session, service_id: UUID) -> Owned:
    """Lock a service for an order: its reseller, the account book, the service. Raises NotFound, Conflict."""
    reseller = share_lock_reseller(session, actions.get(session, service_id).reseller_id)
    programme = ctx.programme(session, reseller.programme)
    orders.lock_book(session, programme, reseller.id)
    return Owned(reseller, programme, actions.locked(session, service_id))


def _place(ctx: Context, session: Session, owned: Owned, request: Request, reference: str) -> None:
    """Write the order of a renewal and ask for it. Raises Conflict(`insufficient_balance`), Invalid."""
    values = renewal_values(ctx, session, owned)
    order = orders.buy(ctx, session, owned.programme, owned.reseller, {**values, "order_ref": reference})
    if order is None:
        return
    orders.emit(ctx, session, "order.placed", order, owned.reseller.id)
    renewal = Request(ServiceVerb.RENEW, request.actor, request.reason, order_id=order.id)
    actions.ask(ctx, session, owned.service, renewal)


def renewal_values(ctx: Context, session: Session, owned: Owned) -> dict[str, object]:
    """Return the columns of a renewal's order but its reference. Raises Invalid for a product that is gone."""
    service, product = owned.service, product_of(owned)
    terms = product.provisioning.multiple_of(service.term or "P1M") or 1
    purchase = Purchase(product, service.next_quantity or service.quantity, terms)
    return {
        **priced(ctx, session, owned.reseller, owned.programme, purchase),
        **order_base(service),
        "kind": OrderKind.RENEWAL.value,
        "term": service.term,
    }


def order_base(service: Service) -> dict[str, object]:
    """Return the columns that every further order of a service has."""
    return {
        "reseller_id": service.reseller_id,
        "programme": service.programme,
        "state": OrderState.PENDING.value,
        "account_id": service.account_id,
        "service_id": service.id,
    }


def product_of(owned: Owned) -> Product:
    """Return a service's product, whoever may sell it now. Raises Invalid(`unknown_product`)."""
    product = owned.programme.products.get(owned.service.product)
    if product is None:
        raise invalid("unknown_product", "product", f"The programme no longer has {owned.service.product!r}.")
    return product


def care(ctx: Context, session: Session, service_id: UUID) -> str | None:
    """Do what is due for a service; return what was done."""
    owner = actions.get(session, service_id).reseller_id
    reseller = share_lock_any(session, owner)
    programme = ctx.programme(session, reseller.programme)
    orders.lock_book(session, programme, reseller.id)
    owned = Owned(reseller, programme, actions.locked(session, service_id))
    service = owned.service
    if service.reseller_id != owner or queries.running(session, service.id) or queries.waiting(session, service.id):
        return None
    for step in due(ctx, session, owned):
        if _do(ctx, session, owned, step):
            return step.value
    return None


def due(ctx: Context, session: Session, owned: Owned) -> tuple[Step, ...]:
    """Return what is due for a locked service."""
    service = owned.service
    if service.paid_until is None or service.state not in (ServiceState.ACTIVE, ServiceState.SUSPENDED):
        return ()
    account = accounts.find(session, service.account_id or service.reseller_id)
    goes_on = account is not None and account.deleted_at is None and owned.reseller.deleted_at is None
    deadlines = Deadlines(service.paid_until, Renewal(service.renewal), service.grace, goes_on)
    return deadlines.steps(ctx.today(owned.programme.zone))


def _do(ctx: Context, session: Session, owned: Owned, step: Step) -> bool:
    """Do a step; whether anything was done."""
    service = owned.service
    if step is Step.RENEW:
        return _renew_by_itself(ctx, session, owned)
    if step is Step.SUSPEND and SuspensionCause.UNPAID in service.causes:
        return False
    verb = ServiceVerb.SUSPEND if step is Step.SUSPEND else ServiceVerb.TERMINATE
    if step is Step.SUSPEND and service.unpaid_since is None:
        service.unpaid_since = ctx.now
    cause = SuspensionCause.UNPAID.value if step is Step.SUSPEND else None
    reason = "unpaid" if service.renewal != Renewal.NONE else "its term has ended"
    actions.ask(ctx, session, service, Request(verb, outcomes.SYSTEM, reason, cause))
    return True


def _renew_by_itself(ctx: Context, session: Session, owned: Owned) -> bool:
    """Renew a service that does so by itself; where the balance does not cover it, the reseller is mailed once."""
    service = owned.service
    account = accounts.find(session, service.account_id or service.reseller_id)
    if owned.reseller.suspended or (account is not None and account.suspended):
        return False
    try:
        values = renewal_values(ctx, session, owned)
    except Invalid:
        return False
    price = orders.money_of(OrderRow(**values))
    short = orders.missing(session, owned.programme, owned.reseller.id, price)
    if short is not None:
        service.unpaid_since = service.unpaid_since or ctx.now
        notifications.mail_uncovered(ctx, session, service, price, short)
        return False
    before = queries.actions_of(session, service.id, 1)
    reference = f"renewal:{service.id}:{service.paid_until}:{before[0].id.hex[-12:] if before else 0}"
    _place(ctx, session, owned, Request(ServiceVerb.RENEW, outcomes.SYSTEM), reference)
    return True


def settle(ctx: Context, session: Session, reseller_id: UUID) -> int:
    """Renew those services of a reseller that wait for money and are covered now; return how many were asked."""
    reseller, done = share_lock_any(session, reseller_id), 0
    if reseller.kind != AccountKind.RESELLER or reseller.deleted_at is not None:
        return 0
    for service_id in queries.unpaid(session, reseller_id):
        owned = lock(ctx, session, service_id)
        service = owned.service
        busy = queries.running(session, service.id) or queries.waiting(session, service.id)
        if service.unpaid_since is None or service.renewal != Renewal.AUTO or busy:
            continue
        done += _renew_by_itself(ctx, session, owned)
    return done
