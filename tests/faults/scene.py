"""A fault on a running fleet under a steady load: what a row of the table does, measures and compares."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from rich.console import Console
from rich.table import Table

from kontor.adapters.embedded.servers import EmbeddedServers
from kontor.adapters.settings import Settings
from kontor.kernel.database import PgConnection
from tests.faults.checker import Verdict, judge
from tests.faults.fleet import Fleet, Member, fleet
from tests.faults.load import Load
from tests.faults.recovery import begun, owner
from tests.faults.tasks import Sink
from tests.support.polling import WaitTimeout, wait_for

THREADS = 8
TAKE_OVER, TRANSACTIONAL, EXTERNAL, REPLY = 10.0, 5.0, 15.0, 5.0
"""Limits in seconds."""
PATIENCE = 90.0
OPEN = "SELECT count(*) FROM jobs WHERE state <> 'dead' AND starts_with(task, 'fault.')"
ARCHIVED = "SELECT count(*) FROM jobs_archive WHERE id = ANY(%s::uuid[])"
NUMBERS = count(50_000_000)


@dataclass
class Scene:
    """A fleet under load, and what a fault did to it. `ended`: workers whose threads may each repeat one effect."""

    made: Fleet
    servers: EmbeddedServers
    load: Load
    ids: list[UUID] = field(default_factory=list)
    ended: int = 0
    _connection: PgConnection | None = None

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Ask PostgreSQL over one connection; nothing while it is away."""
        try:
            if self._connection is None:
                self._connection = self.made.connect()
            return self._connection.execute(statement, values).fetchall()
        except psycopg.OperationalError:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return []

    def close(self) -> None:
        """End the load and the connection."""
        self.load.stop()
        if self._connection is not None:
            self._connection.close()

    def members(self, role: str) -> list[Member]:
        return [member for member in self.made.members if member.role == role]

    def put(self, kind: str, jobs: int = 1, *, gated: bool = False, **options: str) -> list[int]:
        """Enqueue counted jobs in one transaction; returns their numbers."""
        numbers = [next(NUMBERS) for _ in range(jobs)]
        requests = [(f"fault.{kind}", {"number": number, "gated": gated}, options) for number in numbers]
        self.ids += self.made.put(requests)
        return numbers

    def open_gates(self, numbers: Sequence[int], attempts: Sequence[int] = (1, 2, 3, 4)) -> None:
        for number in numbers:
            for attempt in attempts:
                self.made.sink.open_gate(number, attempt)

    def begin(self, kind: str, jobs: int) -> dict[int, int]:
        """Let jobs wait at their gates, each with a doorbell of its own; returns the process id of each number."""
        numbers: list[int] = []
        for _ in range(jobs):
            numbers += self.put(kind, gated=True)
            wait_for(partial(self.have_begun, tuple(numbers), 1), "a job in hand", PATIENCE)
        return begun(self.made, numbers, 1)

    def have_begun(self, numbers: Sequence[int], attempt: int) -> bool:
        return len(begun(self.made, numbers, attempt)) == len(numbers)

    def in_hand(self, kind: str, jobs: int) -> tuple[Member, list[int], list[int]]:
        """Let jobs wait at their gates; returns a worker, the numbers of its jobs and those of the others'."""
        pids = self.begin(kind, jobs)
        numbers = list(pids)
        pid = pids[numbers[0]]
        mine = [number for number in numbers if pids[number] == pid]
        return owner(self.made, pid), mine, [number for number in numbers if pids[number] != pid]

    def done(self, ids: Sequence[UUID]) -> bool:
        return self.ask(ARCHIVED, [list(ids)]) == [(len(ids),)]

    def effects(self, numbers: Sequence[int]) -> bool:
        """Whether the jobs with these numbers are recorded."""
        query = "SELECT count(DISTINCT number) FROM effects WHERE number = ANY(%s)"
        return self.ask(query, [list(numbers)]) == [(len(numbers),)]

    def until(self, since: float, condition: Callable[[], bool], what: str) -> float:
        """Wait for a condition; returns the seconds since an instant. Raises WaitTimeout."""
        wait_for(condition, what, PATIENCE)
        return time.monotonic() - since

    def until_served(self, since: float) -> float:
        """Wait until a job that was enqueued after an instant is done; returns the seconds since then."""

        def served() -> bool:
            ids = self.load.since(since)
            return bool(ids) and self.ask(ARCHIVED, [ids]) not in ([], [(0,)])

        return self.until(since, served, "a job enqueued after the fault")

    def go_on(self) -> None:
        """Wait until the load of now is served, too."""
        self.until_served(time.monotonic())


