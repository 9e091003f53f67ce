"""Webhooks: fan-out of events to the subscribed endpoints, and each delivery."""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy.orm import Session

from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome
from kontor.kernel.ports import CallSender, Clock, HttpReply, OutgoingCall, SecretBox
from kontor.webhooks import events, signing
from kontor.webhooks import queries as webhooks_queries
from kontor.webhooks import service as webhooks
from kontor.webhooks.payloads import WebhooksDeliver, WebhooksFanOut
from models.webhooks import DeliveryState, WebhookDelivery
from tasks.calls import send_or_raise
from tasks.deps import HandlerDeps

GONE: Final = 410
ERROR_LIMIT: Final = 500


class WebhooksFanOutHandler:
    """Runs after the transaction that wrote the event."""

    payload = WebhooksFanOut

    def run(self, job: JobContext, session: Session, payload: WebhooksFanOut) -> Outcome:
        """Start the deliveries; a second run starts none twice."""
        event = events.by_seq(session, payload.event_seq)
        if event is None:
            return Cancel("there is no such event")
        return Done({"deliveries": webhooks.fan_out(session, job.jobs, event)})


class WebhooksDeliverHandler:
    """Delivers in the endpoint's own lane; a 410 response disables the endpoint."""

    payload = WebhooksDeliver

    def __init__(self, sender: CallSender, secret_box: SecretBox, clock: Clock) -> None:
        self._sender = sender
        self._sealer = secret_box
        self._clock = clock

    def claim(self, job: JobContext, session: Session, payload: WebhooksDeliver) -> OutgoingCall | Cancel:
        """Count the attempt and build the call; cancel for a deleted or disabled endpoint, and a delivery that left."""
        delivery = webhooks_queries.delivery(session, payload.delivery_id, lock=True)
        if delivery is None:
            return Cancel("the delivery left after 30 days")
        endpoint = webhooks_queries.get(session, delivery.endpoint_id)
        if delivery.state == DeliveryState.DELIVERED:
            return Cancel("already delivered")
        if endpoint is None or endpoint.disabled_at is not None:
            delivery.state, delivery.last_error = DeliveryState.FAILED.value, "the endpoint is disabled"
            return Cancel("the endpoint is disabled")
        delivery.state = DeliveryState.PENDING.value
        delivery.tries += 1
        body = json.dumps(delivery.body, separators=(",", ":"), ensure_ascii=False).encode()
        secrets = signing.valid_secrets(self._sealer, endpoint, job.now)
        return OutgoingCall(endpoint.url, delivery.webhook_id, body, secrets)

    def act(self, job: JobContext, plan: OutgoingCall) -> HttpReply:
        """POST the event; a 410 response is not an error."""
        return send_or_raise(self._sender, self._clock, plan, GONE)

    def record(
        self, job: JobContext, session: Session, payload: WebhooksDeliver, plan: OutgoingCall, result: HttpReply
    ) -> Outcome:
        """Store the delivery; after a 410, disable the endpoint."""
        delivery = lock_delivery(session, payload)
        delivery.last_status = result.status
        if result.status == GONE:
            delivery.state, delivery.last_error = DeliveryState.FAILED.value, "answered 410"
            endpoint = webhooks_queries.get(session, delivery.endpoint_id, lock=True)
            if endpoint is not None:
                webhooks.disable(endpoint, "The endpoint answered 410 Gone.", job.now)
            return Cancel("the endpoint answered 410 and was disabled")
        delivery.state, delivery.last_error = DeliveryState.DELIVERED.value, None
        delivery.delivered_at = job.now
        return Done({"status": result.status})

    def failed(self, job: JobContext, session: Session, payload: WebhooksDeliver, error: str, dead: str | None) -> None:
        """Store the error in the delivery."""
        delivery = lock_delivery(session, payload)
        delivery.last_error, delivery.last_status = error[:ERROR_LIMIT], status_of_error(error)
        if dead is not None and delivery.state == DeliveryState.PENDING:
            delivery.state = DeliveryState.FAILED.value


def lock_delivery(session: Session, payload: WebhooksDeliver) -> WebhookDelivery:
    """Lock and return the delivery; none is deleted while it is under way."""
    delivery = webhooks_queries.delivery(session, payload.delivery_id, lock=True)
    assert delivery is not None
    return delivery


def status_of_error(error: str) -> int | None:
    """Return the status in an error such as `answered 503: …`; None if there was no response."""
    words = error.replace(":", " ").split()
    return int(words[1]) if words[:1] == ["answered"] and words[1].isdigit() else None


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of webhooks."""
    return [
        WebhooksFanOutHandler(),
        WebhooksDeliverHandler(deps.webhook_sender or deps.sender, deps.secret_box, deps.clock),
    ]
