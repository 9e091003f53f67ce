"""The servers of a data directory, owned by one process."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kontor.adapters.embedded import endpoints
from kontor.adapters.embedded.endpoints import Endpoints
from kontor.adapters.embedded.postgres import Postgres
from kontor.adapters.embedded.valkey import Valkey

LOG_KEPT = 10 * 1024 * 1024


class EmbeddedServers:
    """PostgreSQL and Valkey of one data directory. The caller must hold its owner lock."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        data_dir = data_dir.resolve()
        sockets = endpoints.socket_folder(data_dir)
        self.data_dir = data_dir
        self.sockets = sockets
        self.postgres = Postgres(data_dir / "postgres", sockets, fresh_log(data_dir, "postgres"), durable=durable)
        self.valkey = Valkey(data_dir / "valkey", sockets, fresh_log(data_dir, "valkey"))

    def start(self) -> Endpoints:
        """Start both, wait for both, publish their URLs."""
        self.valkey.start()
        self.postgres.start()
        self.valkey.wait_ready()
        self.postgres.wait_ready()
        endpoints.publish(self.data_dir, self.endpoints)
        return self.endpoints

    @property
    def endpoints(self) -> Endpoints:
        """The URLs of both."""
        return Endpoints(database_url=self.postgres.url, redis_url=self.valkey.url)

    def revive(self) -> None:
        """Restart servers that died. Raises StartFailed."""
        for server in (self.valkey, self.postgres):
            if not server.is_running():
                server.start()
                server.wait_ready()

    def stop(self) -> None:
        """Stop both and delete the published URLs."""
        (self.data_dir / "servers.json").unlink(missing_ok=True)
        self.postgres.stop()
        self.valkey.stop()
        if not self.sockets.is_relative_to(self.data_dir):
            with suppress(OSError):
                self.sockets.rmdir()


def fresh_log(data_dir: Path, name: str) -> Path:
    """Return a server's log file; one over 10 MiB is renamed to `….1`."""
    path = data_dir / "log" / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_KEPT:
        path.replace(path.with_suffix(".log.1"))
    return path


@contextmanager
def owned_servers(data_dir: Path, *, durable: bool = True) -> Iterator[EmbeddedServers]:
    """Own and run the servers during the block. Raises Owned when another process owns them."""
    endpoints.prepare(data_dir)
    with endpoints.owner_lock(data_dir):
        servers = EmbeddedServers(data_dir, durable=durable)
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()


@contextmanager
def embedded_servers(data_dir: Path, *, durable: bool = True) -> Iterator[Endpoints]:
    """Own and run the servers during the block; yield only their URLs."""
    with owned_servers(data_dir, durable=durable) as servers:
        yield servers.endpoints
