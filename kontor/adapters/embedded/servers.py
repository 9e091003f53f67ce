"""The servers of a data directory, owned by one process."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from kontor.adapters.embedded import endpoints
from kontor.adapters.embedded.endpoints import Endpoints
from kontor.adapters.embedded.postgres import Postgres
from kontor.adapters.embedded.process import StartFailed, StartRefused
from kontor.adapters.embedded.valkey import Valkey

log = structlog.get_logger(__name__)

LOG_KEPT = 10 * 1024 * 1024
START_ATTEMPTS = 5
FIRST_DELAY_SECONDS = 0.25
LONGEST_DELAY_SECONDS = 10.0


class EmbeddedServers:
    """PostgreSQL and Valkey of one data directory, or one of them. The caller must hold its owner lock."""

    def __init__(self, data_dir: Path, *, durable: bool = True, only: str | None = None) -> None:
        data_dir = data_dir.resolve()
        sockets = endpoints.socket_folder(data_dir)
        self.data_dir = data_dir
        self.sockets = sockets
        self.postgres = Postgres(data_dir / "postgres", sockets, fresh_log(data_dir, "postgres"), durable=durable)
        self.valkey = Valkey(data_dir / "valkey", sockets, fresh_log(data_dir, "valkey"))
        both: tuple[Valkey | Postgres, ...] = (self.valkey, self.postgres)
        self.running = tuple(server for server in both if only in {None, server.name})

    def start(self) -> Endpoints:
        """Start all, wait for all, publish their URLs."""
        for server in self.running:
            server.start()
        for server in self.running:
            server.wait_ready()
        endpoints.publish(self.data_dir, self.endpoints)
        return self.endpoints

    def start_with_retries(self, attempts: int | None) -> Endpoints:
        """Start all, pausing longer after each failure; None: until it works. Raises StartFailed."""
        delay = FIRST_DELAY_SECONDS
        for attempt in itertools.count(1):
            try:
                return self.start()
            except StartRefused:
                raise
            except StartFailed as error:
                if attempt == attempts:
                    raise
                log.warning("server.not_started", error=str(error), retry_in=delay)
            self._stop_processes()
            time.sleep(delay)
            delay = min(LONGEST_DELAY_SECONDS, delay * 2)
        raise AssertionError("the loop ends by a return or an error")

    @property
    def endpoints(self) -> Endpoints:
        """The URLs of those that run here."""
        return Endpoints(
            database_url=self.postgres.url if self.postgres in self.running else "",
            redis_url=self.valkey.url if self.valkey in self.running else "",
        )

    def revive(self) -> None:
        """Restart servers that died. Raises StartFailed."""
        for server in self.running:
            if not server.is_running():
                server.start()
                server.wait_ready()

    def stop(self) -> None:
        """Stop all and delete the published URLs."""
        endpoints.unpublish(self.data_dir)
        self._stop_processes()
        if not self.sockets.is_relative_to(self.data_dir):
            with suppress(OSError):
                self.sockets.rmdir()

    def _stop_processes(self) -> None:
        for server in reversed(self.running):
            server.stop()


def fresh_log(data_dir: Path, name: str) -> Path:
    """Return a server's log file; one over 10 MiB is renamed to `….1`."""
    path = data_dir / "log" / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_KEPT:
        path.replace(path.with_suffix(".log.1"))
    return path


@contextmanager
def owned_servers(
    data_dir: Path, *, durable: bool = True, only: str | None = None, attempts: int | None = START_ATTEMPTS
) -> Iterator[EmbeddedServers]:
    """Own and run the servers during the block. Raises AlreadyOwned when another process owns them."""
    endpoints.prepare(data_dir)
    with endpoints.owner_lock(data_dir):
        servers = EmbeddedServers(data_dir, durable=durable, only=only)
        try:
            servers.start_with_retries(attempts)
            yield servers
        finally:
            servers.stop()


@contextmanager
def embedded_servers(data_dir: Path, *, durable: bool = True) -> Iterator[Endpoints]:
    """Own and run the servers during the block; yield only their URLs."""
    with owned_servers(data_dir, durable=durable) as servers:
        yield servers.endpoints
