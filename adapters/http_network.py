"""Connections that go where they were checked to go, and end when they were told to."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from domain.calling import AddressCheck, Resolve
from domain.errors import Invalid

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Deadline:
    """When the request of the calling thread must be over, in real seconds."""

    def __init__(self) -> None:
        self._local = threading.local()

    def start(self, seconds: float) -> None:
        """The calling thread has this long from now."""
        self._local.end = time.monotonic() + seconds

    def left(self, at_most: float | None, late: type[httpcore.TimeoutException]) -> float:
        """Seconds left, `at_most` that many. Raises `late` when there are none."""
        left: float = self._local.end - time.monotonic()
        if left <= 0:
            raise late("the time for this call is over")
        return left if at_most is None else min(left, at_most)


class TimedStream(httpcore.NetworkStream):
    """A stream of which every operation ends by the deadline, however slowly bytes drip in."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes`; empty at the end."""
        return self._inner.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        self._inner.write(buffer, self._deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same stream, encrypted; the certificate must be for `server_hostname`."""
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What the inner stream knows."""
        return self._inner.get_extra_info(info)


class PinnedBackend(httpcore.NetworkBackend):
    """Resolves a name once and connects to an address that was checked: no rebinding in between."""

    def __init__(self, allowed: AddressCheck, resolve: Resolve, deadline: Deadline) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()
        self._resolvers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises Invalid(`forbidden_address`)."""
        addresses = self._addresses(host.strip("[]"), port, timeout)
        if not addresses or not all(map(self._allowed, addresses)):
            raise Invalid("forbidden_address", f"{host} is not an address that may be called.")
        problem: httpcore.ConnectError | None = None
        for address in addresses:
            left = self._deadline.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
            except httpcore.ConnectError as refused:
                problem = refused
            else:
                return TimedStream(stream, self._deadline)
        raise problem or httpcore.ConnectError(f"{host} has no address")

    def close(self) -> None:
        """Resolve nothing any more."""
        self._resolvers.shutdown(wait=False)

    def _addresses(self, host: str, port: int, timeout: float | None) -> tuple[str, ...]:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        try:
            return tuple(dict.fromkeys(self._resolvers.submit(self._resolve, host, port).result(left)))
        except TimeoutError as late:
            raise httpcore.ConnectTimeout(f"DNS did not answer for {host}") from late
        except (OSError, UnicodeError) as unknown:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from unknown


def system_resolve(host: str, port: int) -> list[str]:
    """IP addresses by the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]
