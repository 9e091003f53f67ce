"""What people ask of a service by hand: by the API and by the console, in one way."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.kernel.errors import Forbidden
from kontor.kernel.states import ServiceVerb, SuspensionCause
from kontor.provisioning import ordering, renewals, service
from kontor.provisioning.service import Request
from models.services import Service

BY_HAND = frozenset({SuspensionCause.OPERATOR, SuspensionCause.RESELLER})


def ask_by_hand(
    ctx: Context,
    session: Session,
    service_id: UUID,
    verb: ServiceVerb,
    actor: str,
    reason: str | None,
    by: SuspensionCause = SuspensionCause.OPERATOR,
) -> Service:
    """Ask a service to renew, suspend, resume or terminate; `create` tries a failed one again, charged again.

    What the provider suspended only the provider resumes. Raises NotFound, Forbidden,
    Conflict(`illegal_transition`, and as `renewals.renew` and `ordering.retry` do).
    """
    if verb is ServiceVerb.RENEW:
        return renewals.renew(ctx, session, service_id, Request(verb, actor, reason))
    if verb is ServiceVerb.CREATE:
        return ordering.retry(ctx, session, service_id, Request(verb, actor, reason))
    row = service.locked(session, service_id)
    service.ask(ctx, session, row, Request(verb, actor, reason, _cause(row, verb, by)))
    return row


def _cause(row: Service, verb: ServiceVerb, by: SuspensionCause) -> str | None:
    """Return the cause that a suspension adds, or a resumption lifts: the first that somebody set by hand.

    Raises Forbidden when a reseller resumes what the provider suspended.
    """
    if verb is ServiceVerb.SUSPEND:
        return by.value
    if verb is ServiceVerb.RESUME:
        if by is SuspensionCause.RESELLER and SuspensionCause.OPERATOR in row.causes:
            raise Forbidden(message="The provider suspended this service; only the provider resumes it.")
        return next((each for each in row.causes if each in BY_HAND), by.value)
    return None
