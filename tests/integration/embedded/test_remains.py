"""What a crash leaves beside the data is judged by a living server of ours, never by a number."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from kontor.adapters.embedded.endpoints import Endpoints, publish, published, shared_servers
from kontor.adapters.embedded.process import LogSection, StartFailed, StartRefused, is_alive
from kontor.adapters.embedded.servers import embedded_servers, owned_servers
from tests.integration.embedded.conftest import Launcher, query, servers_in
from tests.support.polling import wait_for

Launch = Callable[[Path], Launcher]
SOCKET_LOCK = ".s.PGSQL.5432.lock"


@pytest.fixture
def crashed(tmp_path: Path, launch: Launch) -> Path:
    """A data directory as a SIGKILL of everything leaves it, with one committed table."""
    launcher = launch(tmp_path / "data")
    running = published(tmp_path / "data")
    assert running is not None
    query(running.database_url, "CREATE TABLE kept AS SELECT 1 AS n")
    for pid in servers_in(tmp_path / "data"):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    launcher.kill()
    wait_for(lambda: servers_in(tmp_path / "data") == [])
    return tmp_path / "data"


@contextmanager
def zombie() -> Iterator[int]:
    """A child that has ended and is not reaped."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    wait_for(lambda: not is_alive(child.pid))
    yield child.pid
    child.wait()


def lock_of(data_dir: Path, pid: int) -> None:
    """Write both lock files of PostgreSQL in the name of a process."""
    lines = [str(pid), str(data_dir / "postgres"), "0", "5432", str(data_dir / "run"), "", ""]
    (data_dir / "run" / SOCKET_LOCK).write_text("\n".join(lines))
    (data_dir / "run" / SOCKET_LOCK.removesuffix(".lock")).touch()
    (data_dir / "postgres" / "postmaster.pid").write_text("\n".join(lines))


def starts(data_dir: Path) -> bool:
    with embedded_servers(data_dir) as servers, redis.Redis.from_url(servers.redis_url) as client:
        return query(servers.database_url, "SELECT n FROM kept") == [(1,)] and bool(client.ping())


def test_servers_start_when_the_locks_name_a_zombie(crashed: Path) -> None:
    with zombie() as pid:
        lock_of(crashed, pid)
        assert starts(crashed)


def test_servers_start_when_the_locks_name_a_living_program_that_is_not_ours(crashed: Path) -> None:
    lock_of(crashed, os.getppid())
    assert starts(crashed)


def test_servers_start_when_the_locks_name_no_process_or_are_empty(crashed: Path) -> None:
    lock_of(crashed, 4_194_303)
    assert starts(crashed)
    (crashed / "run" / SOCKET_LOCK).write_text("")
    (crashed / "postgres" / "postmaster.pid").write_text("")
    assert starts(crashed)


def test_servers_start_when_servers_json_is_half_written(crashed: Path) -> None:
    (crashed / "servers.json").write_text('{"database_url": "postg')
    (crashed / "servers.json.12345").write_text("")
    assert published(crashed) is None
    with shared_servers(crashed) as servers:
        assert query(servers.database_url, "SELECT n FROM kept") == [(1,)]
    assert not list(crashed.glob("servers.json*"))


def test_urls_stay_readable_when_another_writer_was_killed(tmp_path: Path) -> None:
    publish(tmp_path, Endpoints("one", "two"))
    (tmp_path / "servers.json.99").write_text("{")
    assert published(tmp_path) == Endpoints("one", "two")


def test_urls_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    publish(tmp_path, Endpoints("postgresql://kontor:secret@h/d", "redis://h"))
    assert stat.S_IMODE((tmp_path / "servers.json").stat().st_mode) == 0o600


def test_servers_start_when_valkey_left_files_it_would_refuse(crashed: Path) -> None:
    (crashed / "valkey" / "dump.rdb").write_bytes(b"REDIS0011\xfa")
    (crashed / "valkey" / "appendonlydir").mkdir()
    (crashed / "valkey" / "appendonlydir" / "appendonly.aof.1.incr.aof").write_bytes(b"*3\r\n$3\r\nSE")
    assert starts(crashed)


def test_start_is_tried_again_when_a_server_fails_at_first(crashed: Path) -> None:
    broken = crashed / "postgres" / "kontor.conf"
    broken.write_text("no such line =\n")
    with capture_logs() as logs, pytest.raises(StartFailed), owned_servers(crashed, attempts=2):
        raise AssertionError("it started with a broken configuration")
    (failure,) = logs
    assert failure["event"] == "server.not_started"
    assert "FATAL: configuration file" in failure["error"]
    broken.write_text("")
    assert starts(crashed)


def test_reason_is_the_fatal_line_with_its_hint(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    log.write_text("2026-01-01 00:00:00 UTC [7]  FATAL:  of an earlier run\n")
    section = LogSection.from_now(log)
    with log.open("a") as file:
        file.write(
            "2026-01-01 00:00:01 UTC [8]  LOG:  starting\n"
            '2026-01-01 00:00:01 UTC [8]  FATAL:  lock file "/run/x.lock" already exists\n'
            "2026-01-01 00:00:01 UTC [8]  HINT:  Is another postmaster (PID 5) using it?\n"
            "2026-01-01 00:00:01 UTC [9] kontor FATAL:  the database system is starting up\n"
            "2026-01-01 00:00:01 UTC [8]  LOG:  database system is shut down\n"
        )
    reason = section.failure()
    assert reason == ('FATAL: lock file "/run/x.lock" already exists; HINT:  Is another postmaster (PID 5) using it?')


def test_a_folder_that_is_not_a_cluster_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    (tmp_path / "data" / "postgres" / "letter.txt").touch()
    with pytest.raises(StartRefused, match="move it away"), owned_servers(tmp_path / "data", attempts=None):
        raise AssertionError("it started")


def test_only_the_missing_server_starts_when_the_other_is_configured(tmp_path: Path) -> None:
    with shared_servers(tmp_path / "data", "--valkey") as servers:
        assert servers.database_url == ""
        assert not (tmp_path / "data" / "postgres").exists()
        with pytest.raises(StartFailed, match="DATABASE_URL set"), shared_servers(tmp_path / "data"):
            raise AssertionError("PostgreSQL is not there")
    with owned_servers(tmp_path / "data", only="postgres") as owned:
        assert owned.endpoints.redis_url == ""
        assert [server.name for server in owned.running] == ["postgres"]
