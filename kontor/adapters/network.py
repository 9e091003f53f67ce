"""Connections pinned to the checked address with a deadline, and TXT records of names."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

import httpcore

from kontor.adapters.resolver import Names
from kontor.kernel.errors import Invalid
from kontor.kernel.ports import AddressCheck, Resolve

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Deadline:
    """The deadline of the calling thread's request, in real time."""

    def __init__(self) -> None:
        self._local = threading.local()

    def start(self, seconds: float) -> None:
        """Set the calling thread's deadline to `seconds` from now."""
        self._local.end = time.monotonic() + seconds

    def remaining(self, at_most: float | None, timeout_error: type[httpcore.TimeoutException]) -> float:
        """Return the remaining seconds, capped at `at_most`. Raises `timeout_error` when none remain."""
        remaining: float = self._local.end - time.monotonic()
        if remaining <= 0:
            raise timeout_error("the deadline of this call has passed")
        return remaining if at_most is None else min(remaining, at_most)


class TimedStream(httpcore.NetworkStream):
    """A stream whose operations all end by the deadline, however slowly bytes arrive."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read at most `max_bytes`; empty at the end."""
        return self._inner.read(max_bytes, self._deadline.remaining(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send the whole buffer."""
        self._inner.write(buffer, self._deadline.remaining(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the socket."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Return the stream with TLS; the certificate must match `server_hostname`."""
        remaining = self._deadline.remaining(timeout, httpcore.ConnectTimeout)
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, remaining), self._deadline)

    def get_extra_info(self, info: str) -> object:
        """Return the information of the inner stream."""
        return self._inner.get_extra_info(info)


class PinnedBackend(httpcore.NetworkBackend):
    """Resolves a name once and connects to a checked address, which prevents DNS rebinding."""

    def __init__(self, allowed: AddressCheck, resolve: Resolve, deadline: Deadline) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first reachable address. Raises Invalid(`forbidden_address`)."""
        addresses = self._addresses(host.strip("[]"), port, timeout)
        if not addresses or not all(map(self._allowed, addresses)):
            raise Invalid("forbidden_address", f"{host} is not an address that may be called.")
        last_error: httpcore.ConnectError | None = None
        for address in addresses:
            remaining = self._deadline.remaining(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(address, port, remaining, local_address, socket_options)
            except httpcore.ConnectError as error:
                last_error = error
            else:
                return TimedStream(stream, self._deadline)
        raise last_error or httpcore.ConnectError(f"{host} has no address")

    def _addresses(self, host: str, port: int, timeout: float | None) -> tuple[str, ...]:
        self._deadline.remaining(timeout, httpcore.ConnectTimeout)
        try:
            return tuple(dict.fromkeys(self._resolve(host, port)))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"DNS did not answer for {host}") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error


class DnsTxt:
    """Implements kontor.kernel.ports.TxtResolver; `tenant` is whose look-ups these count as."""

    def __init__(self, names: Names | None = None, tenant: str = "") -> None:
        self._names = names or Names()
        self._tenant = tenant

    def txt(self, name: str) -> Sequence[str]:
        """TXT strings of a name, empty when there are none. Raises DnsUnavailable."""
        return self._names.txt(name, self._tenant)


class FixedTxt:
    """A resolver with fixed records, for tests, demos and machines without DNS."""

    def __init__(self, records: Mapping[str, Sequence[str]]) -> None:
        self._records = {name.lower(): tuple(strings) for name, strings in records.items()}

    def txt(self, name: str) -> Sequence[str]:
        """TXT strings of a name; empty when the table has none."""
        return self._records.get(name.lower(), ())
