"""What a worker process has in hand: the leases of its acts. Its heartbeat reports them."""

from threading import Lock
from uuid import UUID


class Holdings:
    """The leases a process holds; safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._leases: set[UUID] = set()

    def take_lease(self, lease: UUID) -> None:
        """Add a lease, before its claim is committed."""
        with self._lock:
            self._leases.add(lease)

    def drop_lease(self, lease: UUID) -> None:
        """Remove a lease, after its record is committed."""
        with self._lock:
            self._leases.discard(lease)

    def end_act(self, lease: UUID) -> None:
        """Note that the act under a lease has ended and waits for its record."""

    def leases(self) -> tuple[UUID, ...]:
        """Return the leases held."""
        with self._lock:
            return tuple(self._leases)
