"""Webhook endpoints and deliveries."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field

from api import owners
from api.call import Access, Call, Here, visible_filter, visible_thing
from api.routes import Routes
from api.schema import Incoming, Instant, Moment, Outgoing, Page, Paging
from models.keys import Scope
from models.webhooks import DeliveryState
from services import webhooks

routes = Routes("webhooks")
READ = Access(Scope.READ, "endpoint_id", owners.endpoint)
WRITE = Access(Scope.ENQUEUE, "endpoint_id", owners.endpoint)


class NewEndpoint(Incoming):
    """A new endpoint; `*` subscribes to every event; a secret is generated if omitted."""

    url: str = Field(max_length=4_000)
    events: list[str] = Field(max_length=100)
    secret: str | None = Field(None, max_length=200)
    reseller_id: UUID | None = None


class EndpointDoc(Outgoing):
    """An endpoint; without a reseller it receives events of all accounts."""

    id: UUID
    reseller_id: UUID | None
    url: str
    events: list[str]
    disabled_at: Moment | None
    disabled_reason: str | None
    created_at: Moment


class SecretEndpointDoc(EndpointDoc):
    """An endpoint with its secret, which is returned only once."""

    secret: str


class DeliveryDoc(Outgoing):
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
    created_at: Moment
    delivered_at: Moment | None


class Replay(Incoming):
    """Start time from which all events are delivered again; omitted: only failed deliveries."""

    since: Instant | None = None


class ReplayedDoc(Outgoing):
    """Number of deliveries started."""

    started: int


class EndpointFilter(Paging):
    """Filter for endpoints."""

    reseller: UUID | None = None


def check_url(call: Call, body: NewEndpoint) -> None:
    """Check by DNS that the endpoint may be called; runs outside any transaction."""
    call.deps.guard.check(body.url)


@routes.post(
    "/v1/webhook-endpoints",
    Access(Scope.ENQUEUE, not_account=True),
    answer=SecretEndpointDoc,
    status=201,
    problems=[404],
    outside=check_url,
)
def create_endpoint(call: Here, body: NewEndpoint) -> SecretEndpointDoc:
    """Create an endpoint. 422 `forbidden_address`, `unknown_event`, `invalid_secret`."""
    if body.reseller_id is not None:
        visible_thing(call, owners.account, body.reseller_id)
    made = webhooks.create(
        call.session,
        call.deps.sealer,
        reseller_id=call.caller.reseller_id or body.reseller_id,
        url=body.url,
        events=body.events,
        secret=body.secret,
        now=call.now,
    )
    return _with_secret(made)


@routes.get("/v1/webhook-endpoints", Access(Scope.READ, not_account=True), answer=Page[EndpointDoc], problems=[404])
def list_endpoints(call: Here, query: Annotated[EndpointFilter, Query()]) -> Page[EndpointDoc]:
    """List endpoints, newest first."""
    visible_filter(call, owners.account, query.reseller)
    reseller_id = query.reseller or call.caller.reseller_id
    page = webhooks.listed(call.session, reseller_id=reseller_id, cursor=query.cursor, limit=query.limit)
    documents = [EndpointDoc.model_validate(webhooks.document(one)) for one in page.items]
    return Page(items=documents, next=page.next)


@routes.get("/v1/webhook-endpoints/{endpoint_id}", READ, answer=EndpointDoc)
def get_endpoint(call: Here, endpoint_id: UUID) -> EndpointDoc:
    """One endpoint."""
    return EndpointDoc.model_validate(webhooks.document(webhooks.get(call.session, endpoint_id)))


@routes.delete("/v1/webhook-endpoints/{endpoint_id}", WRITE, answer=EndpointDoc)
def delete_endpoint(call: Here, endpoint_id: UUID) -> EndpointDoc:
    """Tell it nothing any more."""
    document = webhooks.document(webhooks.get(call.session, endpoint_id))
    webhooks.delete(call.session, endpoint_id, call.now)
    return EndpointDoc.model_validate(document)


@routes.post("/v1/webhook-endpoints/{endpoint_id}/rotate", WRITE, answer=SecretEndpointDoc)
def rotate_secret(call: Here, endpoint_id: UUID) -> SecretEndpointDoc:
    """A new secret; the one before signs beside it for 24 h."""
    return _with_secret(webhooks.rotate(call.session, call.deps.sealer, endpoint_id, call.now))


@routes.post("/v1/webhook-endpoints/{endpoint_id}/test", WRITE, answer=DeliveryDoc, status=202)
def test_endpoint(call: Here, endpoint_id: UUID) -> DeliveryDoc:
    """Deliver a `webhook.test`. 409 `endpoint_disabled`."""
    started = webhooks.send_test(call.session, call.jobs, endpoint_id)
    return DeliveryDoc.model_validate(webhooks.delivery_document(started))


@routes.post("/v1/webhook-endpoints/{endpoint_id}/replay", WRITE, answer=ReplayedDoc, status=202)
def replay_endpoint(call: Here, endpoint_id: UUID, body: Replay = Replay()) -> ReplayedDoc:  # noqa: B008 -- frozen
    """Deliver again, with the ids it had; enables a disabled endpoint."""
    return ReplayedDoc(started=webhooks.replay(call.session, call.jobs, endpoint_id, since=body.since))


@routes.get("/v1/webhook-endpoints/{endpoint_id}/deliveries", READ, answer=Page[DeliveryDoc])
def list_deliveries(call: Here, endpoint_id: UUID, query: Annotated[Paging, Query()]) -> Page[DeliveryDoc]:
    """Deliveries, newest first."""
    page = webhooks.deliveries(call.session, endpoint_id, cursor=query.cursor, limit=query.limit)
    documents = [DeliveryDoc.model_validate(webhooks.delivery_document(one)) for one in page.items]
    return Page(items=documents, next=page.next)


def _with_secret(made: webhooks.NewSecret) -> SecretEndpointDoc:
    return SecretEndpointDoc(**webhooks.document(made.endpoint), secret=made.secret)
