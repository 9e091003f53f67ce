"""`python -m bench.outside`: outside work on two workers of eight threads: slow jobs, a neighbour, waiting callers.

Figures of engine.md section 2. The workers are warm: sixty quick jobs of the same task come first.
"""

import argparse
import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import psycopg

from bench.environment import ROOT, libpq
from bench.memory import WORKERS, commands_for, wait_for
from bench.processes import Command, Failed, check_alive, running
from kontor.adapters.embedded.endpoints import Endpoints
from kontor.adapters.embedded.servers import embedded_servers
from kontor.kernel.database import PgConnection
from workers.migrations import migrate

THREADS = 8
LEFT = "SELECT count(*) FROM jobs WHERE task = 'probe.echo'"
SECONDS = """
SELECT extract(epoch FROM max(finished_at) - min(created_at))::float8 FROM jobs_archive WHERE tenant = %s
"""
PUSHED = "SELECT count(*) FROM jobs_archive WHERE task = 'bench.push'"
PUSH_SECONDS = """
SELECT extract(epoch FROM max(finished_at) - min(created_at))::float8 FROM jobs_archive WHERE task = 'bench.push'
"""
Probe = Mapping[str, object]
CALLERS, CALL_SECONDS, ANSWERED_BY = 80, 6.0, 8.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value beside its limit; `at_least` or at most."""

    name: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def missed(self) -> bool:
        """Whether the limit is missed."""
        return self.value < self.limit if self.at_least else self.value > self.limit


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running deployment: its database, the port of its web process and an admin key."""

    sql: PgConnection
    endpoints: Endpoints
    port: int
    key: str

    def put(self, jobs: Sequence[Probe]) -> None:
        """Enqueue jobs in one request. Raises Failed."""
        self.post("/v1/jobs/batch", {"jobs": list(jobs)})

    def post(self, path: str, document: object, method: str = "POST") -> int:
        """Send a document and return the status. Raises Failed unless it is a success."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, json.dumps(document), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status not in (200, 201, 202):
            raise Failed(f"{path} answered {answer.status}: {text[:300]}")
        return answer.status

    def settle(self) -> None:
        """Wait until no probe is left."""
        wait_for(lambda: self.ask(LEFT) == 0, "the jobs")

    def ask(self, statement: str, *values: object) -> float:
        """Return the number that a statement selects."""
        row = self.sql.execute(statement, values).fetchone()
        return float(row[0]) if row and row[0] is not None else 0.0

    def warm_up(self) -> None:
        """Run sixty quick jobs."""
        self.put([echo(0.0, "warm") for _ in range(60)])
        self.settle()


def echo(seconds: float, tenant: str) -> Probe:
    """Return a probe that takes so long."""
    return {"task": "probe.echo", "args": {"seconds": seconds}, "tenant": tenant}


def slow_jobs(deployment: Deployment) -> Figure:
    """Measure 24 jobs of 2 s on 16 threads."""
    deployment.put([echo(2.0, "slow") for _ in range(24)])
    deployment.settle()
    return Figure("24 jobs of 2 s on 16 threads, seconds", deployment.ask(SECONDS, "slow"), 5.0)


def neighbour(deployment: Deployment) -> Figure:
    """Measure an instant job of one tenant beside 8 jobs of 3 s of another, enqueued together."""
    deployment.put([*(echo(3.0, "a") for _ in range(8)), echo(0.0, "b")])
    deployment.settle()
    return Figure("an instant job beside another tenant's 8 of 3 s, seconds", deployment.ask(SECONDS, "b"), 0.5)


def waiting_callers(deployment: Deployment) -> Figure:
    """Count how many of 80 callers that wait for jobs of 6 s have their answer in the first 8 s."""
    probe = echo(CALL_SECONDS, "callers")

    def call(_: int) -> bool:
        return deployment.post(f"/v1/jobs?wait={ANSWERED_BY:.0f}", probe) == 200

    with ThreadPoolExecutor(CALLERS) as pool:
        answered = sum(pool.map(call, range(CALLERS)))
    deployment.settle()
    return Figure("of 80 callers of 6 s jobs, answered in the first 8 s", answered, 2 * THREADS, at_least=True)


class SlowHandler(BaseHTTPRequestHandler):
    """A handler of push jobs: each call takes two seconds."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer 200 after two seconds."""
        self.rfile.read(int(self.headers["Content-Length"]))
        Event().wait(2.0)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def slow_handler() -> Iterator[str]:
    """Serve during the block; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), SlowHandler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/kontor"
    finally:
        server.shutdown()
        server.server_close()


def push_jobs(deployment: Deployment) -> Figure:
    """Measure 24 jobs of a push type whose handler takes 2 s, on 16 threads, without a lane."""
    with slow_handler() as url:
        deployment.post("/v1/task-types/bench.push", {"handler": {"push": url}, "lane": "none"}, "PUT")
        deployment.put([{"task": "bench.push", "args": {}} for _ in range(24)])
        wait_for(lambda: deployment.ask(PUSHED) == 24, "the push jobs")
    seconds = deployment.ask(PUSH_SECONDS)
    deployment.sql.execute("DELETE FROM jobs_archive WHERE task = 'bench.push'")
    return Figure("24 push jobs of 2 s on 16 threads, seconds", seconds, 5.0)


def make_key(command: Command) -> str:
    """Create an admin key with the environment of a process. Raises Failed."""
    argv = [
        sys.executable,
        "-m",
        "kontor.cli.main",
        "keys",
        "create",
        "--name",
        "bench",
        "--scope",
        "enqueue",
        "--scope",
        "admin",
        "--json",
    ]
    made = subprocess.run(argv, cwd=ROOT, env=dict(command.environ), capture_output=True, text=True, check=False)
    if made.returncode:
        raise Failed(f"no API key: {made.stderr.strip()}")
    made_key: str = json.loads(made.stdout)["secret"]
    return made_key


def measure(endpoints: Endpoints, folder: Path) -> list[Figure]:
    """Start web, relay and two workers and take the figures. Raises Failed."""
    log = folder / "outside.log"
    web, relay, worker, _ = commands_for(endpoints, THREADS, forked=False, folder=folder)
    with (
        running([web, relay, worker, worker], log) as processes,
        psycopg.connect(libpq(endpoints.database_url), autocommit=True) as sql,
    ):
        deployment = Deployment(sql, endpoints, int(web.environ["PORT"]), make_key(web))
        wait_for(lambda: deployment.ask(WORKERS) == 2, "the start")
        check_alive(processes, log)
        figures = []
        steps: list[Callable[[Deployment], Figure]] = [slow_jobs, push_jobs, neighbour, waiting_callers]
        for step in steps:
            deployment.warm_up()
            figures.append(step(deployment))
        return figures


def main() -> int:
    """Measure on embedded servers; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(prog="bench.outside", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often to take each figure; the median counts")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="kontor-outside-") as name, embedded_servers(Path(name) / "servers") as endpoints:
        migrate(endpoints.database_url)
        rounds = [measure(endpoints, Path(name)) for _ in range(options.rounds)]
    missed = 0
    for taken in zip(*rounds, strict=True):
        figure = sorted(taken, key=lambda figure: figure.value)[len(taken) // 2]
        missed += figure.missed
        sign = ">=" if figure.at_least else "<="
        print(f"{figure.name:<60}{figure.value:>8.2f}  {sign} {figure.limit:g}{'  MISSED' if figure.missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as problem:
        sys.exit(f"bench.outside: {problem}")
