"""Payloads of offers: delivery to the customer's instance, withdrawal from it, expiry."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from kontor.engine.catalogue import Payload, Policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import TaskKind
from kontor.licences.payloads import INSTANCE_QUEUE, INSTANCE_RETRY

WITHDRAW: Final = "offers.withdraw"


class OfferDeliver(Payload):
    """Deliver an offer to the customer's instance."""

    policy: ClassVar[Policy] = Policy(
        name="offers.deliver",
        queue=INSTANCE_QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=INSTANCE_RETRY,
        due_by=timedelta(minutes=1),
        time_limit=timedelta(minutes=1),
    )

    offer_id: UUID


class OfferWithdraw(Payload):
    """Withdraw an offer that may have reached the instance."""

    policy: ClassVar[Policy] = Policy(
        name=WITHDRAW,
        queue=INSTANCE_QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=INSTANCE_RETRY,
        due_by=timedelta(minutes=1),
        time_limit=timedelta(minutes=1),
    )

    offer_id: UUID


class OfferExpire(Payload):
    """Close an offer at its expiry."""

    policy: ClassVar[Policy] = Policy(
        name="offers.expire", queue=INSTANCE_QUEUE, kind=TaskKind.TRANSACTIONAL, retry=RetryPolicy()
    )

    offer_id: UUID
