"""A TCP proxy before a server that loses one reply."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

CHUNK = 65536


class CuttingProxy:
    """Passes everything on, until the reply to a request that contains `lose` is lost.

    The request reaches the server and is answered. With `hang` the client's connection stays open, else it is cut.
    """

    def __init__(self, server: str | tuple[str, int], *, hang: bool = False) -> None:
        self._server = server
        self._hang = hang
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._stalled: set[socket.socket] = set()
        self.port = int(self._listener.getsockname()[1])
        self.lose: bytes | None = None
        self.lost = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for side in self._open:
            _close(side)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connect()
                self._open += [client, server]
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._replies, args=(client, server), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self._server, tuple):
            return socket.create_connection(self._server)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._server)
        return server

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(CHUNK):
                if self.lose is not None and self.lose in data:
                    self.lose = None
                    self._stalled.add(server)
                server.sendall(data)
        if server not in self._stalled:
            _close(server)

    def _replies(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(CHUNK):
                if server not in self._stalled:
                    client.sendall(data)
                    continue
                self.lost.set()
                if not self._hang:
                    break
        _close(client)


def _close(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
    side.close()


@contextmanager
def before_redis(url: str, *, hang: bool = False) -> Iterator[tuple[CuttingProxy, str]]:
    """Yield a proxy before a Redis, and the URL through it."""
    import redis

    kwargs = redis.Redis.from_url(url).connection_pool.connection_kwargs
    server = kwargs["path"] if "path" in kwargs else (kwargs["host"], kwargs["port"])
    with CuttingProxy(server, hang=hang) as proxy:
        yield proxy, f"redis://127.0.0.1:{proxy.port}/{kwargs.get('db', 0)}"


@contextmanager
def before_postgres(url: str) -> Iterator[tuple[CuttingProxy, str]]:
    """Yield a proxy before a PostgreSQL, and SQLAlchemy's URL through it."""
    from sqlalchemy import make_url

    parsed = make_url(url)
    folder = parsed.query.get("host", parsed.host)
    port = int(str(parsed.query.get("port", parsed.port or 5432)))
    assert isinstance(folder, str)
    server = str(Path(folder) / f".s.PGSQL.{port}") if folder.startswith("/") else (folder, port)
    with CuttingProxy(server) as proxy:
        through = parsed.set(host="127.0.0.1", port=proxy.port).difference_update_query(["host", "port"])
        yield proxy, through.render_as_string(hide_password=False)
