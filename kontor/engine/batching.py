"""How jobs are put into doorbells: how many each may carry, from the recent times of their task."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from kontor.engine.catalogue import Catalogue
from kontor.engine.fair_pick import MAX_BATCH, Durations, Picked
from kontor.kernel.doorbells import Doorbell
from kontor.kernel.ids import new_id
from kontor.kernel.states import CrashPolicy, TaskKind

BELL_SECONDS: Final = 0.2
RECENT: Final = 64
QUANTILE: Final = 0.95


@dataclass(slots=True)
class ActTimes:
    """The slowest act of recent doorbells, in seconds, by task.

    After a pause each doorbell carries one job; the number doubles with each quick doorbell, because a task that was
    quick a moment ago may be slow now.
    """

    recent: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=RECENT)))
    allowed: dict[str, int] = field(default_factory=dict)

    def observe(self, task: str, slowest: float, jobs: int) -> None:
        """Add the slowest act of an answered doorbell with this number of jobs."""
        self.recent[task].append(slowest)
        if slowest > BELL_SECONDS:
            self.allowed[task] = 1
        elif jobs >= self.allowed.get(task, 1):
            self.allowed[task] = min(MAX_BATCH, 2 * jobs)

    def restart(self, tasks: Iterable[str]) -> None:
        """Begin with one job for each doorbell again: the queue of these tasks was empty."""
        for task in tasks:
            self.allowed[task] = 1

    def batch(self, task: str) -> int:
        """Return how many jobs one doorbell may carry; 1 without a measurement."""
        recent = self.recent.get(task)
        if not recent:
            return 1
        slow = sorted(recent)[int(QUANTILE * (len(recent) - 1))]
        fitting = int(BELL_SECONDS / max(slow, 1e-6))
        return max(1, min(self.allowed.get(task, 1), MAX_BATCH, fitting))


@dataclass(slots=True)
class Batching:
    """Sizes doorbells by task: transactional ones by the shortest recent handler time, external ones by their acts."""

    catalogue: Catalogue
    estimates: Durations = field(default_factory=Durations)
    act_times: ActTimes = field(default_factory=ActTimes)

    def observe(self, bell: Doorbell, seconds: float) -> None:
        """Add the handler time of an answered bell, in seconds for each job (external: of its slowest act)."""
        if self.is_external(bell.task):
            self.act_times.observe(bell.task, seconds, len(bell.ids))
        else:
            self.estimates.observe(bell.task, seconds)

    def restart(self, tasks: Iterable[str]) -> None:
        """Note that the queue of these tasks was empty."""
        self.act_times.restart(tasks)

    def is_external(self, task: str) -> bool:
        """Whether a task does outside work; False for a task this release does not know."""
        return task in self.catalogue and self.catalogue[task].policy.kind is TaskKind.EXTERNAL

    def limit(self, task: str) -> int:
        """Return how many jobs of a task one doorbell may carry while no thread is idle."""
        if task not in self.catalogue or self.catalogue[task].policy.crash is CrashPolicy.PARK:
            return 1
        return self.act_times.batch(task) if self.is_external(task) else self.estimates.batch(task)

    def chunks(self, jobs: Sequence[Picked], idle_threads: int) -> Iterable[list[Picked]]:
        """Split jobs into doorbells: one task and one priority each, as many jobs as the task allows.

        A doorbell of external work carries one job while a thread is idle, and never jobs of two tenants or lanes.
        """
        filling: dict[tuple[str | None, ...], list[Picked]] = {}
        priority = jobs[0].priority if jobs else 0
        for job in jobs:
            if job.priority != priority:
                yield from filling.values()
                filling, priority = {}, job.priority
            external = self.is_external(job.task)
            if job.crashes or (external and idle_threads > 0):
                yield [job]
                idle_threads -= external
                continue
            kind = (job.task, job.tenant, job.lane) if external else (job.task,)
            chunk = filling.setdefault(kind, [])
            chunk.append(job)
            if len(chunk) >= self.limit(job.task):
                yield filling.pop(kind)
        yield from filling.values()

    def bell(self, queue: str, jobs: Sequence[Picked], *, urgent: bool) -> Doorbell:
        """Return a doorbell for jobs of one task; its time limit is that of all of them together."""
        task = jobs[0].task
        limit = 300_000
        if task in self.catalogue:
            seconds = self.catalogue[task].policy.time_limit.total_seconds()
            limit = int(seconds * 1000 * len(jobs))
        channel = self.catalogue.channel(queue, task)
        return Doorbell(str(new_id()), channel, task, tuple(job.id for job in jobs), urgent, limit)
