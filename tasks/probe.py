"""The probe: a task that gives its args back, for doctor, demos, benches and smoke tests."""

from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar, Final

from pydantic import Field
from sqlalchemy.orm import Session

from domain.jobs import TaskKind
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.handlers import JobContext
from engine.outcomes import Done, Stopped

Sleep = Callable[[float], None]
"""Lets so many seconds of real time pass."""

NAP: Final = 0.1


class ProbeEcho(Payload):
    """What to give back, and how long to take for it (seconds of real time)."""

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
    """Sleeps in short naps, so that a request to cancel is heard."""

    payload = ProbeEcho

    def __init__(self, sleep: Sleep) -> None:
        self._sleep = sleep

    def claim(self, job: JobContext, session: Session, payload: ProbeEcho) -> ProbeEcho:
        """There is nothing to check."""
        return payload

    def act(self, job: JobContext, plan: ProbeEcho) -> dict[str, object]:
        """Take the time asked for; give back the args that were sent."""
        left = plan.seconds or 0.0
        while left > 0:
            if job.cancelled():
                raise Stopped
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
        """The echo is the result."""
        return Done(result)
