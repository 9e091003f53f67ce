"""A worker's holdings: the leases it acts under and the doorbells it has taken, as each of its beats reports them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID


def no_bells() -> tuple[str, ...]:
    """Return nothing: no doorbells are taken from a broker."""
    return ()


@dataclass(frozen=True, slots=True)
class HeldNow:
    """The leases and the ids of the doorbells that a worker held at one instant."""

    leases: tuple[UUID, ...]
    bells: tuple[str, ...]


class Holdings:
    """The leases of one worker process, and its broker's doorbells; safe for threads.

    A lease is taken before its claim is committed and dropped after its record is committed, so that a running job
    whose lease two later beats in a row leave out has no thread that will record it.
    """

    def __init__(self, bells: Callable[[], tuple[str, ...]] = no_bells) -> None:
        self._lock = threading.Lock()
        self._leases: set[UUID] = set()
        self._bells = bells

    def take_lease(self, lease: UUID) -> None:
        """Hold a lease, before the COMMIT of its claim is sent."""
        with self._lock:
            self._leases.add(lease)

    def drop_lease(self, lease: UUID) -> None:
        """Let go of a lease: its record is committed, or nobody will record it."""
        with self._lock:
            self._leases.discard(lease)

    def leases(self) -> tuple[UUID, ...]:
        """Return the leases held now."""
        with self._lock:
            return tuple(self._leases)

    def now(self) -> HeldNow:
        """Return what is held at this instant."""
        return HeldNow(self.leases(), self._bells())
