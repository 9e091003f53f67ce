"""A seeded soak: everything is killed at random under load; then acknowledged jobs are compared with the ledger."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from uuid import UUID

import redis
from rich.console import Console
from rich.table import Table
from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.adapters.embedded.servers import EmbeddedServers
from kontor.adapters.settings import Settings
from kontor.engine.enqueue import JobRequest
from tests.faults.checker import Verdict, judge
from tests.faults.fleet import Fleet, fleet
from tests.faults.load import Load
from tests.support.polling import wait_for

ROLES = ("relay", "relay", "worker", "worker", "scheduler")
PAUSE_SECONDS = (1.0, 4.0)
SETTLE_SECONDS = 180.0
BURST = (1, 40)
CROWDED = text("SELECT count(*) = 1500 FROM (SELECT FROM jobs WHERE state <> 'dead' LIMIT 1500) AS waiting")


class Driver(Load):
    """Enqueues bursts, and records committed ids outside the database."""

    pause = 0.2

    def __init__(self, settings: Settings, seed: int, number: int, id_log: Path) -> None:
        super().__init__(settings, f"driver-{number}", number * 10_000_000)
        self._random = Random(f"{seed} driver {number}")
        self._id_log = id_log

    def burst(self, session: Session) -> list[JobRequest]:
        """A random number of jobs of one tenant; none while too many wait."""
        return [] if session.scalar(CROWDED) else self._burst()

    def committed(self, began: float, ids: Sequence[UUID]) -> None:
        """Remember committed ids, and append them to the file."""
        super().committed(began, ids)
        with self._id_log.open("a") as id_log:
            id_log.write("".join(f"{job_id}\n" for job_id in ids))

    def _burst(self) -> list[JobRequest]:
        tenant = f"t{self._random.randrange(5)}"
        return [self._request(tenant) for _ in range(self._random.randint(*BURST))]

    def _request(self, tenant: str) -> JobRequest:
        self._numbers += 1
        kind = self._random.choices(["single", "batch", "rerun", "verify", "park"], [3, 8, 3, 2, 1])[0]
        args = {"number": self._numbers, "fails": int(self._random.random() < 0.05)}
        if kind == "single" and self._random.random() < 0.2:
            args["children"] = 3
        laned = kind in {"rerun", "verify"} and self._random.random() < 0.2
        lane = f"lane-{self._random.randrange(4)}" if laned else None
        return JobRequest(f"fault.{kind}", args, tenant=tenant, lane=lane, priority=self._random.choice([0, 0, 0, 5]))


class Chaos:
    """Kills by a seeded plan, and restarts what it killed."""

    def __init__(self, made: Fleet, servers: EmbeddedServers, seed: int) -> None:
        self._fleet = made
        self._servers = servers
        self._random = Random(f"{seed} chaos")
        self.done: Counter[str] = Counter()
        self._kills: dict[str, Callable[[], None]] = {
            "worker": lambda: self._kill("worker"),
            "relay": lambda: self._kill("relay"),
            "scheduler": lambda: self._kill("scheduler"),
            "redis": self._redis,
            "flush": self._flush,
            "postgres": self._postgres,
        }

    def play(self, until: float) -> None:
        """Kill something now and then until the monotonic time `until`; every kind of kill at least once."""
        first = self._random.sample(sorted(self._kills), len(self._kills))
        while time.monotonic() < until or first:
            time.sleep(self._random.uniform(*PAUSE_SECONDS))
            name = first.pop() if first else self._random.choices(list(self._kills), [8, 3, 1, 2, 2, 2])[0]
            self._kills[name]()
            self.done[name] += 1

    def _kill(self, role: str) -> None:
        victim = self._random.choice([member for member in self._fleet.members if member.role == role])
        victim.kill()
        self._fleet.replace(victim)

    def _redis(self) -> None:
        server = self._servers.valkey
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        server.start()
        server.wait_ready()

    def _flush(self) -> None:
        with redis.Redis.from_url(self._servers.valkey.url) as client:
            client.flushall()

    def _postgres(self) -> None:
        server = self._servers.postgres
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        server.start()
        server.wait_ready()


def run(console: Console, servers: EmbeddedServers, settings: Settings, seconds: float, seed: int) -> bool:
    """Soak, settle, judge and print; returns whether no job was lost or doubled."""
    folder = servers.data_dir / "fleet"
    console.print(f"soak: {seconds:.0f} s, seed {seed}; settings in {folder}")
    with fleet(settings, folder, *ROLES) as made:
        made.workers(2)
        drivers = [Driver(settings, seed, number, folder / f"ids-{number}") for number in (1, 2)]
        for driver in drivers:
            driver.start()
        chaos = Chaos(made, servers, seed)
        began = time.monotonic()
        chaos.play(began + seconds)
        for driver in drivers:
            driver.stop()
        return finish(console, made, drivers, chaos, time.monotonic() - began)


def finish(console: Console, made: Fleet, drivers: list[Driver], chaos: Chaos, lasted: float) -> bool:
    """Wait for the remaining work, judge and print."""
    began = time.monotonic()
    for member in [member for member in made.members if member.dead]:
        made.replace(member)
    wait_for(lambda: made.open_jobs() == 0, "all jobs finished after the soak", SETTLE_SECONDS)
    settled = time.monotonic() - began
    acknowledged = [job_id for driver in drivers for job_id in driver.ids]
    verdict = judge(made, acknowledged)
    console.print(summary(verdict, chaos.done, len(acknowledged), lasted, settled))
    for fault in verdict.faults[:20]:
        console.print(f"[red]{fault}[/red]")
    return verdict.good and verdict.jobs > 0


def summary(verdict: Verdict, done: Counter[str], acknowledged: int, lasted: float, settled: float) -> Table:
    """Build the table of kills and outcomes."""
    table = Table(title="soak", show_header=False)
    kills = ", ".join(f"{name} {count}x" for name, count in sorted(done.items()))
    for name, value in (
        ("lasted", f"{lasted:.0f} s, then {settled:.1f} s until all was done"),
        ("killed", kills),
        ("acknowledged", str(acknowledged)),
        ("jobs, children and unsure commits included", str(verdict.jobs)),
        ("succeeded", str(verdict.succeeded)),
        ("parked for a person (policy park)", str(verdict.parked)),
        ("in hand when a worker died", str(verdict.crashed)),
        ("outside effects repeated under the same key", str(verdict.repeated)),
        ("outside effects under another key", str(verdict.strange)),
        ("lost", str(verdict.missing)),
        ("doubled in PostgreSQL", str(verdict.doubled)),
    ):
        table.add_row(name, value)
    return table


if __name__ == "__main__":
    from tests.faults.chaos import main

    sys.exit(main(["--only", "soak", *sys.argv[1:]]))
