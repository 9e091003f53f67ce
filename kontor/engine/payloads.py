"""Payloads of the engine's own tasks: the probe, retention, idempotency keys, statistics."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field

from kontor.engine.catalogue import Instant, Payload, Policy, ScheduleSpec, isolated_policy
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import MisfirePolicy, TaskKind

QUEUE: Final = "upkeep"
RETENTION: Final = "upkeep.retention"
IDEMPOTENCY: Final = "upkeep.idempotency"
ROLLUP: Final = "console.rollup"
SHORTEST_RETENTION: Final = 7
"""Days; a list without a time filter shows the finished jobs of as many."""


class ProbeEcho(Payload):
    """Return the args after `seconds` of wall time."""

    policy: ClassVar[Policy] = Policy(
        name="probe.echo",
        queue="probe",
        kind=TaskKind.EXTERNAL,
        retry=RetryPolicy(max_attempts=5),
        public=True,
        due_by=timedelta(seconds=30),
        time_limit=timedelta(minutes=2),
    )

    message: str | None = None
    seconds: float | None = Field(None, ge=0, le=60)


class UpkeepRetention(Payload):
    """Delete jobs that finished over `days` days ago, bodies, deliveries; archive dead jobs; the next job goes on."""

    policy: ClassVar[Policy] = Policy(
        name=RETENTION,
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(max_attempts=5),
        due_by=timedelta(hours=6),
        batch_commits=False,
    )

    days: int = Field(90, ge=SHORTEST_RETENTION, le=36_500)


class UpkeepIdempotency(Payload):
    """Delete stored responses older than 24 hours; enqueues the next job while there are more."""

    policy: ClassVar[Policy] = Policy(
        name=IDEMPOTENCY,
        queue=QUEUE,
        kind=TaskKind.TRANSACTIONAL,
        retry=RetryPolicy(max_attempts=5),
        due_by=timedelta(hours=6),
    )


class ConsoleRollup(Payload):
    """Count the jobs that ended since the last rollup or `since`; enqueues the next job while there are more."""

    policy: ClassVar[Policy] = isolated_policy(ROLLUP, QUEUE, timedelta(minutes=2), attempts=3)

    since: Instant | None = None


class HandlersCancel(Payload):
    """Cancel a job of a declared type; the handler of one that runs is asked to stop (only under `lease`, if named)."""

    policy: ClassVar[Policy] = Policy(
        name="handlers.cancel",
        queue="handlers",
        kind=TaskKind.EXTERNAL,
        retry=RetryPolicy(max_attempts=8, base=timedelta(seconds=1), cap=timedelta(minutes=1)),
        due_by=timedelta(seconds=30),
    )

    job_id: UUID
    lease: UUID | None = None


SCHEDULES: Final = (
    ScheduleSpec(name=RETENTION, cron="30 3 * * *", timezone="UTC", task=RETENTION, misfire=MisfirePolicy.ONCE),
    ScheduleSpec(name=IDEMPOTENCY, cron="40 * * * *", timezone="UTC", task=IDEMPOTENCY, misfire=MisfirePolicy.ONCE),
    ScheduleSpec(name=ROLLUP, cron="* * * * *", timezone="UTC", task=ROLLUP, misfire=MisfirePolicy.ONCE),
)
"""Idempotency keys hourly; expired responses are not returned even before they are deleted."""
