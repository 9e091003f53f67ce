"""What follows when something asked of a service is over: its state, its order's money, events and mails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, assert_never
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.context import Context
from kontor.kernel.states import ActionState, OrderState, ServiceState, ServiceVerb, SuspensionCause
from kontor.kernel.zones import local_day
from kontor.orders import service as orders
from kontor.programme.model import Programme
from kontor.provisioning import notifications, queries, rules
from kontor.provisioning.kept import masked_result
from kontor.provisioning.rules import PaidTerm
from models.orders import OrderRow
from models.services import Service, ServiceAction, ServiceEvent

SYSTEM: Final = "system"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What is asked of a service because something else has ended."""

    verb: ServiceVerb
    cause: str | None = None
    ends: bool = False


def succeed(
    ctx: Context, session: Session, service: Service, action: ServiceAction, result: JsonValue
) -> Sequence[Consequence]:
    """Record success: what the action set, and its arrow. Return what is to be asked next."""
    action.state, action.ended_at = ActionState.SUCCEEDED.value, ctx.now
    if action.order_id is not None:
        orders.complete(orders.get(session, action.order_id, lock=True))
    match ServiceVerb(action.verb):
        case ServiceVerb.CREATE if action.ends:
            return [Consequence(ServiceVerb.TERMINATE, ends=True)]
        case ServiceVerb.CREATE:
            _created(ctx, session, service, action, result)
        case ServiceVerb.RENEW:
            return _renewed(ctx, session, service, action)
        case ServiceVerb.SUSPEND | ServiceVerb.RESUME:
            _suspended_or_resumed(ctx, session, service, action)
        case ServiceVerb.CHANGE:
            _take_values(service, action.values or {})
            notifications.emit(ctx, session, "service.changed", service)
        case ServiceVerb.TERMINATE:
            move(ctx, session, service, ServiceState.ENDED, action)
        case verb:
            assert_never(verb)
    return []


def _created(ctx: Context, session: Session, service: Service, action: ServiceAction, result: JsonValue) -> None:
    programme = ctx.programme(session, service.programme)
    product = programme.products.get(service.product)
    if product is not None:
        service.result = masked_result(product.provisioning, result)
    service.since = service.since or ctx.now
    move(ctx, session, service, ServiceState.ACTIVE, action)
    if action.job_id is not None:
        notifications.mail_active(ctx, session, service)


def _renewed(ctx: Context, session: Session, service: Service, action: ServiceAction) -> Sequence[Consequence]:
    _take_values(service, action.values or {})
    service.unpaid_since, service.next_quantity = None, None
    notifications.emit(ctx, session, "service.renewed", service)
    if SuspensionCause.UNPAID in service.causes:
        return [Consequence(ServiceVerb.RESUME, SuspensionCause.UNPAID.value)]
    return []


def _suspended_or_resumed(ctx: Context, session: Session, service: Service, action: ServiceAction) -> None:
    verb = ServiceVerb(action.verb)
    service.causes = rules.causes_after(verb, service.causes, action.cause)
    if verb is ServiceVerb.SUSPEND and service.state != ServiceState.SUSPENDED:
        move(ctx, session, service, ServiceState.SUSPENDED, action)
        notifications.mail_suspended(ctx, session, service, action)
    if verb is ServiceVerb.RESUME and not service.causes:
        move(ctx, session, service, ServiceState.ACTIVE, action)


def _take_values(service: Service, values: Mapping[str, JsonValue]) -> None:
    """Set what a renewal or a change brings."""
    for name in ("paid_from", "paid_until", "anchor"):
        if name in values:
            setattr(service, name, date.fromisoformat(str(values[name])))
    quantity, config = values.get("quantity"), values.get("config")
    if isinstance(quantity, int):
        service.quantity, service.next_quantity = quantity, None
    if isinstance(config, dict):
        service.config = config


