"""Mail over SMTP: pooled connections on a private event loop, callable from any thread."""

import asyncio
import ssl
from collections.abc import Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from threading import Lock, Thread

import uvloop

from kontor.adapters.smtp_pool import SmtpPool, smtp_address
from kontor.kernel.ports import MailDeferred


class SmtpTransport:
    """A MailTransport. The thread starts with the first mail, so that forking before is safe.

    Seconds: `timeout` for one reply, `deadline` for one delivery, `idle` before a connection is discarded.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 8,
        timeout: float = 30.0,
        deadline: float = 90.0,
        idle: float = 20.0,
        tls_context: ssl.SSLContext | None = None,
    ) -> None:
        self._address = smtp_address(url)
        self._connections = connections
        self._timeout = timeout
        self._deadline = deadline
        self._idle = idle
        self._tls_context = tls_context
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: SmtpPool | None = None
        self._closed = False

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Deliver to one recipient in one transaction. Raises MailRefused or MailDeferred."""
        pool, loop = self._ensure_running()
        self._wait(loop, pool.deliver(envelope_from, recipient, raw))

    def check(self) -> None:
        """Connect and log in without sending. Raises MailDeferred."""
        pool, loop = self._ensure_running()
        self._wait(loop, pool.check())

    def close(self) -> None:
        """Send QUIT and stop; further sends raise MailDeferred."""
        with self._lock:
            pool, loop, self._closed = self._pool, self._loop, True
            self._pool = self._loop = None
        if pool is not None and loop is not None:
            self._wait(loop, pool.close())
            loop.call_soon_threadsafe(loop.stop)

    def _wait(self, loop: asyncio.AbstractEventLoop, call: Coroutine[object, object, None]) -> None:
        future: Future[None] = asyncio.run_coroutine_threadsafe(call, loop)
        try:
            future.result(self._deadline)
        except FutureTimeout:
            future.cancel()
            raise MailDeferred(f"no answer from mail server {self._address} in time") from None

    def _ensure_running(self) -> tuple[SmtpPool, asyncio.AbstractEventLoop]:
        with self._lock:
            if self._closed:
                raise MailDeferred("the mail transport is closed")
            if self._pool is None or self._loop is None:
                self._loop = uvloop.new_event_loop()
                self._pool = self._new_pool()
                Thread(target=_serve, args=(self._loop,), name="smtp", daemon=True).start()
            return self._pool, self._loop

    def _new_pool(self) -> SmtpPool:
        return SmtpPool(
            self._address,
            size=self._connections,
            timeout=self._timeout,
            idle=self._idle,
            tls_context=self._tls_context,
        )


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(_let_transports_close())
    finally:
        loop.close()


async def _let_transports_close() -> None:
    """Let aborted transports notify their protocols."""
    for _ in range(3):
        await asyncio.sleep(0)
