"""The API as tests see it: the application behind a real HTTP server in a thread, and keys for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from fastapi import FastAPI

from api.deps import Deps
from services import keys

ALL = ("read", "enqueue", "operate", "admin")


class Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, port=0, access_log=False, log_config=None, lifespan="on"))
        self.listening = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.listening.set()

    @property
    def url(self) -> str:
        """Where it listens."""
        port = self.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The base URL of an application that is served while the block lasts."""
    server = Server(app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listening.wait(20), "the server did not start"
    try:
        yield server.url
    finally:
        server.should_exit = True
        thread.join(20)


@dataclass(frozen=True, slots=True)
class Api:
    """The application, and keys for it."""

    http: httpx.Client
    deps: Deps
    app: FastAPI

    def until_waiting(self, count: int) -> None:
        """Return once so many requests wait for jobs."""
        patience, tick = 2_000, threading.Event()
        while sum(map(len, list(self.app.state.watch.waiting.values()))) < count:
            patience -= 1
            assert patience, "nobody waits"
            tick.wait(0.01)

    def key(self, *scopes: str, reseller_id: UUID | None = None, account_id: UUID | None = None) -> str:
        """The secret of a new key."""
        with self.deps.sessions() as session:
            made = keys.create(
                session,
                "test",
                scopes or ALL,
                self.deps.clock.now(),
                reseller_id=reseller_id,
                account_id=account_id,
            )
            session.commit()
        return made.secret

    def call(
        self, line: str, body: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """`METHOD /path` with a key of all scopes unless another is given; bytes go as they are."""
        method, target = line.split(" ", 1)
        sent = {"Authorization": f"Bearer {key or self.key()}", **(headers or {})}
        if body is None:
            return self.http.request(method, target, headers=sent)
        if isinstance(body, bytes):
            return self.http.request(method, target, headers=sent, content=body)
        return self.http.request(method, target, headers=sent, json=body)

    def ok(self, line: str, body: Any = None, *, key: str | None = None) -> Any:
        """The document of an answer that must be good."""
        answer = self.call(line, body, key=key)
        assert answer.is_success, answer.text
        return answer.json()


@dataclass(frozen=True, slots=True)
class Shop:
    """A reseller with a client that has an instance."""

    reseller: UUID
    client: UUID


def open_shop(api: Api, name: str) -> Shop:
    """A reseller of the applied programme `learning` with one client, made by the API alone."""
    new = {"programme": "learning", "name": name, "admin_email": f"{name}@shop.example"}
    reseller = api.ok("POST /v1/accounts", new)["id"]
    api.ok(f"POST /v1/accounts/{reseller}/become-reseller")
    told = {"name": f"{name} client", "admin_email": f"admin@{name}.example"}
    client = api.ok(f"POST /v1/resellers/{reseller}/clients", told)["id"]
    api.ok(f"PUT /v1/accounts/{client}/instance", {"url": "https://customer.example/hook"})
    return Shop(UUID(reseller), UUID(client))
