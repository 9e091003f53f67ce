"""Row 8: how soon `kontor up` is ready on an existing data directory, and what its processes weigh."""

import http.client
import sys
import time
from pathlib import Path
from subprocess import Popen

from bench.environment import BenchEnvironment
from bench.kontor import environ
from bench.proc import family, resident_megabytes
from bench.processes import Command, Failed, running
from bench.results import Budget, Figure, Row, of_samples
from bench.rows.api import free_port
from bench.run import Run

PATIENCE = 90.0
POLL = 0.02
GIVEN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "KONTOR_NAMESPACE")
CEILINGS = {"worker": 120, "relay": 80, "scheduler": 80}


def measure(run: Run) -> Row:
    """The first start makes the data directory and is reported apart."""
    samples: list[float] = []
    memory: dict[str, float] = {}
    with run.steps("start", run.share(5, 2) + 1) as step:
        for number in range(run.share(5, 2) + 1):
            step("first start" if number == 0 else f"start {number}")
            samples.append(start_once(run.environment, memory))
    first, *later = samples
    budget = Budget(5, at_least=False, decides=False)
    weighed = [
        Figure(f"memory of {role}", size, "MB", Budget(CEILINGS[role], at_least=False, decides=False))
        for role, size in sorted(memory.items())
    ]
    return Row("start", "kontor up, on embedded servers of its own", [
        of_samples("ready, existing data directory", later, "s", budget),
        Figure("ready, first start", first, "s"),
        *weighed,
    ])  # fmt: skip


def command(environment: BenchEnvironment, port: int) -> Command:
    """`kontor up` with a data directory of its own."""
    inherited = {key: value for key, value in environ(environment).items() if key not in GIVEN}
    own = {"KONTOR_DATA_DIR": str(environment.folder / "start")}
    return Command("up", [sys.executable, "-m", "kontor.cli.main", "up", "--port", str(port)], {**inherited, **own})


def start_once(environment: BenchEnvironment, memory: dict[str, float]) -> float:
    """Seconds from exec to a ready answer; also weighs the processes. Raises Failed."""
    port, log = free_port(), environment.folder / "log" / "start.log"
    began = time.monotonic()
    with running([command(environment, port)], log) as processes:
        wait_until_ready(port, processes[0], log)
        seconds = time.monotonic() - began
        for pid in family(processes[0].pid):
            role = role_of(pid)
            if role in CEILINGS:
                memory[role] = max(memory.get(role, 0.0), resident_megabytes(pid))
    return seconds


def wait_until_ready(port: int, process: "Popen[bytes]", log: Path) -> None:
    """Ask /readyz until it says yes. Raises Failed."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"kontor up ended with {process.returncode}; see {log}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(POLL)
        finally:
            connection.close()
    raise Failed(f"kontor up was not ready within {PATIENCE:.0f} s; see {log}")


def role_of(pid: int) -> str:
    """The word after `kontor` in a process's command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except FileNotFoundError:
        return ""
    return next((word for word in words if word in CEILINGS), "")
