"""What is asked of a service: one thing at a time, by a job of the task type that its product names for the verb.

A state changes when the job has succeeded. Locks are taken in one order: the reseller's row, its account book, the
service (kontor/accounts/locks.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.accounts import service as accounts
from kontor.context import Context
from kontor.engine.declared import JobSubject
from kontor.engine.endings import EndedJob
from kontor.engine.enqueue import Jobs
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.states import ActionState, JobState, ServiceState, ServiceVerb
from kontor.programme.model import Programme
from kontor.programme.provisioning import ProvisioningRules
from kontor.programme.service import Programmes
from kontor.provisioning import outcomes, queries, rules
from kontor.provisioning.kept import Config
from kontor.task_types import registry as task_types
from models.services import Service, ServiceAction

NO_RULES: Final = ProvisioningRules()


@dataclass(frozen=True, slots=True)
class Request:
    """Something asked of a service. `cause`: of a suspension or its end; `order_id`: what it costs.

    `values`: what it sets when it has succeeded; `config`: with its sensitive members, for the job alone. `ends`: an
    order was cancelled, whatever state is met.
    """

    verb: ServiceVerb
    actor: str
    reason: str | None = None
    cause: str | None = None
    order_id: UUID | None = None
    values: Mapping[str, JsonValue] = field(default_factory=dict)
    config: Config | None = field(default=None, repr=False)
    ends: bool = False


def get(session: Session, service_id: UUID) -> Service:
    """Return a service. Raises NotFound."""
    service = queries.by_id(session, service_id)
    if service is None:
        raise NotFound(message="There is no such service.")
    return service


def locked(session: Session, service_id: UUID) -> Service:
    """Lock and return a service, after a share lock on its reseller's row. Raises NotFound."""
    while True:
        owner = get(session, service_id).reseller_id
        accounts.find(session, owner, share=True)
        service = queries.by_id(session, service_id, lock=True)
        assert service is not None, "services are never deleted"
        if service.reseller_id == owner:
            return service


def rules_of(programme: Programme, service: Service) -> ProvisioningRules:
    """Return how a service's product is provisioned now; nothing for a product that the file has no longer."""
    product = programme.products.get(service.product)
    return NO_RULES if product is None else product.provisioning


def ask(ctx: Context, session: Session, service: Service, request: Request) -> ServiceAction:
    """Ask something of a locked service: it begins at once, or waits behind what is under way.

    Raises Conflict(`illegal_transition`) when nothing is under way and the state forbids it.
    """
    is_idle = queries.running(session, service.id) is None and not queries.waiting(session, service.id)
    if is_idle:
        refused = refusal_of(service, request.verb, request.cause, ends=request.ends)
        if refused is not None:
            raise Conflict("illegal_transition", refused, state=service.state)
    action = ServiceAction(
        id=new_id(),
        service_id=service.id,
        verb=request.verb.value,
        state=ActionState.WAITING.value,
        cause=request.cause,
        actor=request.actor,
        reason=request.reason,
        order_id=request.order_id,
        values=dict(request.values) or None,
        ends=request.ends,
        asked_at=ctx.now,
    )
    session.add(action)
    session.flush()
    go_on(ctx, session, service, request.config)
    return action


def refusal_of(service: Service, verb: ServiceVerb, cause: str | None, *, ends: bool = False) -> str | None:
    """Return why a service's present state forbids a verb."""
    return rules.refusal(verb, ServiceState(service.state), service.causes, cause, ends=ends)


def go_on(ctx: Context, session: Session, service: Service, config: Config | None = None) -> None:
    """Begin what waits, one after another, until a job is under way. `config`: of the one that was just asked."""
    while queries.running(session, service.id) is None:
        action = queries.next_waiting(session, service.id)
        if action is None:
            return
        _begin(ctx, session, service, action, config)
        session.flush()


def _begin(ctx: Context, session: Session, service: Service, action: ServiceAction, config: Config | None) -> None:
    """Begin an action: by its job, or at once without one; or cancel it where the state that it meets forbids it."""
    verb, state = ServiceVerb(action.verb), ServiceState(service.state)
    refused = refusal_of(service, verb, action.cause, ends=action.ends)
    if refused is not None:
        outcomes.cancel(ctx, session, service, action, refused)
        return
    programme = ctx.programme(session, service.programme)
    action.state, action.begun_at = ActionState.RUNNING.value, ctx.now
    if verb is ServiceVerb.RENEW:
        action.values = {**(action.values or {}), **outcomes.renewed_term(ctx, programme, service)}
    task = rules_of(programme, service).tasks.get(verb)
    after = rules.causes_after(verb, service.causes, action.cause)
    if task is None or not rules.needs_job(verb, state, after):
        succeed(ctx, session, service, action, None)
        return
    try:
        action.job_id = _enqueue(ctx, session, service, action, task, config)
    except Invalid as error:
        if verb is ServiceVerb.CREATE:
            raise
        outcomes.fail(ctx, session, service, action, error.message)


