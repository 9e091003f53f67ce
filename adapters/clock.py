"""The system clock; the only module that reads the time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Wall time is programme time."""

    def now(self) -> datetime:
        """Programme time, aware, UTC."""
        return datetime.now(UTC)

    def real(self) -> datetime:
        """Wall time, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of real time since an arbitrary start."""
        return time.monotonic()
