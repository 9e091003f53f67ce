"""Routes of webhook endpoints and the event feed."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from kontor.http import ownership
from kontor.http.context import Ctx, RequestContext, RoutePolicy, require_visible_filter, require_visible_resource
from kontor.http.routing import Routes
from kontor.http.wire import PageOut
from kontor.webhooks import events, service
from kontor.webhooks.schemas import (
    DeliveryQuery,
    EventOut,
    EventQuery,
    ReplayIn,
    ReplayOut,
    WebhookDeliveryOut,
    WebhookEndpointIn,
    WebhookEndpointOut,
    WebhookEndpointPatch,
    WebhookEndpointQuery,
    WebhookEndpointSecretOut,
)
from models.keys import Scope
from models.webhooks import DomainEvent

routes = Routes("webhooks")
READ = RoutePolicy(Scope.READ, "endpoint_id", ownership.endpoint)
WRITE = RoutePolicy(Scope.ENQUEUE, "endpoint_id", ownership.endpoint)


async def check_url(ctx: RequestContext, body: WebhookEndpointIn | WebhookEndpointPatch, **_: object) -> None:
    """Check by DNS that the endpoint may be called."""
    if body.url is not None:
        await ctx.deps.guard.check(body.url, ctx.caller.counted_as)


@routes.post(
    "/v1/webhook-endpoints",
    RoutePolicy(Scope.ENQUEUE, not_account=True),
    response=WebhookEndpointSecretOut,
    status=201,
    problems=[404, 409],
    precheck=check_url,
)
def create_endpoint(ctx: Ctx, body: WebhookEndpointIn) -> WebhookEndpointSecretOut:
    """Create an endpoint. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`, `invalid_secret`."""
    if body.reseller_id is not None:
        require_visible_resource(ctx, ownership.reseller, body.reseller_id)
    created = service.create(
        ctx.session,
        ctx.deps.secret_box,
        reseller_id=ctx.caller.reseller_id or body.reseller_id,
        url=body.url,
        events=body.events,
        secret=body.secret,
        now=ctx.now,
    )
    return _with_secret(created)


@routes.get(
    "/v1/webhook-endpoints",
    RoutePolicy(Scope.READ, not_account=True),
    response=PageOut[WebhookEndpointOut],
    problems=[404],
)
def list_endpoints(ctx: Ctx, query: Annotated[WebhookEndpointQuery, Query()]) -> PageOut[WebhookEndpointOut]:
    """List endpoints, newest first."""
    require_visible_filter(ctx, ownership.reseller, query.reseller)
    reseller_id = query.reseller or ctx.caller.reseller_id
    page = service.list_endpoints(ctx.session, reseller_id=reseller_id, cursor=query.cursor, limit=query.limit)
    documents = [WebhookEndpointOut.model_validate(row) for row in page.items]
    return PageOut(items=documents, next=page.next)


@routes.get("/v1/webhook-endpoints/{endpoint_id}", READ, response=WebhookEndpointOut)
def get_endpoint(ctx: Ctx, endpoint_id: UUID) -> WebhookEndpointOut:
    """Return an endpoint."""
    return WebhookEndpointOut.model_validate(service.get(ctx.session, endpoint_id))


@routes.patch(
    "/v1/webhook-endpoints/{endpoint_id}", WRITE, response=WebhookEndpointOut, problems=[409], precheck=check_url
)
def change_endpoint(ctx: Ctx, endpoint_id: UUID, body: WebhookEndpointPatch) -> WebhookEndpointOut:
    """Change URL or events. 409 `endpoint_exists`; 422 `forbidden_address`, `unknown_event`."""
    return WebhookEndpointOut.model_validate(service.change(ctx.session, endpoint_id, body.url, body.events))


@routes.delete("/v1/webhook-endpoints/{endpoint_id}", WRITE, response=WebhookEndpointOut)
def delete_endpoint(ctx: Ctx, endpoint_id: UUID) -> WebhookEndpointOut:
    """Delete an endpoint."""
    document = WebhookEndpointOut.model_validate(service.get(ctx.session, endpoint_id))
    service.delete(ctx.session, endpoint_id, ctx.now)
    return document


@routes.post("/v1/webhook-endpoints/{endpoint_id}/rotate", WRITE, response=WebhookEndpointSecretOut)
def rotate_secret(ctx: Ctx, endpoint_id: UUID) -> WebhookEndpointSecretOut:
    """Rotate the secret; the previous one also signs for 24 h."""
    return _with_secret(service.rotate_secret(ctx.session, ctx.deps.secret_box, endpoint_id, ctx.now))


@routes.post("/v1/webhook-endpoints/{endpoint_id}/test", WRITE, response=WebhookDeliveryOut, status=202)
def test_endpoint(ctx: Ctx, endpoint_id: UUID) -> WebhookDeliveryOut:
    """Send a `webhook.test` event. 409 `endpoint_disabled`."""
    started = service.send_test(ctx.session, ctx.jobs, endpoint_id)
    return WebhookDeliveryOut.model_validate(started)


@routes.post("/v1/webhook-endpoints/{endpoint_id}/replay", WRITE, response=ReplayOut, status=202)
def replay_endpoint(ctx: Ctx, endpoint_id: UUID, body: ReplayIn = ReplayIn()) -> ReplayOut:  # noqa: B008 -- frozen
    """Deliver events again with their original ids; enables a disabled endpoint."""
    return ReplayOut(started=service.replay(ctx.session, ctx.jobs, endpoint_id, since=body.since))


@routes.get("/v1/webhook-endpoints/{endpoint_id}/deliveries", READ, response=PageOut[WebhookDeliveryOut])
def list_deliveries(
    ctx: Ctx, endpoint_id: UUID, query: Annotated[DeliveryQuery, Query()]
) -> PageOut[WebhookDeliveryOut]:
    """List deliveries, newest first."""
    page = service.deliveries(
        ctx.session, endpoint_id, state=query.state, created=query.created, cursor=query.cursor, limit=query.limit
    )
    documents = [WebhookDeliveryOut.model_validate(row) for row in page.items]
    return PageOut(items=documents, next=page.next)


def _with_secret(created: service.EndpointSecret) -> WebhookEndpointSecretOut:
    endpoint = WebhookEndpointOut.model_validate(created.endpoint)
    return WebhookEndpointSecretOut(**dict(endpoint), secret=created.secret)


event_routes = Routes("events")


@event_routes.get("/v1/events", RoutePolicy(Scope.READ), response=PageOut[EventOut])
def list_events(ctx: Ctx, query: Annotated[EventQuery, Query()]) -> PageOut[EventOut]:
    """List events, oldest first; continuing from the last one skips none."""
    start = int(query.cursor) if query.cursor is not None else query.after or 0
    rows = events.read_feed(
        ctx.session,
        start,
        query.limit,
        reseller_id=ctx.caller.reseller_id,
        account_id=ctx.caller.account_id,
    )
    items = [_event_out(ctx, event) for event in rows]
    return PageOut(items=items, next=str(items[-1].seq) if len(items) == query.limit else None)


def _event_out(ctx: RequestContext, event: DomainEvent) -> EventOut:
    """Build the response for an event, its data cut for the caller."""
    data = events.data_for(ctx.session, event, ctx.caller.viewer, ctx.caller.reseller_id)
    return EventOut.model_validate(event).model_copy(update={"data": data})
