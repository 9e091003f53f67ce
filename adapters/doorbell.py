"""The hint to the relay after a commit, sent by a thread so that no commit waits for Redis."""

from threading import Event, Thread
from time import monotonic
from typing import Any

import redis
import structlog

from adapters.bells import Keys

log = structlog.get_logger(__name__)

MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.005, 0.05
PAUSE_FACTOR = 100  # pause this many times the duration of a push: hints use 1 % of the time


class RedisDoorbell:
    """Sends the first ring at once and coalesces those of the next 5 ms; the relay's poll makes up for lost ones.

    When pushes are slow because the machine is busy, the pause grows up to 50 ms: the relay is busy then too.
    """

    def __init__(self, client: "redis.Redis", keys: Keys) -> None:
        self._pool = client.connection_pool
        self._command = ("LPUSH", keys.hint, "1")
        self._requested = Event()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Return at once; never raise."""
        if not self._requested.is_set():
            self._requested.set()

    def close(self) -> None:
        """Send a pending hint and stop."""
        self._closing.set()
        self._requested.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        connection: Any = None
        while not self._closing.is_set():
            self._requested.wait()
            self._requested.clear()
            began = monotonic()
            try:
                connection = connection or self._pool.get_connection()
                self._push(connection)
            except redis.RedisError as error:
                log.debug("doorbell.lost", error=str(error))
            elapsed = monotonic() - began
            self._closing.wait(min(max(MIN_PAUSE_SECONDS, PAUSE_FACTOR * elapsed), MAX_PAUSE_SECONDS))
        if connection is not None:
            self._pool.release(connection)

    def _push(self, connection: Any) -> None:
        """Send a packed command on one connection: a quarter of the cost of the client's method."""
        try:
            self._exchange(connection)
        except redis.ConnectionError:
            connection.disconnect()
            self._exchange(connection)

    def _exchange(self, connection: Any) -> None:
        connection.send_packed_command(connection.pack_command(*self._command), check_health=False)
        connection.read_response()


class SilentDoorbell:
    """Does nothing: for commands that rely on the relay's poll, and for tests."""

    def ring(self) -> None:
        """Do nothing."""
