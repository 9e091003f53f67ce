import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from kontor.adapters.embedded import postgres
from kontor.adapters.embedded.endpoints import AlreadyOwned, published, running_endpoints, shared_servers, socket_folder
from kontor.adapters.embedded.process import StartFailed, is_alive, processes_in
from kontor.adapters.embedded.servers import embedded_servers
from tests.integration.embedded.conftest import Launcher, query, servers_in
from tests.support.polling import wait_for

Launch = Callable[[Path], Launcher]


def modes(folder: Path) -> dict[Path, int]:
    return {path: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.parents]}


def test_both_servers_respond_and_none_is_left_running(tmp_path: Path) -> None:
    with embedded_servers(tmp_path / "data") as servers:
        assert query(servers.database_url, "SHOW fsync") == [("on",)]
        client = redis.Redis.from_url(servers.redis_url)
        assert client.ping()
        assert client.config_get("appendonly") == {"appendonly": "no"}
        client.close()
        assert servers_in(tmp_path / "data")
    assert servers_in(tmp_path / "data") == []
    assert running_endpoints(tmp_path / "data") is None


def test_servers_do_not_listen_on_the_network(tmp_path: Path) -> None:
    with embedded_servers(tmp_path / "data") as servers:
        assert query(servers.database_url, "SHOW listen_addresses") == [("",)]
        client = redis.Redis.from_url(servers.redis_url)
        assert client.config_get("port") == {"port": "0"}
        client.close()


def test_committed_data_survives_a_restart(tmp_path: Path) -> None:
    with embedded_servers(tmp_path / "data") as servers:
        query(servers.database_url, "CREATE TABLE kept AS SELECT 1 AS n")
    with embedded_servers(tmp_path / "data") as servers:
        assert query(servers.database_url, "SELECT n FROM kept") == [(1,)]


def test_new_folders_are_private_and_existing_permissions_unchanged(tmp_path: Path) -> None:
    above = tmp_path / "closed"
    above.mkdir(mode=0o700)
    before = modes(above)
    with embedded_servers(above / "data"):
        assert modes(above) == before
        folders = [path for path in (above / "data").rglob("*") if path.is_dir()]
        assert {stat.S_IMODE(path.stat().st_mode) for path in [above / "data", *folders]} == {0o700}


def test_killed_launcher_takes_its_servers_down(tmp_path: Path, launch: Launch) -> None:
    launcher = launch(tmp_path / "data")
    assert servers_in(tmp_path / "data")
    launcher.kill()
    wait_for(lambda: servers_in(tmp_path / "data") == [])
    assert running_endpoints(tmp_path / "data") is None


def test_new_launcher_starts_at_once_after_a_kill(tmp_path: Path, launch: Launch) -> None:
    launcher = launch(tmp_path / "data")
    servers = running_endpoints(tmp_path / "data")
    assert servers is not None
    query(servers.database_url, "CREATE TABLE kept AS SELECT 1 AS n")
    launcher.kill()
    second = launch(tmp_path / "data")
    assert query(servers.database_url, "SELECT n FROM kept") == [(1,)]
    assert second.leave() == 0


@pytest.mark.parametrize("victim", ["postgres", "valkey-server"])
def test_servers_start_again_after_one_was_killed(tmp_path: Path, launch: Launch, victim: str) -> None:
    launcher = launch(tmp_path / "data")
    folder = tmp_path / "data" / victim.removesuffix("-server")
    for pid in processes_in(folder, victim):
        os.kill(pid, signal.SIGKILL)
    launcher.leave()
    with embedded_servers(tmp_path / "data") as servers:
        assert query(servers.database_url, "SELECT 1") == [(1,)]


def test_orphaned_backend_does_not_prevent_a_start(tmp_path: Path, launch: Launch) -> None:
    launcher = launch(tmp_path / "data")
    servers = published(tmp_path / "data")
    assert servers is not None
    with psycopg.connect(servers.database_url.replace("+psycopg", "")) as connection:
        orphan = connection.info.backend_pid
        os.kill(orphan, signal.SIGSTOP)
        lock = tmp_path / "data" / "postgres" / "postmaster.pid"
        os.kill(int(lock.read_text().splitlines()[0]), signal.SIGKILL)
        launcher.kill()
        wait_for(lambda: servers_in(tmp_path / "data") == [orphan])
        with embedded_servers(tmp_path / "data"):
            assert not is_alive(orphan)
            assert query(servers.database_url, "SELECT 1") == [(1,)]


