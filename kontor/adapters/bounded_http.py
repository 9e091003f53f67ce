"""uvicorn's HTTP protocol, with bounds on what a stranger can make it hold: headers, open connections, bodies."""

from asyncio import AbstractEventLoop, BaseTransport, TimerHandle
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, ClassVar, Final, cast

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from kontor.kernel.edge import BODY_ARRIVED, DEFENCES, HEADER_LIMIT, HEADER_SECONDS, INCOMPLETE_PER_ORIGIN

DRAIN_SECONDS: Final = 2.0
"""How long a client may still send, unread, after an answer that did not wait for its body."""
DRAIN_BYTES: Final = 1024 * 1024
"""How much of it is taken; the rest stays where it is."""
CLOSE: Final = (b"connection", b"close")


class IncompleteConnections:
    """The connections of a process that have not sent a whole header, by origin, oldest first.

    Connections of `proxies` are not counted: they carry the requests of many.
    """

    def __init__(self, proxies: Sequence[str] = (), most: int = INCOMPLETE_PER_ORIGIN) -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(map(ip_network, proxies))
        self._most = most
        self._open: defaultdict[str, dict[BoundedHttp, None]] = defaultdict(dict)
        self._origin = lru_cache(maxsize=4_096)(self._origin_of)

    def add(self, connection: "BoundedHttp", address: str) -> None:
        """Count a connection; close the origin's oldest one if it has too many."""
        origin = self._origin(address)
        if origin is None:
            return
        mine = self._open[origin]
        mine[connection] = None
        if len(mine) > self._most:
            oldest = next(iter(mine))
            self.remove(oldest, address)
            oldest.transport.abort()

    def remove(self, connection: "BoundedHttp", address: str) -> None:
        """Count a connection no more."""
        origin = self._origin(address)
        if origin is None:
            return
        mine = self._open[origin]
        mine.pop(connection, None)
        if not mine:
            del self._open[origin]

    def _origin_of(self, address: str) -> str | None:
        """Return an IPv4 address or an IPv6 network of 64 bits, None for a proxy."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return address
        if any(parsed in network for network in self._networks):
            return None
        return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


class BoundedHttp(HttpToolsProtocol):
    """One connection. A header is bounded in size and time; an answer that leaves a body unread ends the connection."""

    incomplete: ClassVar[IncompleteConnections] = IncompleteConnections()
    header_seconds: ClassVar[float] = HEADER_SECONDS

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_header = True
        self._unparsed = 0
        """Bytes received since the header began, or since the last byte of a body."""
        self._timer: TimerHandle | None = None
        self._ending = False
        """An answer was given that is the last one: what still arrives is dropped."""
        self._dropped = 0
        self._unread = False
        """The answer under way does not wait for the body."""

    @property
    def address(self) -> str:
        """The peer's address; empty for a socket without one."""
        return self.client[0] if self.client else ""

    def connection_made(self, transport: BaseTransport) -> None:
        """Expect a header."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvloop's transports are no asyncio.Transport
        self._expect_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, a header in parts that cannot exceed the limit."""
        if self._ending:
            self._dropped += len(data)
            if self._dropped > DRAIN_BYTES:
                self.flow.pause_reading()
            return
        while data and self._goes_on():
            room = HEADER_LIMIT - self._unparsed if self._in_header else len(data)
            part, data = data[:room], data[room:]
            self._unparsed += len(part)
            super().data_received(part)
            if self._unparsed >= HEADER_LIMIT and self._goes_on():
                self.refuse(431 if self._in_header else 400)
        if self._in_header and self._unparsed and self._timer is None and self._goes_on():
            self._expect_header()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers of a body are dropped."""
        if self._in_header:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request."""
        self._stop_timer()
        self._in_header, self._unparsed, self._unread = False, 0, False
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEADER_LIMIT:
            self.refuse(431)
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._unparsed = 0
        if not self._ending:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Expect the next header; the application need not wait for the body of this request."""
        self._in_header, self._unparsed = True, 0
        if not self._ending:
            cast("dict[str, object]", self.scope)[BODY_ARRIVED] = True
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that is not HTTP."""
        self.refuse(400, msg)

    def refuse(self, status: int, message: str = "") -> None:
        """Answer without asking the application, then close; a request whose body it ends is given up.

        A header that follows a request whose answer is under way ends the connection after that answer.
        """
        cycle = cast("RequestResponseCycle | None", self.cycle)  # none before the first request
        if cycle is not None and not cycle.response_complete:
            if self._in_header:
                self._ending = self._unread = True
                return
            cycle.disconnected = True
            cycle.message_event.set()
        text = (message or HTTPStatus(status).phrase).encode()
        headers = {"content-type": "text/plain; charset=utf-8", **DEFENCES, "content-length": str(len(text))}
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        self.transport.write("\r\n".join([*lines, "connection: close", "", ""]).encode() + text)
        self._end()

    def on_response_complete(self) -> None:
        """Go on with the connection, or end it if the body was not read."""
        if self._unread and not self.transport.is_closing():
            self.server_state.total_requests += 1
            self._end()
        else:
            super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        async def answered(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
            async def answer(message: ASGISendEvent) -> None:
                if message["type"] != "http.response.start" or not cycle.more_body:
                    await send(message)
                    return
                await send({**message, "headers": [*message.get("headers", ()), CLOSE]})
                self._unread, cycle.keep_alive = True, True  # closed by on_response_complete, not in the client's face

            await app(scope, receive, answer)

        super()._start_asgi_task(cycle, answered)

    def _goes_on(self) -> bool:
        return not self._ending and not self.transport.is_closing()

    def _expect_header(self) -> None:
        self._timer = self.loop.call_later(self.header_seconds, self._on_overdue_header)
        self.incomplete.add(self, self.address)

    def _on_overdue_header(self) -> None:
        if self._unparsed and not self.transport.is_closing():
            self.refuse(408)
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.incomplete.remove(self, self.address)

    def _end(self) -> None:
        """Let the client read the answer before the connection closes, whatever it still sends."""
        self._stop_timer()
        self._ending = True
        self.flow.resume_reading()
        self.transport.write_eof()
        self._timer = self.loop.call_later(DRAIN_SECONDS, self.transport.close)


def bounded_http(proxies: Sequence[str] = (), header_seconds: float = HEADER_SECONDS) -> type[BoundedHttp]:
    """Return the protocol of a server; the connections that it counts are its own."""
    members = {"incomplete": IncompleteConnections(proxies), "header_seconds": header_seconds}
    return type("BoundedHttp", (BoundedHttp,), members)
