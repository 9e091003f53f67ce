"""Payloads of webhooks: fan-out of an event to the subscribed endpoints, and each delivery."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Final
from uuid import UUID

from pydantic import Field

from kontor.engine.catalogue import Payload, Policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import TaskKind

QUEUE: Final = "webhooks"


class WebhooksFanOut(Payload):
    """Start a delivery of one event to every subscribed endpoint."""

    policy: ClassVar[Policy] = Policy(
        name="webhooks.fan_out", queue=QUEUE, kind=TaskKind.TRANSACTIONAL, retry=RetryPolicy()
    )

    event_seq: Annotated[int, Field(ge=1, lt=2**63)]


class WebhooksDeliver(Payload):
    """POST one event to one endpoint."""

    policy: ClassVar[Policy] = Policy(
        name="webhooks.deliver",
        queue=QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=RetryPolicy(max_attempts=8, base=timedelta(seconds=5), cap=timedelta(hours=1)),
        time_limit=timedelta(minutes=1),
    )

    delivery_id: UUID
