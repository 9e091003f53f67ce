"""The engine inline, for tests: relay and runner in this process, a real database, doorbells in memory."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypedDict, Unpack
from uuid import UUID

import psycopg
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.engine.handlers import Handler, JobContext, Registry
from kontor.engine.relay import Relay, Timers
from kontor.engine.retry import BreakerPolicy, Random
from kontor.engine.runner import Runner
from kontor.engine.runtime import WorkerRuntime
from kontor.kernel.database import PgConnection
from kontor.kernel.doorbells import Doorbell, DoorbellResult, Offers, RelayEvents
from kontor.kernel.ports import Clock, CrashPoint, SecretBox


class MemoryPullHints:
    """Implements kontor.kernel.doorbells.PullHints in memory."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Offers], None]] = []

    @contextmanager
    def listening(self, heard: Callable[[Offers], None]) -> Iterator[None]:
        """Call `heard` for each hint in the thread of the relay."""
        self._listeners.append(heard)
        yield
        self._listeners.remove(heard)

    def offer(self, offers: Offers) -> None:
        """Send a hint."""
        for heard in list(self._listeners):
            heard(offers)


class MemoryDoorbellChannel:
    """Implements kontor.kernel.doorbells.DoorbellChannel in memory."""

    def __init__(self) -> None:
        self.dispatched: deque[Doorbell] = deque()
        self.answers: list[DoorbellResult] = []
        self.new_jobs = True
        self.held: dict[str, tuple[Doorbell, ...]] = {}
        self.pull_hints = MemoryPullHints()

    def ring_hint(self) -> None:
        """Hint at new jobs."""
        self.new_jobs = True

    def begin(self) -> None:
        """Forget every bell."""
        self.dispatched.clear()
        self.answers.clear()

    def ring(self, bells: Sequence[Doorbell]) -> None:
        """Queue bells, urgent ones first."""
        self.dispatched.extendleft(bell for bell in reversed(bells) if bell.urgent)
        self.dispatched.extend(bell for bell in bells if not bell.urgent)

    def listen(self, seconds: float) -> RelayEvents:
        """Return the pending events at once."""
        events = RelayEvents(tuple(self.answers), self.new_jobs)
        self.answers, self.new_jobs = [], False
        return events

    def reclaim(self, worker: str) -> tuple[Doorbell, ...]:
        """Remove and return the bells that a test assigned to a dead worker."""
        return self.held.pop(worker, ())

    def waiting(self, queue: str, workers: Sequence[str]) -> frozenset[str]:
        """Return the ids of the bells still queued, and of those assigned to these workers."""
        held = [bell for worker in workers for bell in self.held.get(worker, ())]
        return frozenset(bell.id for bell in [*self.dispatched, *held] if bell.queue == queue)

    def discard(self, bell: Doorbell, workers: Sequence[str]) -> None:
        """Remove a bell from what a test assigned to these workers."""
        for worker in workers:
            self.held[worker] = tuple(other for other in self.held.get(worker, ()) if other.id != bell.id)

    def holders(self) -> frozenset[str]:
        """Return the workers to which a test assigned bells."""
        return frozenset(self.held)

    def offer(self, offers: Offers) -> None:
        """Hint to waiting pull workers at once."""
        self.pull_hints.offer(offers)


class MemoryRelayHint:
    """Implements kontor.kernel.ports.RelayHint; counts the hints."""

    def __init__(self) -> None:
        self.rings = 0

    def ring(self) -> None:
        """Count one hint."""
        self.rings += 1

    def offer(self, task: str, tenant: str) -> None:
        """Do nothing: no worker waits."""


class WorkerOptions(TypedDict, total=False):
    """The fields of a WorkerRuntime that a test may replace."""

    random: Random
    worker: str
    breaker: BreakerPolicy
    crash: CrashPoint
    cancelled: Callable[[UUID], bool]
    on_dead: Callable[[Session, JobContext, str, str], None]
    wait_for_database: Callable[[], bool]
    interrupts: tuple[type[BaseException], ...]
    may_claim: Callable[[], bool]
    stopping: Callable[[], bool]
    registered_only: bool
    refresh: Callable[[PgConnection], None]


class InlineWorker:
    """Relay and worker in one thread."""

    def __init__(
        self,
        engine: Engine,
        handlers: Sequence[Handler],
        clock: Clock,
        *,
        secret_box: SecretBox | None = None,
        **options: Unpack[WorkerOptions],
    ) -> None:
        self.registry = Registry(handlers)
        self.clock = clock
        self.doorbell = MemoryRelayHint()
        self.jobs = Jobs(self.registry.catalogue, clock, self.doorbell, secret_box=secret_box)
        self.bells = MemoryDoorbellChannel()
        runtime_options: WorkerOptions = {"random": lambda: 0.5, "worker": "inline", **options}
        self.runtime = WorkerRuntime(
            engine=engine, registry=self.registry, jobs=self.jobs, clock=clock, **runtime_options
        )
        self.runner = Runner(self.runtime)
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(url, autocommit=True)
        self.relay = Relay(self._connection, self.bells, self.registry.catalogue, clock)
        self.relay.refresh = self.runtime.refresh
        self.relay.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the relay's connection."""
        self._connection.close()

    def tick(self) -> int:
        """Perform all duties of the relay once and run the dispatched jobs; return how many were claimed."""
        self.relay.timers, self.relay.rescue_from = Timers(), float("-inf")
        self.relay.newcomers.clear()
        for window in self.relay.windows.values():
            window.retry_after.clear()
        self.bells.ring_hint()
        self.relay.tick()
        claimed = 0
        while self.bells.dispatched:
            claimed += self.answer(self.bells.dispatched.popleft())
        return claimed

    def answer(self, bell: Doorbell) -> int:
        """Run one bell and answer it; return how many of its jobs were claimed."""
        answer = self.runner.run(bell.id, bell.task, bell.ids)
        self.bells.answers.append(answer)
        return answer.claimed

    def drain(self, limit: int = 1000) -> int:
        """Tick until no job is due; return how many were claimed. Raises RuntimeError after `limit` ticks."""
        total = 0
        for _ in range(limit):
            claimed = self.tick()
            if not claimed:
                return total
            total += claimed
        raise RuntimeError(f"{total} jobs were run and more are due")

    def run(self, *ids: UUID) -> DoorbellResult:
        """Run jobs of one task as one doorbell, without the relay."""
        row = self._connection.execute("SELECT task FROM jobs WHERE id = %s", (ids[0],)).fetchone()
        return self.runner.run("inline", str(row[0]) if row else "", ids)