def test_server_that_had_to_be_killed_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "STOPPING", ((signal.SIGINT, 0.1), (signal.SIGQUIT, 0.1)))
    with embedded_servers(tmp_path / "data", durable=False) as servers:
        lock = tmp_path / "data" / "postgres" / "postmaster.pid"
        with psycopg.connect(servers.database_url.replace("+psycopg", "")) as connection:
            os.kill(connection.info.backend_pid, signal.SIGSTOP)
            os.kill(int(lock.read_text().splitlines()[0]), signal.SIGSTOP)
    assert servers_in(tmp_path / "data") == []


def test_lock_file_with_the_pid_of_another_process_is_ignored(tmp_path: Path, launch: Launch) -> None:
    launcher = launch(tmp_path / "data")
    lock = tmp_path / "data" / "postgres" / "postmaster.pid"
    stale = lock.read_text().splitlines()
    launcher.kill()
    wait_for(lambda: servers_in(tmp_path / "data") == [])
    lock.write_text("\n".join([str(os.getpid()), *stale[1:]]))
    with embedded_servers(tmp_path / "data") as servers:
        assert query(servers.database_url, "SELECT 1") == [(1,)]


def test_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    wait_for(lambda: not is_alive(child.pid))
    assert Path(f"/proc/{child.pid}").exists()
    child.wait()


def test_incomplete_cluster_is_rebuilt(tmp_path: Path) -> None:
    draft = tmp_path / "data" / "postgres.new"
    draft.mkdir(parents=True, mode=0o700)
    (draft / "PG_VERSION").write_text("18\n")
    with embedded_servers(tmp_path / "data") as servers:
        assert query(servers.database_url, "SELECT 1") == [(1,)]


def test_two_data_directories_run_side_by_side(tmp_path: Path) -> None:
    with embedded_servers(tmp_path / "one") as first, embedded_servers(tmp_path / "two") as two:
        query(first.database_url, "CREATE TABLE mine AS SELECT 1 AS n")
        assert query(two.database_url, "SELECT to_regclass('mine')") == [(None,)]
        assert first.redis_url != two.redis_url


def test_path_too_long_for_a_socket_gets_a_short_private_folder(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30)
    sockets = socket_folder(data_dir)
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert sockets == socket_folder(data_dir)
    with embedded_servers(data_dir) as servers:
        assert query(servers.database_url, "SELECT 1") == [(1,)]
    assert not sockets.exists()


def test_one_process_owns_a_data_directory_and_others_share_it(tmp_path: Path, launch: Launch) -> None:
    launcher = launch(tmp_path / "data")
    with pytest.raises(AlreadyOwned), embedded_servers(tmp_path / "data"):
        raise AssertionError("two owners")
    with shared_servers(tmp_path / "data") as servers:
        assert servers == published(tmp_path / "data")
    assert servers_in(tmp_path / "data")
    launcher.leave()


def test_folder_that_is_not_a_cluster_is_left_alone(tmp_path: Path) -> None:
    strange = tmp_path / "data" / "postgres"
    strange.mkdir(parents=True, mode=0o700)
    (strange / "letter.txt").write_text("mine")
    with pytest.raises(StartFailed, match=r"letter\.txt"), embedded_servers(tmp_path / "data"):
        raise AssertionError("started over a stranger's files")
    assert (strange / "letter.txt").read_text() == "mine"
    assert servers_in(tmp_path / "data") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to give up")
def test_root_runs_postgres_as_nobody_without_user_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kontor.adapters.embedded.postgres.NAMESPACE", "unusable")
    with embedded_servers(tmp_path / "data") as servers:
        assert query(servers.database_url, "SELECT 1") == [(1,)]
        assert (tmp_path / "data" / "postgres").stat().st_uid != 0
    monkeypatch.undo()
    with embedded_servers(tmp_path / "data") as servers:
        assert query(servers.database_url, "SELECT 1") == [(1,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of root's")
def test_cluster_owned_by_root_is_handed_over_without_user_namespaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_servers(tmp_path / "data"):
        assert (tmp_path / "data" / "postgres").stat().st_uid == 0
    monkeypatch.setattr("kontor.adapters.embedded.postgres.NAMESPACE", "unusable")
    with embedded_servers(tmp_path / "data") as servers:
        assert query(servers.database_url, "SELECT 1") == [(1,)]


def test_socket_left_by_a_crash_is_replaced(tmp_path: Path, launch: Launch) -> None:
    launch(tmp_path / "data").kill()
    wait_for(lambda: servers_in(tmp_path / "data") == [])
    left = tmp_path / "data" / "run" / "valkey.sock"
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(OSError, match="refused"):
        probe.connect(str(left))
    with embedded_servers(tmp_path / "data") as servers:
        client = redis.Redis.from_url(servers.redis_url)
        assert client.ping()
        client.close()
