"""Time as the API sets it, and one instant for one request."""

from dataclasses import dataclass
from datetime import datetime

from domain.ports import Clock


@dataclass(frozen=True, slots=True)
class Standing:
    """A clock that stands at one instant of programme time; real time goes on."""

    instant: datetime
    clock: Clock

    def now(self) -> datetime:
        """The instant, aware, UTC."""
        return self.instant

    def real(self) -> datetime:
        """Wall time, aware, UTC."""
        return self.clock.real()

    def monotonic(self) -> float:
        """Seconds of real time since an arbitrary start."""
        return self.clock.monotonic()
