"""Hints to waiting pull workers over Redis: the relay publishes, each web process listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Final

import redis
import structlog

from kontor.adapters.redis_doorbell import RedisKeys
from kontor.kernel.doorbells import Offers, decode_offers

log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 0.5
LISTEN_SECONDS: Final = 0.25


class RedisPullHints:
    """Implements kontor.kernel.doorbells.PullHints with one connection and one thread."""

    def __init__(self, client: "redis.Redis", keys: RedisKeys) -> None:
        self._client = client
        self._keys = keys

    @contextmanager
    def listening(self, heard: Callable[[Offers], None]) -> Iterator[None]:
        """Call `heard` in another thread for each hint, until the end of the block."""
        ended, lock = Event(), Lock()

        def pass_on(offers: Offers) -> None:
            with lock:
                if not ended.is_set():
                    heard(offers)

        thread = Thread(target=self._run, args=(pass_on, ended), name="offers", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with lock:
                ended.set()
            thread.join(2 * LISTEN_SECONDS)  # before its connection is closed

    def _run(self, heard: Callable[[Offers], None], ended: Event) -> None:
        while not ended.is_set():
            try:
                self._listen(heard, ended)
            except (redis.RedisError, OSError) as error:
                log.debug("offers.lost", error=str(error))
                ended.wait(PAUSE_SECONDS)

    def _listen(self, heard: Callable[[Offers], None], ended: Event) -> None:
        """Listen until the end. Raises redis.RedisError, OSError."""
        with self._client.pubsub(ignore_subscribe_messages=True) as channel:  # type: ignore[no-untyped-call]  # redis
            channel.subscribe(self._keys.offers)
            while not ended.is_set():
                message = channel.get_message(timeout=LISTEN_SECONDS)
                if message is not None:
                    heard(decode_offers(message["data"]))
