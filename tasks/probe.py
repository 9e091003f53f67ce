"""The probe: a task that returns its args, for doctor, demos, benchmarks and smoke tests."""

from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar, Final

from pydantic import Field
from sqlalchemy.orm import Session

from kontor.engine.catalogue import Payload, Policy
from kontor.engine.handlers import Cancelled, Done, JobContext
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import TaskKind

Sleep = Callable[[float], None]
"""Sleeps for a number of seconds of wall time."""

NAP: Final = 0.1


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


class ProbeEchoHandler:
    """Sleeps in short steps, so that a cancellation is noticed."""

    payload = ProbeEcho

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep

    def claim(self, job: JobContext, session: Session, payload: ProbeEcho) -> ProbeEcho:
        """Return the payload; there is nothing to check."""
        return payload

    def act(self, job: JobContext, plan: ProbeEcho) -> dict[str, object]:
        """Sleep for the requested time, then return the args that were sent."""
        left = plan.seconds or 0.0
        while left > 0:
            if job.cancelled():
                raise Cancelled
            nap = min(left, NAP)
            self._sleep(nap)
            left -= nap
        return plan.model_dump(mode="json", exclude_unset=True)

    def record(
        self,
        job: JobContext,
        session: Session,
        payload: ProbeEcho,
        plan: ProbeEcho,
        result: dict[str, object],
    ) -> Done:
        """Return the echo as the result."""
        return Done(result)