def renewed_term(ctx: Context, programme: Programme, service: Service) -> dict[str, JsonValue]:
    """Return what a renewal that begins now sets when it has succeeded."""
    paid = paid_term(service)
    assert paid is not None, "a service without a term is not renewed"
    assert service.term is not None
    unpaid = SuspensionCause.UNPAID in service.causes
    term = rules.next_term(paid, service.term, local_day(ctx.now, programme.zone), unpaid=unpaid)
    days = {"paid_from": term.start, "paid_until": term.until, "anchor": term.anchor}
    return {
        **{name: day.isoformat() for name, day in days.items()},
        "quantity": service.next_quantity or service.quantity,
    }


def paid_term(service: Service) -> PaidTerm | None:
    """Return the last paid term of a service; None without a term."""
    if service.paid_from is None or service.paid_until is None or service.anchor is None:
        return None
    return PaidTerm(service.paid_from, service.paid_until, service.anchor)


def fail(ctx: Context, session: Session, service: Service, action: ServiceAction, error: str) -> None:
    """Record that an action failed for good: its order is paid back; only a failed `create` changes the state."""
    action.state, action.ended_at, action.error = ActionState.FAILED.value, ctx.now, error[:500]
    _pay_back(ctx, session, service, action, OrderState.FAILED, error)
    if action.verb == ServiceVerb.CREATE:
        move(ctx, session, service, ServiceState.FAILED, action)
    notifications.mail_failed(ctx, session, service, action)


def note_failed_end(ctx: Context, session: Session, service: Service, action: ServiceAction) -> None:
    """Tell the reseller that a service did not end; its dead job alerts the operators, and can run again."""
    notifications.mail_failed(ctx, session, service, action)


def cancel(ctx: Context, session: Session, service: Service, action: ServiceAction, reason: str) -> None:
    """Record that an action did not begin, since the state that it met forbids it; its order is paid back."""
    action.state, action.ended_at, action.error = ActionState.CANCELLED.value, ctx.now, reason[:500]
    _pay_back(ctx, session, service, action, OrderState.CANCELLED, reason)


def _pay_back(
    ctx: Context, session: Session, service: Service, action: ServiceAction, state: OrderState, reason: str
) -> None:
    if action.order_id is not None:
        order = orders.get(session, action.order_id, lock=True)
        pay_back_order(ctx, session, service, order, action.id, state, reason)


def pay_back_order(
    ctx: Context, session: Session, service: Service, order: OrderRow, action_id: UUID, state: OrderState, reason: str
) -> None:
    """Credit an order of a locked service to the reseller that has it now, and emit it."""
    owner = accounts.find(session, service.reseller_id)
    if owner is not None and orders.pay_back(ctx, session, order, owner, action_id, state, reason):
        orders.emit(ctx, session, f"order.{state}", order, owner.id)


def move(ctx: Context, session: Session, service: Service, to_state: ServiceState, action: ServiceAction) -> None:
    """Make a transition: its row, its domain event."""
    from_state = ServiceState(service.state)
    rules.require_arrow(from_state, to_state)
    service.state = to_state.value
    if to_state is ServiceState.ENDED:
        service.ended_at, service.unpaid_since, service.causes = ctx.now, None, []
    write_event(ctx, session, service, from_state, action.actor, action.reason or action.error, action.job_id)
    names = {ServiceState.ACTIVE: "resumed" if from_state is ServiceState.SUSPENDED else "active"}
    if to_state is not ServiceState.PENDING:
        notifications.emit(ctx, session, f"service.{names.get(to_state, to_state)}", service, action.error)


def write_event(
    ctx: Context,
    session: Session,
    service: Service,
    from_state: ServiceState | None,
    actor: str,
    reason: str | None,
    job_id: UUID | None,
) -> None:
    """Write the row of an arrow."""
    session.flush()
    event = ServiceEvent(
        service_id=service.id,
        number=queries.last_number(session, service.id) + 1,
        at=ctx.now,
        actor=actor,
        reason=reason,
        from_state=from_state,
        to_state=service.state,
        job_id=job_id,
    )
    session.add(event)
    session.flush()
