"""The hint to the relay after a commit: coalesced in a thread, so that no commit waits for Redis."""

from threading import Event, Thread
from time import monotonic
from typing import Any

import redis
import structlog

from adapters.bells import Keys

log = structlog.get_logger(__name__)

REST_SECONDS, LONGEST_REST_SECONDS = 0.005, 0.05
REST_SHARE = 100  # rests so many times as long as the push took: hints take a hundredth of the time


class RedisDoorbell:
    """The first ring goes at once, those of the next 5 ms together; one that fails is found by the relay's poll.

    Where a push takes long, because the machine is busy, the rest is longer, up to 50 ms: the relay is busy then too.
    """

    def __init__(self, client: "redis.Redis", keys: Keys) -> None:
        self._pool = client.connection_pool
        self._command = ("LPUSH", keys.hint, "1")
        self._wanted = Event()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Return at once; never raise."""
        if not self._wanted.is_set():
            self._wanted.set()

    def close(self) -> None:
        """Send what is wanted and stop."""
        self._closing.set()
        self._wanted.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        line: Any = None
        while not self._closing.is_set():
            self._wanted.wait()
            self._wanted.clear()
            began = monotonic()
            try:
                line = line or self._pool.get_connection()
                self._push(line)
            except redis.RedisError as error:
                log.debug("doorbell.lost", error=str(error))
            took = monotonic() - began
            self._closing.wait(min(max(REST_SECONDS, REST_SHARE * took), LONGEST_REST_SECONDS))
        if line is not None:
            self._pool.release(line)

    def _push(self, line: Any) -> None:
        """One connection and a packed command: a quarter of what the client's method costs."""
        try:
            self._exchange(line)
        except redis.ConnectionError:
            line.disconnect()
            self._exchange(line)

    def _exchange(self, line: Any) -> None:
        line.send_packed_command(line.pack_command(*self._command), check_health=False)
        line.read_response()


class SilentDoorbell:
    """Rings nobody: for commands that leave it to the relay's poll, and for tests."""

    def ring(self) -> None:
        """Do nothing."""
