"""Both servers of a data directory, owned by one process and shared by the commands beside it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from adapters.embedded import endpoints
from adapters.embedded.endpoints import Endpoints, Owned
from adapters.embedded.postgres import Postgres
from adapters.embedded.process import StartFailed
from adapters.embedded.valkey import Valkey

LOG_KEPT = 10 * 1024 * 1024


class EmbeddedServers:
    """PostgreSQL and Valkey of one data directory, for a process that owns it."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        data_dir = data_dir.resolve()
        sockets = endpoints.socket_folder(data_dir)
        self.data_dir = data_dir
        self.sockets = sockets
        self.postgres = Postgres(data_dir / "postgres", sockets, fresh_log(data_dir, "postgres"), durable=durable)
        self.valkey = Valkey(data_dir / "valkey", sockets, fresh_log(data_dir, "valkey"))

    def start(self) -> Endpoints:
        """Start both at once, wait for both, publish where they are."""
        self.valkey.start()
        self.postgres.start()
        self.valkey.wait_ready()
        self.postgres.wait_ready()
        found = Endpoints(database_url=self.postgres.url, redis_url=self.valkey.url)
        endpoints.publish(self.data_dir, found)
        return found

    def stop(self) -> None:
        """Stop both and withdraw what was published."""
        (self.data_dir / "servers.json").unlink(missing_ok=True)
        self.postgres.stop()
        self.valkey.stop()
        if not self.sockets.is_relative_to(self.data_dir):
            with suppress(OSError):
                self.sockets.rmdir()


def fresh_log(data_dir: Path, name: str) -> Path:
    """A server's log file; one that has grown large becomes `….1`."""
    path = data_dir / "log" / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_KEPT:
        path.replace(path.with_suffix(".log.1"))
    return path


@contextmanager
def embedded_servers(data_dir: Path, *, durable: bool = True) -> Iterator[Endpoints]:
    """Own and run the servers for the length of the block; raises Owned when somebody else does."""
    endpoints.prepare(data_dir)
    with endpoints.ownership(data_dir):
        servers = EmbeddedServers(data_dir, durable=durable)
        try:
            yield servers.start()
        finally:
            servers.stop()


def attach(data_dir: Path, timeout: float = 30.0) -> Endpoints | None:
    """Where a running owner's servers are; waits while it starts; None when nobody owns them."""
    deadline = time.monotonic() + timeout
    while endpoints.is_owned(data_dir):
        if (found := endpoints.published(data_dir)) is not None:
            return found
        if time.monotonic() > deadline:
            raise StartFailed(f"the owner of {data_dir} did not start its servers within {timeout:.0f} s")
        time.sleep(0.02)
    return None


@contextmanager
def shared_servers(data_dir: Path) -> Iterator[Endpoints]:
    """Use a running owner's servers, or own them for the length of the block."""
    with ExitStack() as stack:
        while (found := attach(data_dir)) is None:
            with suppress(Owned):
                found = stack.enter_context(embedded_servers(data_dir))
                break
        yield found
