"""The hint to the relay after a commit: coalesced in a thread, so that no commit waits for Redis."""

from threading import Event, Thread

import redis
import structlog

from adapters.bells import Keys

log = structlog.get_logger(__name__)


class RedisDoorbell:
    """Rings at most once at a time; a hint that fails is found by the relay's slow poll."""

    def __init__(self, client: "redis.Redis", keys: Keys) -> None:
        self._client = client
        self._key = keys.hint
        self._wanted = Event()
        self._closed = False
        self._thread = Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Return at once; never raise."""
        self._wanted.set()

    def close(self) -> None:
        """Send what is wanted and stop."""
        self._closed = True
        self._wanted.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._closed:
            self._wanted.wait()
            self._wanted.clear()
            try:
                self._client.lpush(self._key, "1")
            except redis.RedisError as error:
                log.debug("doorbell.lost", error=str(error))


class SilentDoorbell:
    """Rings nobody: for commands that leave it to the relay's poll, and for tests."""

    def ring(self) -> None:
        """Do nothing."""
