"""Payloads of licences: calls to the customer's instance when grants start and end, the reminder before the end."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from kontor.engine.catalogue import Instant, Payload, Policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import TaskKind

INSTANCE_QUEUE: Final = "offers"
INSTANCE_RETRY: Final = RetryPolicy(max_attempts=8, base=timedelta(seconds=5), cap=timedelta(hours=1))
"""Of every call to a customer's instance, those of offers too."""

END_GRANTS: Final = "licences.end_grants"
REMIND: Final = "licences.remind"


class LicencesProvision(Payload):
    """Send licence totals to the instance after an acceptance."""

    policy: ClassVar[Policy] = Policy(
        name="licences.provision",
        queue=INSTANCE_QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=INSTANCE_RETRY,
        due_by=timedelta(minutes=1),
        time_limit=timedelta(minutes=1),
    )

    offer_id: UUID


class LicencesEndGrants(Payload):
    """Send licence totals to the instance after grants ended."""

    policy: ClassVar[Policy] = Policy(
        name=END_GRANTS,
        queue=INSTANCE_QUEUE,
        kind=TaskKind.EXTERNAL,
        retry=INSTANCE_RETRY,
        time_limit=timedelta(minutes=1),
    )

    account_id: UUID
    ends_at: Instant


class LicencesRemind(Payload):
    """Remind of ending grants, 14 days before."""

    policy: ClassVar[Policy] = Policy(
        name=REMIND, queue=INSTANCE_QUEUE, kind=TaskKind.TRANSACTIONAL, retry=RetryPolicy()
    )

    account_id: UUID
    ends_at: Instant
