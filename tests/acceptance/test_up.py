import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import httpx
import pytest

from kontor.adapters.embedded.process import is_alive, processes_in
from tests.support.polling import wait_for
from workers.migrations import ROOT
from workers.up import is_listening

KONTOR = Path(sys.executable).with_name("kontor")
ROLES = ["catcher", "relay", "scheduler", "web", "worker", "worker"]


def clean_environment(data_dir: Path) -> dict[str, str]:
    ours = ("KONTOR_", "DATABASE_URL", "REDIS_URL", "SMTP_URL", "PUBLIC_URL", "SECRET_KEY", "PORT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "KONTOR_DATA_DIR": str(data_dir)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Up:
    """A running `kontor up`."""

    def __init__(self, data_dir: Path, *options: str, command: Path = KONTOR, folder: Path = ROOT) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.with_suffix(".log")
        environ = clean_environment(data_dir)
        if command != KONTOR:
            environ.pop("PYTHONPATH", None)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [command, "up", "--port", str(self.port), *options],
                cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        wait_for(self.is_ready)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return (
                is_listening("127.0.0.1", self.port)
                and httpx.get(f"{self.url}/readyz", verify=False).status_code == 200
            )
        except httpx.TransportError:
            return False

    def children(self) -> dict[int, str]:
        """Process ids and command lines of the supervisor's children."""
        commands = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and is_alive(int(entry.name)):
                try:
                    stat = (entry / "stat").read_text().rpartition(")")[2].split()
                    line = (entry / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if int(stat[1]) == self.process.pid:
                    commands[int(entry.name)] = line
        return commands

    def roles(self) -> list[str]:
        return sorted(line.removeprefix("kontor ") for line in self.children().values() if line.startswith("kontor "))

    def server(self, program: str) -> int:
        folder = self.data_dir / program.removesuffix("-server")
        return min(pid for pid in processes_in(folder, program) if pid in self.children())

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(stack: ExitStack, data_dir: Path) -> Up:
    up = Up(data_dir)
    stack.callback(lambda: up.process.poll() is None and up.end(signal.SIGTERM))
    return up


def echo(up: Up, key: str) -> object:
    job = {"task": "probe.echo", "args": {"message": "hello"}}
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.post(f"{up.url}/v1/jobs", params={"wait": 30}, json=job, headers=headers, timeout=40)
    return answer.json()["result"]


def first_key(up: Up) -> str:
    key = json.loads((up.data_dir / "first-login.json").read_text())["api_key"]
    assert isinstance(key, str)
    return key


def all_stopped(up: Up, pids: dict[int, str]) -> bool:
    servers = [
        *processes_in(up.data_dir / "postgres", "postgres"),
        *processes_in(up.data_dir / "valkey", "valkey-server"),
    ]
    return not servers and not any(is_alive(pid) for pid in pids)


def test_up_runs_every_role_and_stops_cleanly(tmp_path: Path, stack: ExitStack) -> None:
    up = start(stack, tmp_path / "data")
    wait_for(lambda: up.roles() == ROLES)
    children = up.children()
    key = first_key(up)
    assert echo(up, key) == {"message": "hello"}
    wait_for(lambda: "first-login.json" in up.log.read_text())
    login = json.loads((up.data_dir / "first-login.json").read_text())
    assert stat.S_IMODE((up.data_dir / "first-login.json").stat().st_mode) == 0o600
    assert not any(login[name] in up.log.read_text() for name in ("password", "api_key"))
    listed = subprocess.run(
        [KONTOR, "keys", "list"], cwd=ROOT, env=clean_environment(up.data_dir), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert "first start" in listed.stdout
    assert up.end(signal.SIGINT) == 0
    assert all_stopped(up, children)
    assert "Traceback" not in up.log.read_text()


def test_killed_processes_are_restarted_and_work_continues(tmp_path: Path, stack: ExitStack) -> None:
    up = start(stack, tmp_path / "data")
    wait_for(lambda: up.roles() == ROLES)
    key, before = first_key(up), up.children()
    victims = {*before, up.server("postgres"), up.server("valkey-server")}
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not any(is_alive(pid) for pid in victims))
    wait_for(lambda: up.roles() == ROLES and up.is_ready())
    assert set(up.children()).isdisjoint(victims)
    assert echo(up, key) == {"message": "hello"}


def test_killed_up_leaves_no_process_and_restarts_on_the_same_data(tmp_path: Path, stack: ExitStack) -> None:
    up = start(stack, tmp_path / "data")
    wait_for(lambda: up.roles() == ROLES)
    key, children = first_key(up), up.children()
    up.end(signal.SIGKILL)
    wait_for(lambda: all_stopped(up, children))
    again = start(stack, tmp_path / "data")
    assert echo(again, key) == {"message": "hello"}
    assert again.log.read_text().count("First start") == 1


def descendants(pid: int) -> set[int]:
    """The process ids below a process, itself included."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    below = {pid}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    return below


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_up_comes_back_when_every_process_was_killed_in_any_order_during_work(tmp_path: Path, stack: ExitStack) -> None:
    up = start(stack, tmp_path / "data")
    wait_for(lambda: up.roles() == ROLES)
    key = first_key(up)
    headers = {"Authorization": f"Bearer {key}"}
    for seed in range(2):
        jobs = [{"task": "probe.echo", "args": {"message": str(number)}} for number in range(2_000)]
        httpx.post(f"{up.url}/v1/jobs/batch", json={"jobs": jobs}, headers=headers, timeout=40).raise_for_status()
        victims = sorted(descendants(up.process.pid))
        Random(seed).shuffle(victims)
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        up.process.wait()
        up = start(stack, tmp_path / "data")
        assert echo(up, key) == {"message": "hello"}


def test_second_up_on_the_same_data_or_port_is_refused_in_one_line(tmp_path: Path, stack: ExitStack) -> None:
    up = start(stack, tmp_path / "data")
    for arguments, data_dir in (
        (["--port", str(free_port())], up.data_dir),
        (["--port", str(up.port)], tmp_path / "other"),
    ):
        second = subprocess.run(
            [KONTOR, "up", *arguments], cwd=ROOT, env=clean_environment(data_dir), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert second.returncode == 1
        assert len(second.stderr.splitlines()) == 1
        assert second.stderr.startswith("kontor: ")
