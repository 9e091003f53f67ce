"""Orders: price, book line, service and provisioning job in one transaction; cancelled, or tried again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.accounts import external_ids
from kontor.accounts import service as accounts
from kontor.accounts.locks import share_lock_reseller
from kontor.accounts.suspension import require_not_suspended
from kontor.audit import Actor
from kontor.context import Context
from kontor.engine.admin.operations import Operations
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.states import OrderKind, OrderState, ServiceState, ServiceVerb
from kontor.kernel.terms import parse_term
from kontor.orders import service as orders
from kontor.orders.pricing import Purchase, invalid, priced, product_of
from kontor.payments import service as payments
from kontor.programme.model import Product, Programme
from kontor.provisioning import kept, outcomes, queries, rules
from kontor.provisioning import service as actions
from kontor.provisioning.kept import Notes
from kontor.provisioning.service import Request
from models.accounts import Account
from models.orders import OrderRow
from models.services import Service, ServiceAction

CANCELLED: Final = "the order was cancelled"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A requested order; `dry_run` only returns the price. `notes`: metadata with whose it is."""

    product: str
    order_ref: str
    quantity: int = 1
    promo_code: str | None = None
    dry_run: bool = False
    account_id: UUID | None = None
    term: str | None = None
    config: Mapping[str, JsonValue] | None = None
    external_id: str | None = None
    notes: Notes | None = None


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order; `created` is False for a dry run, whose order has no id, and for a reference that was used before.

    `missing`: what the balance of a dry run's order is short of. `differs`: the fields of a request with a used
    reference that are others than those of its order.
    """

    order: OrderRow
    created: bool
    missing: Money | None = None
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys, by which rules, and for whom."""

    reseller: Account
    programme: Programme
    account: Account | None = None


def place(
    ctx: Context, session: Session, reseller_id: UUID, new: NewOrder, actor: str = outcomes.SYSTEM
) -> PlacedOrder:
    """Place an order; a reference that was used before returns its existing order.

    Raises NotFound, Conflict(`not_a_reseller`, `account_deleted`, `account_suspended`, `insufficient_balance`,
    `external_id_taken`), Invalid(`unknown_product`, `not_for_sale`, `unknown_promo_code`, `invalid_config`,
    `invalid_args`, `unknown_task`, `quantity`, `order_ref`, `term`).
    """
    reference = payments.normalize_reference(new.order_ref, "order_ref")
    reseller = share_lock_reseller(session, reseller_id)
    programme = ctx.programme(session, reseller.programme)
    if not new.dry_run:
        orders.lock_book(session, programme, reseller.id)
    existing = orders.by_reference(session, reseller.id, reference)
    if existing is not None:
        return PlacedOrder(existing, created=False, differs=differences(existing, new))
    buyer = Buyer(reseller, programme, _client(session, reseller, new.account_id))
    require_not_suspended(reseller, buyer.account)
    product = product_of(programme, reseller, new.product)
    new = replace(new, external_id=_external_id(session, reseller, new.external_id))
    config = kept.checked(product.provisioning, new.config)
    values = _values(ctx, session, buyer, product, new, reference)
    if new.dry_run:
        draft = OrderRow(**{**values, "id": None, "service_id": None, "created_at": ctx.now})
        short = orders.missing(session, programme, reseller.id, orders.money_of(draft))
        return PlacedOrder(draft, created=False, missing=short)
    order = orders.buy(ctx, session, programme, reseller, values)
    if order is None:
        existing = orders.by_reference(session, reseller.id, reference)
        assert existing is not None, "the insert waits for the transaction that holds the reference"
        return PlacedOrder(existing, created=False, differs=differences(existing, new))
    orders.emit(ctx, session, "order.placed", order, reseller.id)
    _provision(ctx, session, buyer, product, order, config, actor)
    return PlacedOrder(order, created=True)


def differences(order: OrderRow, new: NewOrder) -> tuple[str, ...]:
    """Return the fields in which a repeat of a reference differs from its order; term and external_id if it has them.

    Members of a config that are kept masked are not compared.
    """
    account_id = None if new.account_id == order.reseller_id else new.account_id
    pairs = {
        "product": (order.product, new.product),
        "quantity": (order.quantity, new.quantity),
        "account_id": (order.account_id, account_id),
        "term": (order.term, new.term or order.term),
        "promo_code": ((order.promo_code or "").casefold(), (new.promo_code or "").strip().casefold()),
        "external_id": (order.external_id, (new.external_id or "").strip() or order.external_id),
    }
    differs = [name for name, (before, now) in pairs.items() if before != now]
    return (*differs, *(() if kept.agrees(order.config or {}, new.config or {}) else ("config",)))


def _client(session: Session, reseller: Account, account_id: UUID | None) -> Account | None:
    """Return the client that an order is for; the reseller's own id is nobody else. Raises NotFound."""
    if account_id is None or account_id == reseller.id:
        return None
    account = accounts.find(session, account_id, share=True)
    if account is None or account.deleted_at is not None or account.reseller_id != reseller.id:
        raise NotFound(message="The reseller has no such client.")
    return account


def _external_id(session: Session, reseller: Account, text: str | None) -> str | None:
    """Return the id of another system as stored. Raises Invalid, Conflict(`external_id_taken`)."""
    if text is None:
        return None
    external_id = external_ids.normalize(text)
    orders.require_free_external_id(session, reseller.id, external_id)
    if queries.has_external_id(session, reseller.id, external_id):
        raise Conflict("external_id_taken", "Another service of the reseller has that external_id.")
    return external_id