def _enqueue(
    ctx: Context, session: Session, service: Service, action: ServiceAction, task: str, config: Config | None
) -> UUID:
    """Enqueue the job of an action. Raises Invalid for a task type that is not there, or args that it refuses."""
    task_types.refresh_task(psycopg_connection(session), ctx.jobs.catalogue, task)
    values = action.values or {}
    args = {
        "service_id": str(service.id),
        "order_id": str(action.order_id or service.order_id),
        "product": service.product,
        "quantity": values.get("quantity", service.quantity),
        "config": dict(config) if config is not None else values.get("config", service.config or {}),
        "paid_until": values.get("paid_until", service.paid_until and service.paid_until.isoformat()),
        "external_id": service.external_id,
    }
    subject = JobSubject(service.account_id or service.reseller_id, service.reseller_id, service.external_id)
    created = ctx.jobs.enqueue(
        session, task, args, tenant=str(service.reseller_id), subject=subject, effect_key=f"service:{action.id}"
    )
    return created.id


def succeed(ctx: Context, session: Session, service: Service, action: ServiceAction, result: JsonValue) -> None:
    """Record that an action has succeeded; what follows from it is asked in its turn."""
    for consequence in outcomes.succeed(ctx, session, service, action, result):
        _follow(ctx, session, service, consequence)


def end_cancelled_order(
    ctx: Context, session: Session, service: Service, action: ServiceAction, *, acted: bool, job_id: UUID | None
) -> None:
    """End a service whose order was cancelled while it was made: at once, or after what may be there is removed.

    `job_id`: the job of the task type's own compensation, which does that.
    """
    action.state, action.ended_at = ActionState.CANCELLED.value, ctx.now
    session.flush()
    if not acted:
        outcomes.move(ctx, session, service, ServiceState.ENDED, action)
        return
    removal = _follow(ctx, session, service, outcomes.Consequence(ServiceVerb.TERMINATE, action.cause, ends=True))
    if job_id is not None:
        removal.state, removal.begun_at, removal.job_id = ActionState.RUNNING.value, ctx.now, job_id
        session.flush()


def _follow(ctx: Context, session: Session, service: Service, consequence: outcomes.Consequence) -> ServiceAction:
    action = ServiceAction(
        id=new_id(),
        service_id=service.id,
        verb=consequence.verb.value,
        state=ActionState.WAITING.value,
        cause=consequence.cause,
        actor=outcomes.SYSTEM,
        ends=consequence.ends,
        asked_at=ctx.now,
    )
    session.add(action)
    session.flush()
    return action


@dataclass(frozen=True, slots=True)
class ServiceEndings:
    """Is subscribed where a process that ends jobs starts."""

    programmes: Programmes = field(default_factory=Programmes)

    def __call__(self, session: Session, jobs: Jobs, ended: EndedJob) -> None:
        """Record what the end of a job means for its service; a job of no service means nothing."""
        action = queries.by_job(session, ended.id)
        if action is None:
            return
        service = locked(session, action.service_id)
        running = queries.running(session, service.id)
        if running is not None and running.job_id == ended.id:
            record(Context(jobs, self.programmes), session, service, running, ended)
        session.flush()

    def refuse_retry(self, session: Session, job_id: UUID) -> str | None:
        """Return why a job of a service must not run again: its order was credited, or it is another's turn."""
        action = queries.by_job(session, job_id)
        if action is None or action.state == ActionState.RUNNING:
            return None
        return (
            f"The service no longer waits for this job. Use POST /v1/services/{action.service_id}/retry, or ask again."
        )


def record(ctx: Context, session: Session, service: Service, action: ServiceAction, ended: EndedJob) -> None:
    """Record the end of the job of what is under way for a locked service, then begin what waits."""
    if ended.state is JobState.SUCCEEDED:
        succeed(ctx, session, service, action, ended.result)
    elif action.ends and action.verb == ServiceVerb.CREATE:
        acted, job_id = ended.may_have_acted, ended.compensation
        end_cancelled_order(ctx, session, service, action, acted=acted, job_id=job_id)
    elif ended.state is JobState.DEAD and action.verb == ServiceVerb.TERMINATE:
        action.error = (ended.error or "")[:500]
        outcomes.note_failed_end(ctx, session, service, action)
    else:
        outcomes.fail(ctx, session, service, action, ended.error or str(ended.state))
    session.flush()
    go_on(ctx, session, service)
