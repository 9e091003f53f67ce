"""Webhook endpoints and deliveries."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api import owners
from api.call import Ctx, RequestContext, RoutePolicy, require_visible_filter, require_visible_resource
from api.routes import Routes
from api.schema import PageOut, PageQuery, RequestModel, ResponseModel, UtcIn, UtcOut
from models.keys import Scope
from models.webhooks import DeliveryState
from services import webhooks

routes = Routes("webhooks")
READ = RoutePolicy(Scope.READ, "endpoint_id", owners.endpoint)
WRITE = RoutePolicy(Scope.ENQUEUE, "endpoint_id", owners.endpoint)


class WebhookEndpointIn(RequestModel):
    """A new endpoint; `*` subscribes to every event; a secret is generated if omitted."""

    url: str = Field(max_length=4_000)
    events: list[str] = Field(max_length=100)
    secret: str | None = Field(None, max_length=200)
    reseller_id: UUID | None = None


class WebhookEndpointOut(ResponseModel):
    """An endpoint; without a reseller it receives events of all accounts."""

    id: UUID
    reseller_id: UUID | None
    url: str
    events: list[str]
    disabled_at: UtcOut | None
    disabled_reason: str | None
    created_at: UtcOut


class WebhookEndpointSecretOut(WebhookEndpointOut):
    """An endpoint with its secret, which is returned only once."""

    secret: str


class WebhookDeliveryOut(ResponseModel):
    """Delivery of one event to one endpoint."""

    id: UUID
    endpoint_id: UUID
    webhook_id: str
    event_seq: int | None
    type: str
    state: DeliveryState
    tries: int
    last_status: int | None
    last_error: str | None
    job_id: UUID | None
    created_at: UtcOut
    delivered_at: UtcOut | None


class ReplayIn(RequestModel):
    """Start time from which all events are delivered again; omitted: only failed deliveries."""

    since: UtcIn | None = None


class ReplayOut(ResponseModel):
    """Number of deliveries started."""

    started: int


class WebhookEndpointQuery(PageQuery):
    """Filter for endpoints."""

    reseller: UUID | None = None


def check_url(ctx: RequestContext, body: WebhookEndpointIn) -> None:
    """Check by DNS that the endpoint may be called; runs outside any transaction."""
    ctx.deps.guard.check(body.url)


@routes.post(
    "/v1/webhook-endpoints",
    RoutePolicy(Scope.ENQUEUE, not_account=True),
    response=WebhookEndpointSecretOut,
    status=201,
    problems=[404],
    precheck=check_url,
)
def create_endpoint(ctx: Ctx, body: WebhookEndpointIn) -> WebhookEndpointSecretOut:
    """Create an endpoint. 422 `forbidden_address`, `unknown_event`, `invalid_secret`."""
    if body.reseller_id is not None:
        require_visible_resource(ctx, owners.account, body.reseller_id)
    created = webhooks.create(
        ctx.session,
        ctx.deps.sealer,
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
    require_visible_filter(ctx, owners.account, query.reseller)
    reseller_id = query.reseller or ctx.caller.reseller_id
    page = webhooks.listed(ctx.session, reseller_id=reseller_id, cursor=query.cursor, limit=query.limit)
    documents = [WebhookEndpointOut.model_validate(webhooks.document(row)) for row in page.items]
    return PageOut(items=documents, next=page.next)


@routes.get("/v1/webhook-endpoints/{endpoint_id}", READ, response=WebhookEndpointOut)
def get_endpoint(ctx: Ctx, endpoint_id: UUID) -> WebhookEndpointOut:
    """Return an endpoint."""
    return WebhookEndpointOut.model_validate(webhooks.document(webhooks.get(ctx.session, endpoint_id)))


@routes.delete("/v1/webhook-endpoints/{endpoint_id}", WRITE, response=WebhookEndpointOut)
def delete_endpoint(ctx: Ctx, endpoint_id: UUID) -> WebhookEndpointOut:
    """Delete an endpoint."""
    document = webhooks.document(webhooks.get(ctx.session, endpoint_id))
    webhooks.delete(ctx.session, endpoint_id, ctx.now)
    return WebhookEndpointOut.model_validate(document)


@routes.post("/v1/webhook-endpoints/{endpoint_id}/rotate", WRITE, response=WebhookEndpointSecretOut)
def rotate_secret(ctx: Ctx, endpoint_id: UUID) -> WebhookEndpointSecretOut:
    """Rotate the secret; the previous one also signs for 24 h."""
    return _with_secret(webhooks.rotate(ctx.session, ctx.deps.sealer, endpoint_id, ctx.now))


@routes.post("/v1/webhook-endpoints/{endpoint_id}/test", WRITE, response=WebhookDeliveryOut, status=202)
def test_endpoint(ctx: Ctx, endpoint_id: UUID) -> WebhookDeliveryOut:
    """Send a `webhook.test` event. 409 `endpoint_disabled`."""
    started = webhooks.send_test(ctx.session, ctx.jobs, endpoint_id)
    return WebhookDeliveryOut.model_validate(webhooks.delivery_document(started))


@routes.post("/v1/webhook-endpoints/{endpoint_id}/replay", WRITE, response=ReplayOut, status=202)
def replay_endpoint(ctx: Ctx, endpoint_id: UUID, body: ReplayIn = ReplayIn()) -> ReplayOut:  # noqa: B008 -- frozen
    """Deliver events again with their original ids; enables a disabled endpoint."""
    return ReplayOut(started=webhooks.replay(ctx.session, ctx.jobs, endpoint_id, since=body.since))


@routes.get("/v1/webhook-endpoints/{endpoint_id}/deliveries", READ, response=PageOut[WebhookDeliveryOut])
def list_deliveries(ctx: Ctx, endpoint_id: UUID, query: Annotated[PageQuery, Query()]) -> PageOut[WebhookDeliveryOut]:
    """List deliveries, newest first."""
    page = webhooks.deliveries(ctx.session, endpoint_id, cursor=query.cursor, limit=query.limit)
    documents = [WebhookDeliveryOut.model_validate(webhooks.delivery_document(row)) for row in page.items]
    return PageOut(items=documents, next=page.next)


def _with_secret(created: webhooks.NewSecret) -> WebhookEndpointSecretOut:
    return WebhookEndpointSecretOut(**webhooks.document(created.endpoint), secret=created.secret)
