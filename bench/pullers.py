"""`python -m bench.pullers`: pull workers that wait: how soon one gets a job, and what a thousand cost the others.

Figures of provisioning.md section 5, on one web process. The time begins when the enqueue's COMMIT has returned.
"""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import monotonic
from typing import Any, Final

import psycopg
import redis

from bench.environment import ROOT, libpq
from bench.memory import commands_for, wait_for
from bench.outside import Figure
from bench.processes import Command, Failed, running
from kontor.adapters.clock import SystemClock
from kontor.adapters.embedded.endpoints import Endpoints
from kontor.adapters.embedded.servers import embedded_servers
from kontor.adapters.redis_doorbell import RedisKeys, RedisRelayHint
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.kernel.database import PgConnection
from kontor.task_types import registry
from tasks.catalogue import catalogue
from workers.migrations import migrate
from workers.namespaces import chosen_namespace

TASK: Final = "bench.pull"
KEYS: Final = 25
WAIT: Final = 30
QUIET_TASK: Final = "bench.quiet"
"""The thousand wait for jobs that never come."""


@dataclass(frozen=True, slots=True)
class WebProcess:
    """The web process under measurement and an admin key."""

    port: int
    key: str

    def call(self, method: str, path: str, document: object = None) -> Any:
        """Make one call; return the answer's document. Raises Failed unless it is a success."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        answer = exchange(connection, self.key, method, path, document)
        connection.close()
        return answer


def exchange(connection: HTTPConnection, key: str, method: str, path: str, document: object = None) -> Any:
    """Make one call on a connection. Raises Failed unless it is a success."""
    body = None if document is None else json.dumps(document)
    connection.request(method, path, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status >= 300:
        raise Failed(f"{path} answered {answer.status}: {text[:300]}")
    return json.loads(text)


def make_key(command: Command, *scopes: str) -> str:
    """Create a key with the environment of a process. Raises Failed."""
    flags = [flag for scope in scopes for flag in ("--scope", scope)]
    argv = [sys.executable, "-m", "kontor.cli.main", "keys", "create", "--name", "bench", *flags, "--json"]
    made = subprocess.run(argv, cwd=ROOT, env=dict(command.environ), capture_output=True, text=True, check=False)
    if made.returncode:
        raise Failed(f"no API key: {made.stderr.strip()}")
    return str(json.loads(made.stdout)["secret"])


class OnePuller:
    """A pull worker in a thread: leases, completes, and notes when each job came."""

    def __init__(self, web: WebProcess, key: str) -> None:
        self.came: dict[str, float] = {}
        self.waits = Event()
        self._ended = False
        self._web, self._key = web, key
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._web.port, timeout=60)
        asked = {"tasks": [TASK], "max": 1, "wait": WAIT, "worker": "one"}
        while True:
            self.waits.set()
            items = exchange(connection, self._key, "POST", "/v1/leases", asked)["items"]
            at = monotonic()
            if self._ended:
                return
            for item in items:
                exchange(connection, self._key, "POST", f"/v1/leases/{item['lease']}/complete", {})
                self.came[item["job"]["id"]] = at

    def arrival(self, job_id: str) -> float:
        """Wait for a job; return when it came, in monotonic seconds. Raises Failed."""
        deadline = monotonic() + WAIT + 10
        while job_id not in self.came:
            if monotonic() > deadline:
                raise Failed("no job came")
            Event().wait(0.002)
        return self.came[job_id]

    def end(self) -> None:
        """Stop with the next job, which stays behind."""
        self._ended = True


def latencies(web: WebProcess, sql: PgConnection, jobs: Jobs, key: str, rounds: int) -> list[float]:
    """Return the milliseconds from each commit to the answer of a waiting worker."""
    puller, taken = OnePuller(web, key), []
    for number in range(rounds + 10):
        puller.waits.wait(10)
        puller.waits.clear()
        Event().wait(0.03)  # until the call waits
        job_id = str(jobs.enqueue_on(sql, JobRequest(TASK, {})).id)
        committed = monotonic()
        jobs.doorbell.ring()
        at = puller.arrival(job_id)
        if number >= 10:
            taken.append((at - committed) * 1000)
    puller.end()
    jobs.enqueue_on(sql, JobRequest(TASK, {}))
    return taken


async def pull_for_ever(port: int, key: str, number: int, total: int) -> None:
    """Wait for jobs that never come, again and again; begin at a moment of one's own within the wait."""
    body = json.dumps({"tasks": [QUIET_TASK], "max": 1, "wait": WAIT, "worker": f"w{number}"}).encode()
    head = (
        f"POST /v1/leases HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    await asyncio.sleep(number / total * 10)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        writer.write(head + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise Failed(answer.decode())
        size = next(int(line.split(b":")[1]) for line in answer.lower().split(b"\r\n") if b"content-length" in line)
        await reader.readexactly(size)


async def crowd(port: int, keys: Sequence[str], count: int) -> None:
    """Let a number of workers wait for ever."""
    await asyncio.gather(*(pull_for_ever(port, keys[n % len(keys)], n, count) for n in range(count)))


@contextmanager
def crowded(port: int, keys: Sequence[str], count: int) -> Iterator[None]:
    """Let a process with that many waiting workers run during the block."""
    argv = [sys.executable, "-m", "bench.pullers", "--crowd", str(count), "--port", str(port)]
    process = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(keys).encode())
    process.stdin.close()
    Event().wait(13)
    try:
        if process.poll() is not None:
            raise Failed("the waiting workers ended")
        yield
    finally:
        process.kill()
        process.wait()


