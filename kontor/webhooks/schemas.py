"""Request and response models of webhook endpoints and the event feed."""

from typing import Final
from uuid import UUID

from pydantic import Field

from kontor.http.visibility import ErrorOut
from kontor.http.wire import (
    PAGE,
    PAGE_LIMIT,
    CreatedQuery,
    Json,
    PageQuery,
    QueryModel,
    RequestModel,
    ResponseModel,
    UtcIn,
    UtcOut,
)
from models.webhooks import DeliveryState

MAX_SEQ: Final = 2**63 - 1


class WebhookEndpointIn(RequestModel):
    """A new endpoint; `*` subscribes to every event; a secret is generated if omitted."""

    url: str = Field(max_length=4_000)
    events: list[str] = Field(max_length=100)
    secret: str | None = Field(None, max_length=200)
    reseller_id: UUID | None = None


class WebhookEndpointPatch(RequestModel):
    """Fields to change; omitted fields stay unchanged."""

    url: str | None = Field(None, max_length=4_000)
    events: list[str] | None = Field(None, max_length=100)


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
    last_error: ErrorOut
    job_id: UUID | None
    created_at: UtcOut
    delivered_at: UtcOut | None


class DeliveryQuery(CreatedQuery):
    """Filter for deliveries."""

    state: DeliveryState | None = None


class ReplayIn(RequestModel):
    """Start time from which all events are delivered again; omitted: only failed deliveries."""

    since: UtcIn | None = None


class ReplayOut(ResponseModel):
    """Number of deliveries started."""

    started: int


class WebhookEndpointQuery(PageQuery):
    """Filter for endpoints."""

    reseller: UUID | None = None


class EventOut(ResponseModel):
    """A domain event; `seq` is its position in the feed."""

    seq: int
    id: UUID
    type: str
    account_id: UUID | None
    reseller_id: UUID | None
    programme: str | None
    at: UtcOut
    data: dict[str, Json]


class EventQuery(QueryModel):
    """`after` is the last `seq` read; `cursor` is `next` of the page before, as in every list."""

    after: int | None = Field(None, ge=0, le=MAX_SEQ)
    cursor: str | None = Field(None, pattern=r"^[0-9]{1,18}$")
    limit: int = Field(PAGE, ge=1, le=PAGE_LIMIT)
