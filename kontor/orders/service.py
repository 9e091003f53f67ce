"""Orders: priced from the payments at that moment, and never again; paid back when what they bought fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.account_book import service as account_book
from kontor.accounts import service as accounts
from kontor.context import Context
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.money import Money
from kontor.kernel.paging import Page
from kontor.kernel.states import OrderEntryKind, OrderState
from kontor.orders import queries
from kontor.orders.queries import OrderFilter
from kontor.programme.model import Programme
from kontor.webhooks import events
from models.accounts import Account
from models.orders import OrderEntry, OrderRow


def money_of(order: OrderRow) -> Money:
    """Return what an order costs."""
    return Money(order.net, order.currency)


def buy(
    ctx: Context, session: Session, programme: Programme, reseller: Account, values: Mapping[str, object]
) -> OrderRow | None:
    """Write an order, and by its trigger its line in the account book; None: its reference was used meanwhile.

    The caller holds a share lock on the reseller's row, and the book where orders are limited. Raises
    Conflict(`insufficient_balance`).
    """
    draft = OrderRow(**values)
    account_book.require_cover(session, reseller.id, programme, money_of(draft))
    order = queries.add(session, {"id": new_id(), "created_at": ctx.now, **values})
    if order is not None:
        account_book.check_balances(ctx, session, programme, [reseller.id])
    return order


def lock_book(session: Session, programme: Programme, reseller_id: UUID) -> None:
    """Let no other order spend from the book, where orders are limited; before the service's row is locked."""
    if programme.billing.credit is not None:
        account_book.lock(session, reseller_id)


def missing(session: Session, programme: Programme, reseller_id: UUID, price: Money) -> Money | None:
    """Return what the balance is short of, None if it covers the price."""
    short = account_book.missing(session, reseller_id, programme, price)
    return short if short.amount else None


def complete(order: OrderRow) -> None:
    """Note that what the order bought is there."""
    if order.state == OrderState.PENDING:
        order.state = OrderState.COMPLETED.value


def pay_back(
    ctx: Context, session: Session, order: OrderRow, owner: Account, action_id: UUID, state: OrderState, reason: str
) -> bool:
    """Credit an order that failed or was cancelled, once for each try; whether it was not credited before.

    `owner`: the reseller whose book gets the line, under a share lock; after a merge another one than the order's.
    """
    if order.state not in (OrderState.PENDING, OrderState.COMPLETED):
        return False
    order.state, order.error = state.value, reason[:500]
    _add_entry(ctx, session, order, owner, action_id, OrderEntryKind.CREDIT, reason)
    return True


def charge_again(
    ctx: Context, session: Session, order: OrderRow, owner: Account, programme: Programme, action_id: UUID
) -> None:
    """Charge a failed order again at its own net. Raises Conflict(`insufficient_balance`) with `missing`."""
    account_book.require_cover(session, owner.id, programme, money_of(order))
    order.state, order.error = OrderState.PENDING.value, None
    _add_entry(ctx, session, order, owner, action_id, OrderEntryKind.ORDER, "tried again")
    account_book.check_balances(ctx, session, programme, [owner.id])


def _add_entry(
    ctx: Context,
    session: Session,
    order: OrderRow,
    owner: Account,
    action_id: UUID,
    kind: OrderEntryKind,
    reason: str,
) -> None:
    entry = OrderEntry(
        id=new_id(),
        order_id=order.id,
        reseller_id=owner.id,
        kind=kind.value,
        amount=order.net,
        currency=order.currency,
        action_id=action_id,
        reason=reason[:500],
        created_at=ctx.now,
    )
    session.add(entry)
    session.flush()
    if kind is OrderEntryKind.CREDIT:
        programme = ctx.programme(session, order.programme)
        account_book.check_balances(ctx, session, programme, [owner.id], falling=False)


def emit(ctx: Context, session: Session, event: str, order: OrderRow, owner_id: UUID) -> None:
    """Emit `order.placed`, `order.cancelled` or `order.failed`, which no client gets."""
    reseller = accounts.find(session, owner_id)
    if reseller is None:
        return
    data = {
        "order_id": str(order.id),
        "order_ref": order.order_ref,
        "kind": order.kind,
        "state": order.state,
        "product": order.product,
        "quantity": order.quantity,
        "net": money_of(order).to_document(),
        "account_id": None if order.account_id is None else str(order.account_id),
        "service_id": None if order.service_id is None else str(order.service_id),
        "external_id": order.external_id,
        **({} if order.error is None else {"error": order.error}),
    }
    events.emit(session, ctx.jobs, event, reseller, data, at=ctx.now, reseller_id=owner_id)


def get(session: Session, order_id: UUID, *, lock: bool = False) -> OrderRow:
    """Return an order. Raises NotFound."""
    order = queries.by_id(session, order_id, lock=lock)
    if order is None:
        raise NotFound(message="There is no such order.")
    return order


def by_reference(session: Session, reseller_id: UUID, order_ref: str) -> OrderRow | None:
    """Return a reseller's order with that reference."""
    return queries.by_reference(session, reseller_id, order_ref)


def of_service(session: Session, service_id: UUID) -> Sequence[OrderRow]:
    """Return the orders of a service, newest first."""
    return queries.of_service(session, service_id)


def require_free_external_id(session: Session, reseller_id: UUID, external_id: str | None) -> None:
    """Raise Conflict(`external_id_taken`) if another order of the reseller has the id."""
    if external_id is not None and queries.has_external_id(session, reseller_id, external_id):
        raise Conflict("external_id_taken", "Another order has that external_id.")


def page(
    session: Session,
    reseller_id: UUID | None,
    filters: OrderFilter,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[OrderRow]:
    """Return a reseller's orders, or (None) those of all, newest first. Raises Invalid on an invalid cursor."""
    return queries.page(session, reseller_id, filters, cursor, limit)
