"""The relay's memory: which jobs have a doorbell out, and how much work a doorbell may carry."""

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
class Rung:
    """A bell that is out, for how many jobs of which tenants, since when (monotonic seconds)."""

    bell: Bell
    tenants: Counter[str]
    at: float


@dataclass(slots=True)
class Estimates:
    """Handler time per task in seconds: a decaying minimum, so that saturation does not feed on itself."""

    seconds: dict[str, float] = field(default_factory=dict)

    def learn(self, task: str, each: float) -> None:
        """Take in one measurement of handler time per job."""
        known = self.seconds.get(task)
        self.seconds[task] = each if known is None else min(known * 1.05, each) or each

    def batch(self, task: str) -> int:
        """How many jobs of this task one doorbell may carry; 1 for an unknown task."""
        known = self.seconds.get(task)
        if known is None:
            return 1
        return max(1, min(BATCH_MOST, int(BELL_SECONDS / max(known, 1e-6))))


class Window:
    """One queue's doorbells that are out."""

    def __init__(self) -> None:
        self.rung: dict[str, Rung] = {}
        self.ids: set[UUID] = set()
        self.tenants: Counter[str] = Counter()
        self.cooling: dict[UUID, float] = {}
        self.rate = 0.0
        self.bell_rate = 0.0
        self._done = 0
        self._bells = 0
        self._since = 0.0

    def add(self, bell: Bell, tenants: Iterable[str], at: float) -> None:
        """Remember a bell that was rung."""
        counted = Counter(tenants)
        self.rung[bell.id] = Rung(bell, counted, at)
        self.ids.update(bell.ids)
        self.tenants.update(counted)

    def answered(self, answer: Answer, now: float) -> Rung | None:
        """Forget a bell that was answered. Jobs it did not claim cool down before they are rung again."""
        rung = self.forget(answer.bell_id)
        if rung is None:
            return None
        self._done += answer.claimed
        self._bells += 1
        if answer.claimed < len(rung.bell.ids):
            self.cooling.update(dict.fromkeys(rung.bell.ids, now + COOLING_SECONDS))
        return rung

    def forget(self, bell_id: str) -> Rung | None:
        """Take a bell out of the window."""
        rung = self.rung.pop(bell_id, None)
        if rung is not None:
            self.ids.difference_update(rung.bell.ids)
            self.tenants -= rung.tenants
        return rung

    def measure(self, now: float) -> None:
        """Refresh the rates (jobs and bells a second) and let cooled jobs go."""
        if now - self._since >= 0.5:
            passed = now - self._since
            self.rate, self.bell_rate = self._done / passed, self._bells / passed
            self._done, self._bells, self._since = 0, 0, now
        if self.cooling:
            self.cooling = {job_id: until for job_id, until in self.cooling.items() if until > now}

    def room(self, slots: int, batch: int, limit: int | None) -> int:
        """How many more jobs may be rung."""
        size = min(WINDOW_MOST, max(2 * slots * batch, int(self.rate * RATE_SECONDS)))
        if limit is not None:
            size = min(size, limit)
        return size - len(self.ids)

    def bell_room(self, slots: int) -> int:
        """How many more bells may be out: slow jobs are rung one by one, and must not block the queue."""
        return max(2 * slots, int(self.bell_rate * RATE_SECONDS)) - len(self.rung)

    def fresh(self, job_id: UUID) -> bool:
        """Whether a job has no bell out and is not cooling."""
        return job_id not in self.ids and job_id not in self.cooling

    def overdue(self, now: float) -> list[Bell]:
        """Bells out for so long that they may be lost."""
        late = [rung for rung in self.rung.values() if now - rung.at > OVERDUE_SECONDS]
        for rung in late:
            rung.at = now
        return [rung.bell for rung in late]
