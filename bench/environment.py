"""The environment of a run: PostgreSQL, Redis, the peers' interpreter, a folder for logs."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from psycopg import sql

from bench.effects import DSN, REDIS
from kontor.adapters.embedded.endpoints import prepare
from kontor.adapters.embedded.servers import EmbeddedServers, embedded_servers
from kontor.kernel.database import PgConnection

ROOT = Path(__file__).parent.parent
PREFIX = "kontor_bench_"
OURS = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
PRELOAD = "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track = none\n"


@dataclass(frozen=True, slots=True)
class BenchEnvironment:
    """Servers shared by all contenders. `postgres_url` is a libpq URL."""

    postgres_url: str
    redis_url: str
    folder: Path
    peer_python: Path
    embedded: bool

    def connect(self, name: str | None = None) -> PgConnection:
        """Open an autocommit connection to a contender's database, or to the server's default one."""
        return psycopg.connect(self.url(name) if name else self.postgres_url, autocommit=True)

    def url(self, name: str) -> str:
        """Return the libpq URL of a contender's database."""
        return urlunsplit(urlsplit(self.postgres_url)._replace(path=f"/{PREFIX}{name}"))

    def redis(self) -> "redis.Redis":
        """Return a client of the shared Redis."""
        return redis.Redis.from_url(self.redis_url)

    def environ(self, name: str) -> Mapping[str, str]:
        """Return the environment variables of a contender's processes."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("KONTOR_")}
        return {**kept, DSN: self.url(name), REDIS: self.redis_url, "PYTHONPATH": str(ROOT)}

    def create(self, name: str) -> None:
        """Create an empty database for a contender."""
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(PREFIX + name)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(PREFIX + name)))

    def drop(self, name: str) -> None:
        """Drop a contender's database."""
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(sql.Identifier(PREFIX + name)))

    def clear(self) -> None:
        """Drop all contenders' databases and flush Redis."""
        self.redis().flushdb()
        with self.connect() as connection:
            for (name,) in connection.execute(OURS, (PREFIX,)).fetchall():
                self.drop(str(name).removeprefix(PREFIX))

    def settle(self) -> None:
        """Flush Redis and run a checkpoint, so that all contenders start equally."""
        self.redis().flushdb()
        with self.connect() as connection:
            connection.execute("CHECKPOINT")

    def versions(self) -> dict[str, str]:
        """Return versions of servers and interpreter, and relevant server settings."""
        with self.connect() as connection:
            shown = {name: str(connection.execute(f"SHOW {name}").fetchone()[0]) for name in SHOWN}  # type: ignore[index]  # one row
        info = self.redis().info("server")
        server = info.get("valkey_version") or info["redis_version"]
        return {"python": sys.version.split()[0], "redis_server": str(server), **shown}


SHOWN = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")


class NotEmpty(Exception):
    """The configured Redis is not empty."""


@contextmanager
def open_environment(folder: Path, peer_python: Path) -> Iterator[BenchEnvironment]:
    """Use the servers of DATABASE_URL and REDIS_URL, or embedded ones below `folder`. Raises NotEmpty."""
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    (folder / "log").mkdir(parents=True, exist_ok=True)
    if database_url and redis_url:
        environment = BenchEnvironment(libpq(database_url), redis_url, folder, peer_python, embedded=False)
        if environment.redis().dbsize():
            raise NotEmpty(f"{redis_url} is not empty and would be flushed; use an unused database number")
        try:
            yield environment
        finally:
            environment.clear()
        return
    data_dir = folder / "servers"
    preload(data_dir)
    with embedded_servers(data_dir) as servers:
        yield BenchEnvironment(libpq(servers.database_url), servers.redis_url, folder, peer_python, embedded=True)


def preload(data_dir: Path) -> None:
    """Make the embedded PostgreSQL load pg_stat_statements, with tracking off."""
    configuration = data_dir / "postgres" / "kontor.conf"
    if not configuration.exists():
        prepare(data_dir)
        servers = EmbeddedServers(data_dir)
        try:
            servers.start()
        finally:
            servers.stop()
    configuration.write_text(PRELOAD)


def libpq(url: str) -> str:
    """Convert a SQLAlchemy URL to libpq."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.split('+')[0]}://{rest}"
