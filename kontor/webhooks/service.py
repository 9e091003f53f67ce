"""Webhook endpoints, their subscriptions and their deliveries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts.locks import require_reseller
from kontor.engine.enqueue import Jobs
from kontor.http import visibility
from kontor.http.visibility import Viewer
from kontor.kernel import database
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.limits import ENDPOINTS, HOUR
from kontor.kernel.paging import Page
from kontor.kernel.ports import SecretBox
from kontor.kernel.time_spans import ANY_TIME, TimeSpan
from kontor.limits import service as limits
from kontor.webhooks import events, queries, signing
from kontor.webhooks.payloads import WebhooksDeliver
from kontor.webhooks.signing import validate_events, wire_time
from models.webhooks import DeliveryState, DomainEvent, WebhookDelivery, WebhookEndpoint

TEST_EVENT: Final = "webhook.test"
REPLAY_LIMIT: Final = 1_000
DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class EndpointSecret:
    """An endpoint and its secret, which is shown only here."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


def create(
    session: Session,
    secret_box: SecretBox,
    *,
    reseller_id: UUID | None,
    url: str,
    events: Sequence[str],
    secret: str | None,
    now: datetime,
) -> EndpointSecret:
    """Create an endpoint; without a reseller it gets the events of all. The caller checks the URL first.

    Raises NotFound, Conflict(`endpoint_exists`), LimitReached, Invalid(`unknown_event`, `invalid_secret`).
    """
    if reseller_id is not None:
        require_reseller(session, reseller_id, lock=True)
    plain = signing.validate_or_generate(secret)
    _require_new(session, reseller_id, url, validate_events(events))
    endpoint = WebhookEndpoint(
        id=new_id(),
        reseller_id=reseller_id,
        url=url,
        events=validate_events(events),
        secret_sealed=secret_box.seal(plain),
        created_at=now,
    )
    session.add(endpoint)
    session.flush()
    return EndpointSecret(endpoint, plain)


def change(session: Session, endpoint_id: UUID, url: str | None, events: Sequence[str] | None) -> WebhookEndpoint:
    """Change the given fields; the caller checks the URL first. A new URL gets what was not delivered to the old one.

    Raises NotFound, Conflict(`endpoint_exists`), Invalid(`unknown_event`).
    """
    endpoint = get(session, endpoint_id, lock=True)
    new_url, new_events = url or endpoint.url, endpoint.events if events is None else validate_events(events)
    others = [row for row in _own(session, endpoint.reseller_id) if row.id != endpoint_id]
    _require_other(others, new_url, new_events)
    endpoint.url, endpoint.events = new_url, new_events
    session.flush()
    return endpoint


def _own(session: Session, reseller_id: UUID | None) -> Sequence[WebhookEndpoint]:
    """Return an owner's endpoints; whoever adds or changes one waits for the others who do."""
    database.lock_names(session, f"limit:{ENDPOINTS.name}:{reseller_id or ''}")
    return queries.endpoints_of(session, reseller_id)


def _require_other(own: Sequence[WebhookEndpoint], url: str, events: Sequence[str]) -> None:
    if any(url_key(row.url) == url_key(url) and set(row.events) == set(events) for row in own):
        raise Conflict("endpoint_exists", "There is an endpoint with that URL and those events already.")


def _require_new(session: Session, reseller_id: UUID | None, url: str, events: Sequence[str]) -> None:
    """Raise Conflict for an endpoint that its owner has already, LimitReached when the owner has enough of them."""
    own = _own(session, reseller_id)
    _require_other(own, url, events)
    if reseller_id is not None:
        limits.require(ENDPOINTS, len(own), limits.allowed(session, ENDPOINTS, reseller_id), HOUR)


def url_key(url: str) -> str:
    """Return the key by which URLs are compared: scheme and host in lower case, no default port, a path."""
    parts = urlsplit(url)
    host = (parts.hostname or "") + ("" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}")
    return urlunsplit((parts.scheme.lower(), host, parts.path or "/", parts.query, ""))


def get(session: Session, endpoint_id: UUID, *, lock: bool = False) -> WebhookEndpoint:
    """Return one endpoint. Raises NotFound."""
    endpoint = queries.get(session, endpoint_id, lock=lock)
    if endpoint is None:
        raise NotFound
    return endpoint


def list_endpoints(
    session: Session,
    *,
    reseller_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = 100,
    disabled: bool | None = None,
    created: TimeSpan = ANY_TIME,
) -> Page[WebhookEndpoint]:
    """Return endpoints, newest first; those of all owners without `reseller_id`."""
    return queries.list_endpoints(session, reseller_id, cursor, limit, disabled=disabled, created=created)


def delete(session: Session, endpoint_id: UUID, now: datetime) -> None:
    """Delete an endpoint; its deliveries stay on record. Raises NotFound."""
    get(session, endpoint_id, lock=True).deleted_at = now


