"""A worker's holdings: the leases it acts under and the doorbells it has taken, as each of its beats reports them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from uuid import UUID


def no_bells() -> tuple[str, ...]:
    """Return nothing: no doorbells are taken from a broker."""
    return ()


@dataclass(frozen=True, slots=True)
class HeldNow:
    """The leases and the ids of the doorbells that a worker held at one instant.

    `unrecorded_seconds`: for how long the act that ended first has not been recorded.
    """

    leases: tuple[UUID, ...]
    bells: tuple[str, ...]
    unrecorded_seconds: float | None = None


class Holdings:
    """The leases of one worker process, and its broker's doorbells; safe for threads.

    A lease is taken before its claim is committed and dropped after its record is committed, so that a running job
    whose lease two later beats in a row leave out has no thread that will record it.
    """

    def __init__(
        self, bells: Callable[[], tuple[str, ...]] = no_bells, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._leases: dict[UUID, float | None] = {}
        self._bells = bells
        self._elapsed = elapsed

    def take_lease(self, lease: UUID) -> None:
        """Hold a lease, before the COMMIT of its claim is sent."""
        with self._lock:
            self._leases[lease] = None

    def end_act(self, lease: UUID) -> None:
        """Note that the act under a lease has ended: from now on its record is missing."""
        with self._lock:
            if lease in self._leases:
                self._leases[lease] = self._elapsed()

    def drop_lease(self, lease: UUID) -> None:
        """Let go of a lease: its record is committed, or nobody will record it."""
        with self._lock:
            self._leases.pop(lease, None)

    def leases(self) -> tuple[UUID, ...]:
        """Return the leases held now."""
        with self._lock:
            return tuple(self._leases)

    def now(self) -> HeldNow:
        """Return what is held at this instant."""
        with self._lock:
            ended = [at for at in self._leases.values() if at is not None]
            leases, seconds = tuple(self._leases), self._elapsed() - min(ended) if ended else None
        return HeldNow(leases, self._bells(), seconds)