@dataclass(frozen=True, slots=True)
class Fault:
    """A row: the fault, what stands still, the promise in seconds, how, and on which fleet.

    `inflict` of a `quiet` one starts the load itself.
    """

    name: str
    stops: str
    limit: float
    inflict: Callable[[Scene], float]
    roles: Sequence[str] = ("relay", "worker", "worker", "enqueuer")
    stop_milliseconds: int = 25_000
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a fault did. `per_thread`: the most repeated effects of one thread; `faults`: what broke a promise."""

    fault: Fault
    seconds: float
    acknowledged: int
    verdict: Verdict
    per_thread: int
    faults: tuple[str, ...]


def repeats_per_thread(sink: Sink) -> int:
    """The most effects of one thread that another attempt repeated."""
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in sink.lines():
        if "effect" in line:
            lines[line["key"]].append(line)
    repeated: Counter[tuple[int, int]] = Counter()
    for same in lines.values():
        for line in sorted(same, key=lambda line: int(line["run"]))[:-1]:
            repeated[line["pid"], line["thread"]] += 1
    return max(repeated.values(), default=0)


def broken_promises(fault: Fault, seconds: float, verdict: Verdict, per_thread: int, ended: int) -> tuple[str, ...]:
    """What is beyond the limits."""
    faults = list(verdict.faults[:5])
    if seconds > fault.limit:
        faults.append(f"recovered after {seconds:.1f} s, the limit is {fault.limit:.0f} s")
    if per_thread > 1:
        faults.append(f"{per_thread} effects of one thread were repeated")
    if verdict.repeated > ended * THREADS:
        faults.append(f"{verdict.repeated} effects were repeated, {ended * THREADS} threads ended")
    return tuple(faults)


def inflicted(scene: Scene, fault: Fault) -> tuple[float, list[str]]:
    """Put the load on, inflict the fault, wait until all is done; returns the seconds, and what did not happen."""
    seconds, unfinished = float("inf"), []
    try:
        if not fault.quiet:
            scene.load.start()
        if {"relay", "worker"} <= {member.role for member in scene.made.members}:
            scene.go_on()
        seconds = fault.inflict(scene)
        scene.go_on()
    except (WaitTimeout, AssertionError) as error:
        unfinished.append(str(error) or "a condition of the row does not hold")
    scene.load.stop()
    try:
        wait_for(lambda: scene.ask(OPEN) == [(0,)], "all jobs finished", PATIENCE)
    except WaitTimeout as error:
        unfinished.append(str(error))
    return seconds, unfinished


def observe(made: Fleet, servers: EmbeddedServers, fault: Fault) -> Outcome:
    """Inflict a fault on a running fleet, and compare what was acknowledged with what happened."""
    made.wipe()
    with closing(Scene(made, servers, Load(made.settings))) as scene:
        seconds, unfinished = inflicted(scene, fault)
        acknowledged = [*scene.load.ids, *scene.ids]
    verdict, per_thread = judge(made, acknowledged), repeats_per_thread(made.sink)
    faults = (*unfinished, *broken_promises(fault, seconds, verdict, per_thread, scene.ended))
    return Outcome(fault, seconds, len(acknowledged), verdict, per_thread, faults)


def run_fault(servers: EmbeddedServers, settings: Settings, folder: Path, fault: Fault) -> Outcome:
    """Start a fleet for one fault."""
    environ = {"FAULT_STOP_MILLISECONDS": str(fault.stop_milliseconds)}
    with fleet(settings, folder, *fault.roles, environ=environ) as made:
        made.workers(fault.roles.count("worker"))
        return observe(made, servers, fault)


def report(console: Console, outcome: Outcome) -> None:
    """Print one row as soon as it is known."""
    mark = "[red]FAULT[/red]" if outcome.faults else "ok"
    console.print(f"{outcome.fault.name}: {mark} after {outcome.seconds:.1f} s")
    for text in outcome.faults:
        console.print(f"  [red]{text}[/red]")


def table_of(title: str, outcomes: Sequence[Outcome]) -> Table:
    """The rows with their figures."""
    table = Table(title=title)
    for column in ("fault", "what stops"):
        table.add_column(column)
    for column in ("seconds", "limit", "jobs", "lost", "doubled", "repeats", "per thread"):
        table.add_column(column, justify="right")
    for outcome in outcomes:
        verdict = outcome.verdict
        counts = (verdict.jobs, verdict.missing, verdict.doubled, verdict.repeated, outcome.per_thread)
        figures = (f"{outcome.seconds:.1f}", f"{outcome.fault.limit:.0f}", *map(str, counts))
        table.add_row(outcome.fault.name, outcome.fault.stops, *figures)
    return table
