"""Changes of a service: its quantity, its config, what other systems call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.accounts import external_ids
from kontor.accounts import service as accounts
from kontor.accounts.suspension import require_not_suspended
from kontor.context import Context
from kontor.kernel.errors import Conflict
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.states import OrderKind, ServiceVerb
from kontor.orders import service as orders
from kontor.orders.pricing import Purchase, list_price, priced
from kontor.provisioning import kept, outcomes, queries, rules
from kontor.provisioning import service as actions
from kontor.provisioning.kept import Notes
from kontor.provisioning.renewals import Owned, lock, order_base, product_of
from kontor.provisioning.service import Request
from models.orders import OrderRow
from models.services import Service


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """What is to change; None stays as it is."""

    quantity: int | None = None
    config: Mapping[str, JsonValue] | None = None
    external_id: str | None = None
    notes: Notes | None = None
    order_ref: str | None = None


def change(ctx: Context, session: Session, service_id: UUID, wish: ServiceChange, request: Request) -> Service:
    """Change a service. More costs its part of the days left at once; less counts from the next renewal.

    Raises NotFound, Conflict(`illegal_transition`, `account_suspended`, `insufficient_balance`, `external_id_taken`,
    `action_under_way`), Invalid(`invalid_config`, `quantity`).
    """
    owned = lock(ctx, session, service_id)
    service = owned.service
    _rename(session, service, wish)
    quantity = wish.quantity
    if quantity is not None:
        list_price(product_of(owned), quantity)
    more = quantity is not None and quantity > service.quantity
    if not more and wish.config is None:
        if quantity is not None:
            _take_less(service, quantity)
        return service
    account = None if service.account_id is None else accounts.find(session, service.account_id)
    require_not_suspended(owned.reseller, account)
    _require_possible(session, service)
    if not more and quantity is not None:
        _take_less(service, quantity)
    _ask(ctx, session, owned, request, quantity if more else None, wish.config, wish.order_ref)
    return service


def _rename(session: Session, service: Service, wish: ServiceChange) -> None:
    """Set what costs nothing and needs no job."""
    if wish.notes is not None:
        service.notes = wish.notes.added_to(service.notes)
    if wish.external_id is None:
        return
    external_id = external_ids.normalize(wish.external_id)
    if queries.has_external_id(session, service.reseller_id, external_id, other_than=service.id):
        raise Conflict("external_id_taken", "Another service of the reseller has that external_id.")
    service.external_id = external_id
    session.flush()


def _take_less(service: Service, quantity: int) -> None:
    """Note a quantity for the next renewal; at once where nothing is renewed."""
    refused = actions.refusal_of(service, ServiceVerb.CHANGE, None)
    if refused is not None:
        raise Conflict("illegal_transition", refused, state=service.state)
    service.next_quantity = quantity if quantity != service.quantity else None


def _require_possible(session: Session, service: Service) -> None:
    """Raise Conflict where the state forbids a change; one that is under way ends first."""
    if queries.running(session, service.id) is not None:
        message = "Something else is under way for the service; change it when that is over."
        raise Conflict("action_under_way", message, state=service.state)
    refused = actions.refusal_of(service, ServiceVerb.CHANGE, None)
    if refused is not None:
        raise Conflict("illegal_transition", refused, state=service.state)


def _ask(
    ctx: Context,
    session: Session,
    owned: Owned,
    request: Request,
    quantity: int | None,
    config: Mapping[str, JsonValue] | None,
    reference: str | None,
) -> None:
    """Ask for a change, with the order of what is added."""
    provisioning = product_of(owned).provisioning
    values: dict[str, JsonValue] = {} if quantity is None else {"quantity": quantity}
    whole = None
    if config is not None:
        whole = kept.checked(provisioning, config)
        values["config"] = kept.masked_config(provisioning, whole)
    more = None if quantity is None else quantity - owned.service.quantity
    order = None if more is None else _buy_more(ctx, session, owned, more, reference)
    asked = Request(
        ServiceVerb.CHANGE,
        request.actor,
        request.reason,
        order_id=None if order is None else order.id,
        values=values,
        config=whole,
    )
    actions.ask(ctx, session, owned.service, asked)


def _buy_more(ctx: Context, session: Session, owned: Owned, added: int, order_ref: str | None) -> OrderRow:
    """Charge an added quantity for the days left of the term, at the discount of this moment."""
    service, product = owned.service, product_of(owned)
    terms = 1 if service.term is None else product.provisioning.multiple_of(service.term) or 1
    values = priced(ctx, session, owned.reseller, owned.programme, Purchase(product, added, terms))
    paid, today = outcomes.paid_term(service), ctx.today(owned.programme.zone)
    for name in ("list_price", "net"):
        whole = Money(values[name], owned.programme.currency)  # type: ignore[arg-type]  # columns of money
        values[name] = rules.pro_rata(whole, paid, today).amount
    reference = {"order_ref": order_ref or f"change:{new_id()}", "kind": OrderKind.CHANGE.value, "term": service.term}
    order = orders.buy(ctx, session, owned.programme, owned.reseller, {**values, **order_base(service), **reference})
    if order is None:
        raise Conflict("order_ref_taken", "Another order has that order_ref.")
    orders.emit(ctx, session, "order.placed", order, owned.reseller.id)
    return order
