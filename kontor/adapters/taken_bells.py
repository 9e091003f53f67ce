"""The doorbells that a worker process has taken and not answered, and for how many it has room."""

import threading
from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field

from dramatiq import Message

MIN_QUICK = 2


class Capacity:
    """How many bells a process may hold, so that none waits behind a busy thread while another process is idle.

    Bells of queues with external tasks: one for each of `threads`, over all queues together. Of other queues: as many
    as `threads` each, fewer while external work occupies threads.
    """

    def __init__(self, threads: int, slow: Collection[str]) -> None:
        self._threads = threads
        self._slow = frozenset(slow)
        self._lock = threading.Lock()
        self._out: dict[str, int] = defaultdict(int)
        self._listeners: list[threading.Event] = []

    def listen(self, freed: threading.Event) -> None:
        """Set the event whenever a bell is given back."""
        self._listeners.append(freed)

    def free(self, queue: str) -> int:
        """Return how many more bells of a queue the process may hold."""
        with self._lock:
            return self._free(queue)

    def take(self, queue: str, bells: int) -> int:
        """Reserve room for up to `bells` bells of a queue; return for how many there is room."""
        with self._lock:
            taken = max(0, min(bells, self._free(queue)))
            self._out[queue] += taken
            return taken

    def take_over(self, queue: str) -> None:
        """Count a bell that the process holds already, whether there is room or not."""
        with self._lock:
            self._out[queue] += 1

    def give_back(self, queue: str, bells: int = 1) -> None:
        """Free the room of bells that are answered or were not there."""
        with self._lock:
            self._out[queue] -= bells
        for freed in self._listeners:
            freed.set()

    def _free(self, queue: str) -> int:
        busy = sum(self._out[name] for name in self._slow)
        if queue in self._slow:
            return self._threads - busy
        return max(MIN_QUICK, self._threads - busy) - self._out[queue]


@dataclass(slots=True)
class TakenBells:
    """The bells of one queue that this process took and has not answered: `ready` ones wait for a thread.

    Outlives the consumer: Dramatiq replaces a consumer that raised.
    """

    ready: deque[Message[object]] = field(default_factory=deque)
    raw: dict[str, bytes] = field(default_factory=dict)

    def add(self, raw: bytes) -> bool:
        """Add a bell that came from the broker; return False if it is here already."""
        message: Message[object] = Message.decode(raw)
        if message.message_id in self.raw:
            return False
        self.raw[message.message_id] = raw
        self.ready.append(message)
        return True
