"""Two PostgreSQL servers of one cluster, and a pooler, each in folders of a test."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest

from kontor.adapters.database_url import connection_parameters, url_of
from kontor.adapters.embedded.postgres import Postgres
from kontor.adapters.settings import Settings
from tests.conftest import libpq
from tests.support.polling import wait_for

POOLER_PORT = "6432"


@dataclass(slots=True)
class Cluster:
    """A primary and a standby, reached through the socket folders that their URLs name."""

    first: Postgres
    second: Postgres

    @property
    def url(self) -> str:
        """The URL of both, the first server in front."""
        return url_of({"user": "kontor", "dbname": "kontor", "host": f"{self.first.sockets},{self.second.sockets}"})

    def promote(self) -> None:
        """Make the standby a primary of the next timeline."""
        with psycopg.connect(libpq(self.second.url), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")


def server(folder: Path) -> Postgres:
    (folder / "run").mkdir(mode=0o700, parents=True)
    return Postgres(folder / "postgres", folder / "run", folder / "postgres.log", durable=False)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A running primary, and a running standby that follows it."""
    first, second = server(tmp_path / "a"), server(tmp_path / "b")
    with ExitStack() as stack:
        stack.callback(first.stop)
        stack.callback(second.stop)
        first.start()
        first.wait_ready()
        first.stop()
        shutil.copytree(first.folder, second.folder, copy_function=shutil.copy2)
        second.folder.chmod(0o700)
        (second.folder / "standby.signal").touch()
        (second.folder / "kontor.conf").write_text(f"primary_conninfo = 'host={first.sockets} user=kontor'\n")
        for member in (first, second):
            member.start()
            member.wait_ready()
        yield Cluster(first, second)


Pooler = Callable[..., str]


@pytest.fixture
def pooler(settings: Settings, tmp_path: Path) -> Iterator[Pooler]:
    """Start PgBouncer in front of this test's database; returns the URL through it."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    direct = connection_parameters(settings.database_url)
    with ExitStack() as stack:

        def start(mode: str, *lines: str) -> str:
            folder = tmp_path / "pooler"
            folder.mkdir(mode=0o700)
            database = f"host={direct['host']} dbname={direct['dbname']} user={direct['user']}"
            configuration = [
                "[databases]", f"kontor = {database}", "[pgbouncer]", f"pool_mode = {mode}", "auth_type = any",
                "listen_addr =", f"listen_port = {POOLER_PORT}", f"unix_socket_dir = {folder}", "default_pool_size = 4",
                *lines,
            ]  # fmt: skip
            (folder / "pgbouncer.ini").write_text("\n".join(configuration) + "\n")
            root = ["unshare", "--user", "--map-user=1000"] if os.geteuid() == 0 else []
            process = subprocess.Popen(
                [*root, program, str(folder / "pgbouncer.ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait)
            stack.callback(lambda: process.send_signal(signal.SIGTERM))
            wait_for((folder / f".s.PGSQL.{POOLER_PORT}").exists, "the pooler", 20)
            return url_of({"user": "kontor", "dbname": "kontor", "host": str(folder), "port": POOLER_PORT})

        yield start


@pytest.fixture
def real_time(settings: Settings) -> Settings:
    """Settings of this test's database without the test clock."""
    return replace(settings, test_clock=False, test_clock_start=None)
