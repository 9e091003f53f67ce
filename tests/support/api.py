"""The application behind a real HTTP server in a thread, and API keys for it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI

from kontor.adapters.bounded_http import BoundedHttp, bounded_http
from kontor.http.context import Deps
from kontor.http.hosts import BOTH
from kontor.operators import keys

ALL_SCOPES = ("read", "enqueue", "work", "decide", "operate", "admin", "keys")


class ListeningServer(uvicorn.Server):
    """A server that signals when it listens."""

    def __init__(self, app: FastAPI, http: type[BoundedHttp]) -> None:
        # A test that moves the clock for months between two calls keeps its connection.
        config = uvicorn.Config(
            app, port=0, access_log=False, log_config=None, lifespan="on", http=http, ws="none", timeout_keep_alive=120
        )
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        """Start, then set `listening`."""
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Serve until `end` is called; uvicorn would look for it ten times a second."""
        ticking = asyncio.create_task(super().main_loop())
        await self.ended.wait()
        self.should_exit = True
        ticking.cancel()

    def end(self) -> None:
        """End the server, from another thread."""
        self.loop.call_soon_threadsafe(self.ended.set)

    @property
    def url(self) -> str:
        """The base URL."""
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"


@contextmanager
def running_server(app: FastAPI, http: type[BoundedHttp] | None = None) -> Iterator[str]:
    """Serve an application while the block runs, as the web process does; yields its base URL.

    This machine's names serve what the staff's and the provider's host do.
    """
    if hasattr(app.state, "hosts"):
        app.state.hosts = replace(app.state.hosts, loopback=BOTH)
    server = ListeningServer(app, http or bounded_http())
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listening.wait(20), "the server did not start"
    try:
        yield server.url
    finally:
        server.end()
        thread.join(20)


@dataclass(frozen=True, slots=True)
class Api:
    """The application, an HTTP client and API keys."""

    http: httpx.Client
    deps: Deps
    app: FastAPI

    def wait_for_long_polls(self, count: int) -> None:
        """Wait until that many requests long-poll for jobs."""
        attempts, tick = 2_000, threading.Event()
        while sum(map(len, list(self.app.state.watch.waiting.values()))) < count:
            attempts -= 1
            assert attempts, "no request is waiting"
            tick.wait(0.01)

    def key(self, *scopes: str, reseller_id: UUID | None = None, account_id: UUID | None = None) -> str:
        """The secret of a new key."""
        with self.deps.sessions() as session:
            created = keys.create(
                session,
                "test",
                scopes or ALL_SCOPES,
                self.deps.clock.now(),
                reseller_id=reseller_id,
                account_id=account_id,
            )
            session.commit()
        return created.secret

    def call(
        self, line: str, body: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send `METHOD /path`, by default with a key of all scopes; bytes are sent unchanged."""
        method, target = line.split(" ", 1)
        all_headers = {"Authorization": f"Bearer {key or self.key()}", **(headers or {})}
        if body is None:
            return self.http.request(method, target, headers=all_headers)
        if isinstance(body, bytes):
            return self.http.request(method, target, headers=all_headers, content=body)
        return self.http.request(method, target, headers=all_headers, json=body)

    def ok(self, line: str, body: Any = None, *, key: str | None = None) -> Any:
        """Send a request that must succeed; returns the parsed body."""
        response = self.call(line, body, key=key)
        assert response.is_success, response.text
        return response.json()


@dataclass(frozen=True, slots=True)
class ResellerAccounts:
    """A reseller with a client that has an instance."""

    reseller: UUID
    client: UUID


def create_reseller_with_client(api: Api, name: str) -> ResellerAccounts:
    """Create a reseller of the applied programme `learning` and one client through the API."""
    new = {"programme": "learning", "name": name, "admin_email": f"{name}@shop.example"}
    reseller = api.ok("POST /v1/accounts", new)["id"]
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    new_client = {"name": f"{name} client", "admin_email": f"admin@{name}.example"}
    client = api.ok(f"POST /v1/resellers/{reseller}/clients", new_client)["id"]
    api.ok(f"PUT /v1/accounts/{client}/instance", {"url": "https://customer.example/hook"})
    return ResellerAccounts(UUID(reseller), UUID(client))