def other_calls(web: WebProcess, seconds: float) -> list[float]:
    """Return the milliseconds of calls of one caller: reads, an enqueue, 50 a second."""
    connection, taken, end = HTTPConnection("127.0.0.1", web.port, timeout=60), [], monotonic() + seconds
    calls: Sequence[tuple[str, str, Mapping[str, object] | None]] = [
        ("GET", "/v1/task-types", None),
        ("GET", "/v1/queues", None),
        ("POST", "/v1/jobs", {"task": "probe.echo", "args": {"message": "x"}}),
        ("GET", "/v1/jobs?limit=20", None),
    ]
    while monotonic() < end:
        for method, path, body in calls:
            began = monotonic()
            exchange(connection, web.key, method, path, body)
            taken.append((monotonic() - began) * 1000)
            Event().wait(0.01)
    return taken


def measure(endpoints: Endpoints, folder: Path, rounds: int, count: int) -> list[Figure]:
    """Start web, relay and a worker and take the figures. Raises Failed."""
    web_command, relay, worker, _ = commands_for(endpoints, 8, forked=False, folder=folder)
    with (
        running([web_command, relay, worker], folder / "pullers.log"),
        psycopg.connect(libpq(endpoints.database_url), autocommit=True) as sql,
    ):
        web = WebProcess(int(web_command.environ["PORT"]), make_key(web_command, "admin", "enqueue", "read", "work"))
        wait_for(lambda: _answers(web), "the start")
        bench_key = {"name": "bench", "scopes": ["work"]}
        keys = [str(web.call("POST", "/v1/keys", bench_key)["secret"]) for _ in range(KEYS)]
        for task in (TASK, QUIET_TASK):
            web.call("PUT", f"/v1/task-types/{task}", {"handler": "pull"})
        tasks = catalogue()
        registry.refresh(sql, tasks)
        hint = RedisRelayHint(redis.Redis.from_url(endpoints.redis_url), RedisKeys(chosen_namespace(sql, "")))
        jobs = Jobs(tasks, SystemClock(), hint)
        taken = latencies(web, sql, jobs, keys[0], rounds)
        alone = other_calls(web, 5)
        with crowded(web.port, keys, count):
            beside = other_calls(web, 20)
            busy = latencies(web, sql, jobs, keys[0], rounds)
        hint.close()
    return [
        Figure("ms from commit to a waiting worker, p50", percentile(taken, 50), 10),
        Figure("ms from commit to a waiting worker, p99", percentile(taken, 99), 100),
        Figure("ms of other calls, nobody waits, p99", percentile(alone, 99), 50),
        Figure(f"ms of other calls, {count} workers wait, p99", percentile(beside, 99), 50),
        Figure(f"ms from commit to a worker beside {count}, p50", percentile(busy, 50), 10),
    ]


def _answers(web: WebProcess) -> bool:
    try:
        web.call("GET", "/v1/queues")
    except (OSError, Failed):
        return False
    return True


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile."""
    return quantiles(values, n=100)[percent - 1]


def main() -> int:
    """Measure on embedded servers; 1 when a limit is missed."""
    parser = argparse.ArgumentParser(prog="bench.pullers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="jobs for the latency")
    parser.add_argument("--count", type=int, default=1_000, help="workers that wait")
    parser.add_argument("--crowd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.crowd:
        asyncio.run(crowd(options.port, json.load(sys.stdin), options.crowd))
    with TemporaryDirectory(prefix="kontor-pullers-") as name, embedded_servers(Path(name) / "servers") as endpoints:
        migrate(endpoints.database_url)
        figures = measure(endpoints, Path(name), options.rounds, options.count)
    for figure in figures:
        print(f"{figure.name:<60}{figure.value:>8.2f}  <= {figure.limit:g}{'  MISSED' if figure.missed else ''}")
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as problem:
        sys.exit(f"bench.pullers: {problem}")
