"""The probe: a task that returns its args, for doctor, demos, benchmarks and smoke tests."""

from collections.abc import Callable
from typing import Final

from sqlalchemy.orm import Session

from kontor.engine.handlers import Cancelled, Done, JobContext, Released
from kontor.engine.payloads import ProbeEcho

Sleep = Callable[[float], None]
"""Sleeps for a number of seconds of wall time."""

NAP: Final = 0.1
FINISH_SECONDS: Final = 10.0
"""A stopping worker finishes a probe with less to go, and gives back one with more."""


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
            if job.stopping() and left > FINISH_SECONDS:
                raise Released
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