def rotate_secret(session: Session, secret_box: SecretBox, endpoint_id: UUID, now: datetime) -> EndpointSecret:
    """Generate a new secret; the previous one also signs for 24 h. Raises NotFound."""
    endpoint = get(session, endpoint_id, lock=True)
    plain = signing.validate_or_generate(None)
    signing.replace_secret(secret_box, endpoint, plain, now)
    return EndpointSecret(endpoint, plain)


def send_test(session: Session, jobs: Jobs, endpoint_id: UUID) -> WebhookDelivery:
    """Enqueue a delivery of `webhook.test`. Raises NotFound, Conflict(`endpoint_disabled`)."""
    endpoint = get(session, endpoint_id)
    if endpoint.disabled_at is not None:
        raise Conflict("endpoint_disabled", "The endpoint is disabled; a replay enables it again.")
    test_id, now = new_id(), jobs.clock.now()
    body = {"type": TEST_EVENT, "timestamp": wire_time(now), "data": {"endpoint_id": str(endpoint.id)}}
    return _start(session, jobs, endpoint, f"test_{test_id.hex}", None, TEST_EVENT, body)


def replay(session: Session, jobs: Jobs, endpoint_id: UUID, *, since: datetime | None = None) -> int:
    """Repeat failed deliveries (or all `since` an instant) with their old ids; enables the endpoint.

    Returns how many deliveries were enqueued, at most 1,000, oldest first. Raises NotFound.
    """
    endpoint = get(session, endpoint_id, lock=True)
    endpoint.disabled_at = endpoint.disabled_reason = None
    state = DeliveryState.FAILED if since is None else None
    candidates = queries.deliveries(session, endpoint.id, state=state, since=since, limit=REPLAY_LIMIT).items
    repeated = [delivery for delivery in reversed(candidates) if delivery.state != DeliveryState.PENDING]
    for delivery in repeated:
        delivery.state = DeliveryState.PENDING.value
        _enqueue(session, jobs, endpoint, delivery)
    return len(repeated)


def deliveries(
    session: Session,
    endpoint_id: UUID,
    *,
    state: DeliveryState | None = None,
    created: TimeSpan = ANY_TIME,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[WebhookDelivery]:
    """Return the deliveries to an endpoint, newest first. Raises NotFound."""
    get(session, endpoint_id)
    return queries.deliveries(session, endpoint_id, state=state, created=created, cursor=cursor, limit=limit)


def fan_out(session: Session, jobs: Jobs, event: DomainEvent) -> int:
    """Start a delivery to every subscribed endpoint without one for this event; return how many.

    Of one owner's endpoints with the same URL, the oldest gets it alone.
    """
    listening = queries.subscribed_endpoints(session, event)
    if _is_about_webhooks(event):
        return 0
    served = queries.endpoints_with_delivery(session, [endpoint.id for endpoint in listening], event.seq)
    first: dict[tuple[UUID | None, str], WebhookEndpoint] = {}
    for endpoint in sorted(listening, key=lambda row: row.id not in served):
        first.setdefault((endpoint.reseller_id, url_key(endpoint.url)), endpoint)
    public = event.type in (visibility.event_types(Viewer.RESELLER) or ())
    new = [each for each in first.values() if each.id not in served and (public or each.reseller_id is None)]
    for endpoint in new:
        viewer = Viewer.OPERATOR if endpoint.reseller_id is None else Viewer.RESELLER
        data = events.data_for(session, event, viewer, endpoint.reseller_id)
        body = {"type": event.type, "timestamp": wire_time(event.at), "data": data}
        _start(session, jobs, endpoint, f"evt_{event.id.hex}", event.seq, event.type, body)
    return len(new)


def disable(endpoint: WebhookEndpoint, reason: str, now: datetime) -> None:
    """Disable an endpoint until a replay."""
    endpoint.disabled_at, endpoint.disabled_reason = now, reason


def _start(
    session: Session,
    jobs: Jobs,
    endpoint: WebhookEndpoint,
    webhook_id: str,
    event_seq: int | None,
    event_type: str,
    body: Mapping[str, object],
) -> WebhookDelivery:
    delivery = WebhookDelivery(
        id=new_id(),
        endpoint_id=endpoint.id,
        webhook_id=webhook_id,
        event_seq=event_seq,
        type=event_type,
        body=body,
        state=DeliveryState.PENDING.value,
        tries=0,
        created_at=jobs.clock.now(),
    )
    session.add(delivery)
    session.flush()
    _enqueue(session, jobs, endpoint, delivery)
    return delivery


def _enqueue(session: Session, jobs: Jobs, endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> None:
    tenant = str(endpoint.reseller_id) if endpoint.reseller_id is not None else ""
    payload = WebhooksDeliver(delivery_id=delivery.id)
    job = jobs.enqueue(session, payload, tenant=tenant, lane=f"endpoint:{endpoint.id}")
    delivery.job_id = job.id


def _is_about_webhooks(event: DomainEvent) -> bool:
    """Return whether an event reports a dead webhook job; delivering it could cause another one, endlessly."""
    return event.type == "job.dead" and str(event.data.get("task", "")).startswith("webhooks.")