def _values(
    ctx: Context, session: Session, buyer: Buyer, product: Product, new: NewOrder, reference: str
) -> dict[str, object]:
    """Return the columns of a new order."""
    term, terms = term_of(product, new.term)
    purchase = Purchase(product, new.quantity, terms, new.promo_code)
    config = kept.masked_config(product.provisioning, new.config or {})
    return {
        **priced(ctx, session, buyer.reseller, buyer.programme, purchase),
        "reseller_id": buyer.reseller.id,
        "programme": buyer.reseller.programme,
        "order_ref": reference,
        "kind": OrderKind.NEW.value,
        "state": OrderState.PENDING.value,
        "account_id": None if buyer.account is None else buyer.account.id,
        "service_id": new_id(),
        "term": term,
        "config": config or None,
        "external_id": new.external_id,
        "notes": None if new.notes is None else new.notes.added_to(None),
    }


def term_of(product: Product, text: str | None) -> tuple[str | None, int]:
    """Return the term of an order and how many terms of the product it is. Raises Invalid(`term`)."""
    own = product.provisioning.term
    if text is None:
        return own, 1
    multiple = None if own is None else product.provisioning.multiple_of(_parsed(text))
    if multiple is None:
        what = "has no term" if own is None else f"is ordered for 1 to 12 terms of {own}"
        raise invalid("invalid", "term", f"{product.code} {what}.")
    return text, multiple


def _parsed(text: str) -> str:
    try:
        parse_term(text)
    except ValueError as error:
        raise Invalid("invalid", str(error), errors=[FieldError("term", str(error))]) from None
    return text


def _provision(
    ctx: Context,
    session: Session,
    buyer: Buyer,
    product: Product,
    order: OrderRow,
    config: kept.Config,
    actor: str,
) -> None:
    """Write the service of a new order and begin to make it."""
    assert order.service_id is not None
    service = Service(
        id=order.service_id,
        reseller_id=order.reseller_id,
        account_id=order.account_id,
        programme=order.programme,
        order_id=order.id,
        product=order.product,
        quantity=order.quantity,
        config=order.config,
        term=order.term,
        renewal=product.provisioning.renewal.value,
        grace=product.provisioning.grace,
        state=ServiceState.PENDING.value,
        causes=[],
        external_id=order.external_id,
        notes=order.notes,
        created_at=ctx.now,
    )
    begin_term(ctx, buyer.programme, service)
    session.add(service)
    outcomes.write_event(ctx, session, service, None, actor, None, None)
    actions.ask(ctx, session, service, Request(ServiceVerb.CREATE, actor, order_id=order.id, config=config))


def begin_term(ctx: Context, programme: Programme, service: Service) -> None:
    """Let the first paid term begin today."""
    if service.term is not None:
        term = rules.first_term(ctx.today(programme.zone), service.term)
        service.paid_from, service.paid_until, service.anchor = term.start, term.until, term.anchor


def cancel(ctx: Context, session: Session, order_id: UUID, actor: str, reason: str | None = None) -> OrderRow:
    """Cancel an order whose service is being made: credited at once, what may be there is removed.

    Raises NotFound, Conflict(`illegal_transition`).
    """
    order = orders.get(session, order_id)
    service = None if order.service_id is None else actions.locked(session, order.service_id)
    order = orders.get(session, order_id, lock=True)
    running = None if service is None else queries.running(session, service.id)
    if service is None or running is None or not _is_being_made(order, service, running):
        raise Conflict("illegal_transition", "Only an order whose service is being made can be cancelled.",
                       state=order.state)  # fmt: skip
    assert running.job_id is not None, "what is under way has a job"
    running.ends, running.reason = True, reason or CANCELLED
    state = OrderState.CANCELLED
    outcomes.pay_back_order(ctx, session, service, order, running.id, state, reason or CANCELLED)
    session.flush()
    Operations(ctx.jobs).cancel(session, running.job_id, Actor(actor, reason=reason or CANCELLED))
    return order


def _is_being_made(order: OrderRow, service: Service, running: ServiceAction) -> bool:
    return order.state == OrderState.PENDING and running.order_id == order.id and service.state == ServiceState.PENDING


def retry(ctx: Context, session: Session, service_id: UUID, request: Request) -> Service:
    """Try to make a failed service again, charged again at the order's own net; its term begins today.

    A failed `terminate` runs again. Raises NotFound, Conflict(`illegal_transition`, `insufficient_balance`).
    """
    reseller = share_lock_reseller(session, actions.get(session, service_id).reseller_id)
    programme = ctx.programme(session, reseller.programme)
    orders.lock_book(session, programme, reseller.id)
    service = actions.locked(session, service_id)
    running = queries.running(session, service.id)
    if running is not None and running.verb == ServiceVerb.TERMINATE and running.job_id is not None:
        Operations(ctx.jobs).retry(session, running.job_id, Actor(request.actor, reason=request.reason))
        return service
    if service.state != ServiceState.FAILED:
        message = f"Only a service that failed is tried again; this one is {service.state}."
        raise Conflict("illegal_transition", message, state=service.state)
    require_not_suspended(reseller)
    order = orders.get(session, service.order_id, lock=True)
    again = replace(request, verb=ServiceVerb.CREATE, order_id=order.id)
    orders.charge_again(ctx, session, order, reseller, programme, new_id())
    begin_term(ctx, programme, service)
    rules.require_arrow(ServiceState(service.state), ServiceState.PENDING)
    service.state = ServiceState.PENDING.value
    outcomes.write_event(ctx, session, service, ServiceState.FAILED, request.actor, request.reason, None)
    actions.ask(ctx, session, service, again)
    return service
