"""The engine inline, for tests: relay and runner in this process, a real database, doorbells in memory."""

from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import psycopg
from sqlalchemy import Engine

from domain.bells import Answer, Bell, Heard
from domain.ports import Clock
from engine.enqueue import Jobs
from engine.handlers import Handler, Registry
from engine.relay import Pace, Relay
from engine.runner import Runner
from engine.workshop import Workshop


class MemoryBells:
    """Implements domain.bells.Bells in memory."""

    def __init__(self) -> None:
        self.rung: deque[Bell] = deque()
        self.answers: list[Answer] = []
        self.hinted = True
        self.held: dict[str, tuple[Bell, ...]] = {}

    def ring_hint(self) -> None:
        """Hint at new jobs."""
        self.hinted = True

    def begin(self) -> None:
        """Forget every bell."""
        self.rung.clear()
        self.answers.clear()

    def ring(self, bells: Sequence[Bell]) -> None:
        """Queue bells, urgent ones first."""
        self.rung.extendleft(bell for bell in reversed(bells) if bell.urgent)
        self.rung.extend(bell for bell in bells if not bell.urgent)

    def listen(self, seconds: float) -> Heard:
        """Return the pending events at once."""
        events = Heard(tuple(self.answers), self.hinted)
        self.answers, self.hinted = [], False
        return events

    def held_by(self, worker: str) -> tuple[Bell, ...]:
        """Remove and return the bells that a test assigned to a dead worker."""
        return self.held.pop(worker, ())

    def waiting(self, bell: Bell, workers: Sequence[str]) -> bool:
        """Whether a bell is still queued."""
        return bell in self.rung


class MemoryDoorbell:
    """Implements domain.ports.Doorbell; counts the hints."""

    def __init__(self) -> None:
        self.rings = 0

    def ring(self) -> None:
        """Count one hint."""
        self.rings += 1


class Inline:
    """Relay and worker in one thread. `options` are fields of Workshop such as `crash` or `random`."""

    def __init__(self, engine: Engine, handlers: Sequence[Handler], clock: Clock, **options: Any) -> None:
        self.registry = Registry(handlers)
        self.clock = clock
        self.doorbell = MemoryDoorbell()
        self.jobs = Jobs(self.registry.catalogue, clock, self.doorbell)
        self.bells = MemoryBells()
        runtime_options = {"random": lambda: 0.5, "worker": "inline", **options}
        self.shop = Workshop(engine=engine, registry=self.registry, jobs=self.jobs, clock=clock, **runtime_options)
        self.runner = Runner(self.shop)
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(url, autocommit=True)
        self.relay = Relay(self._connection, self.bells, self.registry.catalogue, clock)
        self.relay.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def tick(self) -> int:
        """Perform all duties of the relay once and run the dispatched jobs; return how many were claimed."""
        self.relay.pace, self.relay.rescue_from = Pace(), float("-inf")
        self.relay.guests.clear()
        for window in self.relay.windows.values():
            window.retry_after.clear()
        self.bells.ring_hint()
        self.relay.tick()
        claimed = 0
        while self.bells.rung:
            claimed += self.answer(self.bells.rung.popleft())
        return claimed

    def answer(self, bell: Bell) -> int:
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

    def run(self, *ids: UUID) -> Answer:
        """Run jobs of one task as one doorbell, without the relay."""
        row = self._connection.execute("SELECT task FROM jobs WHERE id = %s", (ids[0],)).fetchone()
        return self.runner.run("inline", str(row[0]) if row else "", ids)
