"""Services: read, renewed, suspended, resumed, ended, changed, tried again."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Query

from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy, require_visible_filter
from kontor.http.routing import Routes
from kontor.http.wire import PageOut
from kontor.kernel.states import ServiceVerb, SuspensionCause
from kontor.provisioning import changes, queries, renewals, service, verbs
from kontor.provisioning.kept import notes_of, side_of
from kontor.provisioning.queries import ServiceFilter
from kontor.provisioning.schemas import (
    RenewIn,
    ServiceJobOut,
    ServiceOut,
    ServiceQuery,
    ServiceUpdate,
    ServiceVerbIn,
    ServiceWithJobsOut,
)
from kontor.provisioning.service import Request
from models.keys import Scope
from models.services import Service, ServiceEvent

routes = Routes("services")
READ = RoutePolicy(Scope.READ, "service_id", ownership.service)
WRITE = RoutePolicy(Scope.ENQUEUE, "service_id", ownership.service, not_account=True)


def _shown(ctx: RequestContext, row: Service) -> ServiceWithJobsOut:
    """Build the response for a service with its events and jobs."""
    running = queries.running(ctx.session, row.id)
    fields = ServiceOut.fields_of(row, running, queries.events_of(ctx.session, [row.id]), side_of(ctx))
    jobs = [ServiceJobOut.of_row(each) for each in queries.actions_of(ctx.session, row.id)]
    return ServiceWithJobsOut(**fields, jobs=jobs)  # type: ignore[arg-type]  # its own fields by name


def _listed(ctx: RequestContext, rows: Sequence[Service]) -> list[ServiceOut]:
    """Build the responses for a page of services."""
    ids, events = [row.id for row in rows], defaultdict[UUID, list[ServiceEvent]](list)
    for event in queries.events_of(ctx.session, ids):
        events[event.service_id].append(event)
    running = {action.service_id: action for action in queries.running_of(ctx.session, ids)}
    return [
        ServiceOut(**ServiceOut.fields_of(row, running.get(row.id), events[row.id], side_of(ctx)))  # type: ignore[arg-type]  # its own fields by name
        for row in rows
    ]


@routes.get("/v1/services", RoutePolicy(Scope.READ), response=PageOut[ServiceOut], problems=[404])
def list_services(ctx: Ctx, query: Annotated[ServiceQuery, Query()]) -> PageOut[ServiceOut]:
    """List services, newest first."""
    require_visible_filter(ctx, ownership.reseller, query.reseller)
    require_visible_filter(ctx, ownership.account, query.account)
    filters = ServiceFilter(
        ctx.caller.reseller_id or query.reseller,
        ctx.caller.account_id or query.account,
        query.state,
        query.product,
        query.external_id,
        query.created,
    )
    page = queries.page(ctx.session, filters, query.cursor, query.limit)
    return PageOut(items=_listed(ctx, page.items), next=page.next)


@routes.get("/v1/services/{service_id}", READ, response=ServiceWithJobsOut)
def get_service(ctx: Ctx, service_id: UUID) -> ServiceWithJobsOut:
    """Return a service with its events, oldest first, and its jobs."""
    return _shown(ctx, service.get(ctx.session, service_id))


@routes.patch("/v1/services/{service_id}", WRITE, response=ServiceWithJobsOut)
def change_service(ctx: Ctx, service_id: UUID, body: ServiceUpdate) -> ServiceWithJobsOut:
    """Change quantity or config by a job. 409 `illegal_transition`, `action_under_way`, `insufficient_balance`."""
    wish = changes.ServiceChange(body.quantity, body.config, body.external_id, notes_of(ctx, body.metadata))
    request = Request(ServiceVerb.CHANGE, ctx.caller.actor, body.reason)
    return _shown(ctx, changes.change(ctx.context, ctx.session, service_id, wish, request))


@routes.post("/v1/services/{service_id}/renew", WRITE, response=ServiceWithJobsOut)
def renew_service(ctx: Ctx, service_id: UUID, body: RenewIn | None = None) -> ServiceWithJobsOut:
    """Renew for another term, by an order at the price and discount of now; a known `order_ref` changes nothing.

    409 `illegal_transition`, `not_renewable`, `insufficient_balance` with `missing`, `account_suspended`.
    """
    body = body or RenewIn()
    request = Request(ServiceVerb.RENEW, ctx.caller.actor, body.reason)
    return _shown(ctx, renewals.renew(ctx.context, ctx.session, service_id, request, body.order_ref))


@routes.post("/v1/services/{service_id}/suspend", WRITE, response=ServiceWithJobsOut)
def suspend_service(ctx: Ctx, service_id: UUID, body: ServiceVerbIn | None = None) -> ServiceWithJobsOut:
    """Suspend. 409 `illegal_transition`."""
    return _asked(ctx, service_id, ServiceVerb.SUSPEND, body)


@routes.post("/v1/services/{service_id}/resume", WRITE, response=ServiceWithJobsOut)
def resume_service(ctx: Ctx, service_id: UUID, body: ServiceVerbIn | None = None) -> ServiceWithJobsOut:
    """Resume what was suspended by hand; what the provider suspended, only the provider. 409 `illegal_transition`."""
    return _asked(ctx, service_id, ServiceVerb.RESUME, body)


@routes.post("/v1/services/{service_id}/terminate", WRITE, response=ServiceWithJobsOut)
def terminate_service(ctx: Ctx, service_id: UUID, body: ServiceVerbIn | None = None) -> ServiceWithJobsOut:
    """End a service now; nothing is paid back. 409 `illegal_transition`."""
    return _asked(ctx, service_id, ServiceVerb.TERMINATE, body)


@routes.post("/v1/services/{service_id}/retry", WRITE, response=ServiceWithJobsOut)
def retry_service(ctx: Ctx, service_id: UUID, body: ServiceVerbIn | None = None) -> ServiceWithJobsOut:
    """Try to make a failed service again, charged again. 409 `illegal_transition`, `insufficient_balance`."""
    return _asked(ctx, service_id, ServiceVerb.CREATE, body)


def _asked(ctx: RequestContext, service_id: UUID, verb: ServiceVerb, body: ServiceVerbIn | None) -> ServiceWithJobsOut:
    """Ask for a verb as the caller."""
    by = SuspensionCause.OPERATOR if ctx.caller.reseller_id is None else SuspensionCause.RESELLER
    reason = None if body is None else body.reason
    row = verbs.ask_by_hand(ctx.context, ctx.session, service_id, verb, ctx.caller.actor, reason, by)
    return _shown(ctx, row)
