"""Every crash point with every kind of task: a real SIGKILL of a real process, and the outcome of the jobs."""

import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from tests.faults.checker import Verdict, judge
from tests.faults.fleet import Enqueuer, Fleet, Member
from tests.support.polling import wait_for

KINDS = ("single", "batch", "rerun", "verify", "park")
ROLE_OF_POINT = {
    "insert.before": "enqueuer",
    "insert.after": "enqueuer",
    "enqueued.before": "enqueuer",
    "enqueued.after": "enqueuer",
    "publish.before": "relay",
    "publish.after": "relay",
    "claim.before": "worker",
    "claim.after": "worker",
    "effect.before": "worker",
    "effect.after": "worker",
    "record.before": "worker",
    "record.after": "worker",
    "commit.before": "worker",
    "commit.after": "worker",
}
NAMES = {"enqueued.before": "commit.before", "enqueued.after": "commit.after"}
JOBS = {"batch": 40}
FEW = 6
WARMING = 120
RARE_PASS = {"effect.before": 3, "effect.after": 3}


@dataclass(frozen=True, slots=True)
class Cell:
    """One point with one kind of task, the killed process, the seconds until all was done, and the verdict."""

    point: str
    kind: str
    role: str
    acknowledged: int
    seconds: float
    verdict: Verdict

    @property
    def name(self) -> str:
        return NAMES.get(self.point, self.point)


def plan(points: Sequence[str] = tuple(ROLE_OF_POINT), kinds: Sequence[str] = KINDS) -> Iterator[tuple[str, str]]:
    """Every cell, in order."""
    return iter(product(points, kinds))


def run_cell(fleet: Fleet, point: str, kind: str) -> Cell:
    """Kill a process at a point while jobs of a kind pass it, replace it, wait until all is done, and judge."""
    warm(fleet, kind)
    fleet.wipe()
    role = ROLE_OF_POINT[point]
    fleet.trap.set(point, RARE_PASS.get(point, 1))
    requests = [(f"fault.{kind}", {"number": number}) for number in range(JOBS.get(kind, FEW))]
    enqueuer = next(member for member in fleet.members if isinstance(member, Enqueuer))
    acknowledged = enqueuer.put(requests) or []
    wait_for(lambda: fleet.trap.sprung, f"{role} at {point} with {kind}")
    began = time.monotonic()
    replace_killed(fleet, role)
    fleet.settled()
    seconds = time.monotonic() - began
    verdict = judge(fleet, acknowledged)
    return Cell(point, kind, role, len(acknowledged), seconds, complete(point, verdict, len(requests)))


def complete(point: str, verdict: Verdict, asked: int) -> Verdict:
    """Check that all jobs of a committed transaction exist, and none of an uncommitted one."""
    uncommitted = point in {"insert.before", "insert.after", "enqueued.before"}
    due = 0 if uncommitted else asked
    if verdict.jobs == due:
        return verdict
    fields = {name: getattr(verdict, name) for name in Verdict.__slots__}
    fault = f"{verdict.jobs} jobs instead of {due} after {point}"
    return Verdict(**{**fields, "missing": verdict.missing + due - verdict.jobs, "faults": (*verdict.faults, fault)})


def warm(fleet: Fleet, kind: str) -> None:
    """Let the relay learn the duration of jobs of a kind, so that doorbells carry more than one."""
    if kind == "batch":
        enqueuer = next(member for member in fleet.members if isinstance(member, Enqueuer))
        enqueuer.put([(f"fault.{kind}", {"number": number}) for number in range(WARMING)])
    fleet.settled()


def replace_killed(fleet: Fleet, role: str) -> None:
    """Find the killed process, assert that SIGKILL ended it, and start another in its place."""
    killed: list[Member] = []

    def has_died() -> bool:
        killed.extend(member for member in fleet.members if member.role == role and member.dead)
        return bool(killed)

    wait_for(has_died, f"the death of a {role}")
    assert killed[0].process.exitcode == -signal.SIGKILL
    fleet.replace(killed[0])
