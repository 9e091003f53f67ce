"""What a person or key asks of a service that costs nothing: suspend, resume, terminate."""

from uuid import UUID

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.kernel.errors import Forbidden
from kontor.kernel.states import ServiceVerb, SuspensionCause
from kontor.provisioning import service
from kontor.provisioning.service import Request
from models.services import Service

BY_HAND = (SuspensionCause.OPERATOR, SuspensionCause.RESELLER)


def ask(
    ctx: Context,
    session: Session,
    service_id: UUID,
    request: Request,
    by: SuspensionCause,
) -> Service:
    """Ask for a verb. `by`: whose suspension it is, the operator's or the reseller's.

    What the provider suspended only the provider resumes. Raises NotFound, Forbidden, Conflict(`illegal_transition`).
    """
    row = service.locked(session, service_id)
    cause = None
    if request.verb is ServiceVerb.SUSPEND:
        cause = by.value
    if request.verb is ServiceVerb.RESUME:
        if by is SuspensionCause.RESELLER and SuspensionCause.OPERATOR in row.causes:
            raise Forbidden(message="The provider suspended this service; only the provider resumes it.")
        cause = next((each for each in row.causes if each in BY_HAND), by.value)
    service.ask(ctx, session, row, Request(request.verb, request.actor, request.reason, cause))
    return row
