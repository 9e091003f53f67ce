"""The relay's in-memory state: which jobs are dispatched, and how many jobs a doorbell may carry."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from domain.bells import Answer, Bell

BELL_SECONDS = 0.1
BATCH_MOST = 32
WINDOW_MOST = 4096
RATE_SECONDS = 0.25
COOLING_SECONDS = 1.0
OVERDUE_SECONDS = 30.0


@dataclass(slots=True)
class Dispatched:
    """A doorbell in flight: its jobs per tenant, and when it was sent (monotonic seconds)."""

    bell: Bell
    tenants: Counter[str]
    sent_at: float


@dataclass(slots=True)
class Estimates:
    """Handler time per task in seconds: a decaying minimum, so that saturation does not amplify itself."""

    seconds: dict[str, float] = field(default_factory=dict)

    def learn(self, task: str, each: float) -> None:
        """Add one measurement of handler time per job."""
        estimate = self.seconds.get(task)
        self.seconds[task] = each if estimate is None else min(estimate * 1.05, each) or each

    def batch(self, task: str) -> int:
        """Return how many jobs of this task one doorbell may carry; 1 without a measurement."""
        estimate = self.seconds.get(task)
        if estimate is None:
            return 1
        return max(1, min(BATCH_MOST, int(BELL_SECONDS / max(estimate, 1e-6))))


class Window:
    """The doorbells of one queue that are in flight."""

    def __init__(self) -> None:
        self.rung: dict[str, Dispatched] = {}
        self.ids: set[UUID] = set()
        self.tenants: Counter[str] = Counter()
        self.retry_after: dict[UUID, float] = {}
        self.rate = 0.0
        self.bell_rate = 0.0
        self._done = 0
        self._bells = 0
        self._since = 0.0

    def add(self, bell: Bell, tenants: Iterable[str], at: float) -> None:
        """Add a bell that was sent."""
        counted = Counter(tenants)
        self.rung[bell.id] = Dispatched(bell, counted, at)
        self.ids.update(bell.ids)
        self.tenants.update(counted)

    def answered(self, answer: Answer, now: float) -> Dispatched | None:
        """Remove an answered bell. After a partial claim its jobs are not dispatched again for a second."""
        rung = self.forget(answer.bell_id)
        if rung is None:
            return None
        self._done += answer.claimed
        self._bells += 1
        if answer.claimed < len(rung.bell.ids):
            self.retry_after.update(dict.fromkeys(rung.bell.ids, now + COOLING_SECONDS))
        return rung

    def forget(self, bell_id: str) -> Dispatched | None:
        """Remove a bell from the window."""
        rung = self.rung.pop(bell_id, None)
        if rung is not None:
            self.ids.difference_update(rung.bell.ids)
            self.tenants -= rung.tenants
        return rung

    def measure(self, now: float) -> None:
        """Update the rates (jobs and bells per second) and release jobs whose delay is over."""
        if now - self._since >= 0.5:
            passed = now - self._since
            self.rate, self.bell_rate = self._done / passed, self._bells / passed
            self._done, self._bells, self._since = 0, 0, now
        if self.retry_after:
            self.retry_after = {job_id: until for job_id, until in self.retry_after.items() if until > now}

    def room(self, slots: int, batch: int, limit: int | None) -> int:
        """Return how many more jobs may be dispatched."""
        size = min(WINDOW_MOST, max(2 * slots * batch, int(self.rate * RATE_SECONDS)))
        if limit is not None:
            size = min(size, limit)
        return size - len(self.ids)

    def bell_room(self, slots: int) -> int:
        """Return how many more bells may be in flight: slow jobs are sent one per bell and must not block the queue."""
        return max(2 * slots, int(self.bell_rate * RATE_SECONDS)) - len(self.rung)

    def fresh(self, job_id: UUID) -> bool:
        """Whether a job may be dispatched: it is not in flight, and its delay is over."""
        return job_id not in self.ids and job_id not in self.retry_after

    def overdue(self, now: float) -> list[Bell]:
        """Return bells in flight for so long that they may be lost."""
        overdue = [rung for rung in self.rung.values() if now - rung.sent_at > OVERDUE_SECONDS]
        for rung in overdue:
            rung.sent_at = now
        return [rung.bell for rung in overdue]
