"""Row 5: POST /v1/jobs beside the same framework doing one bare INSERT."""

import json
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from subprocess import Popen

from bench.environment import BenchEnvironment
from bench.kontor import DATABASE, environ, make_schema
from bench.observation import SECONDS, Observation
from bench.processes import Command, Failed, check_alive, running
from bench.results import Budget, Figure, Row, of_samples, percentile, ratios
from bench.rows.enqueue import BARE, empty
from bench.run import Run

CONNECTIONS = 8
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Answered:
    """One load: requests/s, latencies in ms."""

    rate: float
    latencies: Sequence[float]
    refused: int


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_key(environment: BenchEnvironment, database: str, scope: str) -> str:
    """An API key of one scope."""
    argv = [sys.executable, "-m", "kontor.cli.main", "keys", "create", "--name", "bench", "--scope", scope, "--json"]
    made = subprocess.run(argv, env=environ(environment, database), capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Failed(f"no API key: {made.stderr.strip()}")
    created = json.loads(made.stdout)
    unlimited = [*argv[:3], "limits", "set", "api_rate", "1000000", "--key", created["id"]]
    set_ = subprocess.run(unlimited, env=environ(environment, database), capture_output=True, text=True, check=False)
    if set_.returncode != 0:
        raise Failed(f"no rate for the API key: {set_.stderr.strip()}")
    return str(created["secret"])


def wait_until_open(port: int, process: "Popen[bytes]", environment: BenchEnvironment) -> None:
    """Wait until a server listens. Raises Failed."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        check_alive([process], environment.folder / "log" / "api.log")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Failed(f"nothing listens on port {port} after {PATIENCE:.0f} s")


def load(environment: BenchEnvironment, port: int, key: str, seconds: float, rate: float = 0.0) -> Answered:
    """Load one server from another process."""
    words = [str(port), key, str(CONNECTIONS), str(seconds), *([str(rate)] if rate else [])]
    argv = [sys.executable, "-m", "bench.load_client", *words]
    done = subprocess.run(argv, env=environ(environment), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"the load client ended with {done.returncode}")
    return Answered(**json.loads(done.stdout))


def measure(run: Run) -> Row:
    """Both servers up, loaded in turn; then Kontor's at half of what it can do."""
    environment = run.environment
    make_schema(environment)
    with environment.connect(DATABASE) as connection:
        connection.execute(BARE)
    key, ports = make_key(environment, DATABASE, "enqueue"), {"kontor": free_port(), "bare": free_port()}
    commands = [
        Command(
            "web",
            [sys.executable, "-m", "kontor.cli.main", "web", "--port", str(ports["kontor"])],
            environ(environment),
        ),
        Command("bare", [sys.executable, "-m", "bench.bare_app", str(ports["bare"])], environ(environment)),
    ]
    loads: dict[str, list[Answered]] = defaultdict(list)
    with (
        running(commands, environment.folder / "log" / "api.log") as processes,
        run.steps("api", 2 * run.rounds + 3) as step,
    ):
        for name, process in zip(ports, processes, strict=True):
            wait_until_open(ports[name], process, environment)
            step(f"warm-up: {name}")
            load(environment, ports[name], key, 2)
        for number in range(run.rounds):
            for name in sorted(ports, reverse=number % 2 == 0):
                step(f"round {number + 1}: {name}")
                empty(environment)
                loads[name].append(load(environment, ports[name], key, run.share(4, 3)))
        step("half load")
        half = sorted(load_result.rate for load_result in loads["kontor"])[run.rounds // 2] / 2
        gentle = load(environment, ports["kontor"], key, run.share(10, 5), half)
        rows = figures(loads, gentle)
        profile: list[str] = []
        if rows[0].missed:
            observation = Observation(environment, DATABASE)
            observation.start({"web": processes[0].pid})
            load(environment, ports["kontor"], key, SECONDS + 1)
            profile = observation.lines()
    return Row("api", "POST /v1/jobs, 8 connections", rows, refused(loads, gentle), profile)


def figures(loads: Mapping[str, Sequence[Answered]], gentle: Answered) -> list[Figure]:
    """The ratio, the rates, and the tail at half load."""
    rates = {name: [load_result.rate for load_result in answers] for name, answers in loads.items()}
    tail = Budget(25, at_least=False, decides=False)
    return [
        of_samples("POST /v1/jobs / bare INSERT", ratios(rates["kontor"], rates["bare"]), "x", Budget(0.8)),
        of_samples("POST /v1/jobs", rates["kontor"], "requests/s"),
        of_samples("bare INSERT", rates["bare"], "requests/s"),
        Figure("p99 at half load", percentile(gentle.latencies, 99), "ms", tail, note=f"{gentle.rate:.0f} requests/s"),
        Figure("p50 at half load", percentile(gentle.latencies, 50), "ms"),
    ]


def refused(loads: Mapping[str, Sequence[Answered]], gentle: Answered) -> list[str]:
    """Answers other than 202 spoil the measurement."""
    counts = {name: sum(load_result.refused for load_result in answers) for name, answers in loads.items()}
    counts["kontor"] += gentle.refused
    return [f"{name}: {count} answers were not 202" for name, count in counts.items() if count]
