"""The relay: keeps a bounded window of doorbells out for every queue. It may die at any instant."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from domain.bells import Bell, Bells, BellsForgotten, Heard
from domain.ids import new_id
from domain.jobs import CrashPolicy
from domain.ports import Clock, CrashPoint
from engine import lanes, pick, promote, rescue
from engine.catalogue import Catalogue, Payload
from engine.ledger import Driver
from engine.window import Estimates, Window
from engine.workshop import no_crash

POLL_SECONDS = 0.5
PROMOTE_SECONDS = 0.05
RESCUE_SECONDS = 0.5
GRACE_SECONDS = 1.5
GUEST_SECONDS = 0.05
SUSPECT = 2
SWITCHES = "SELECT name, paused, concurrency FROM queues"
SLOTS = "SELECT coalesce(sum(threads), 0) FROM worker_processes WHERE NOT draining"
WAITING = """
SELECT name, EXISTS (SELECT 1 FROM jobs WHERE queue = name AND state = 'queued' AND NOT held)
FROM unnest(%s::text[]) AS name
"""
WORKERS = "SELECT id FROM worker_processes"


@dataclass(slots=True)
class Pace:
    """When each periodic duty is next due, in monotonic seconds."""

    promote: float = 0.0
    poll: float = 0.0
    rescue: float = 0.0
    due: datetime | None = None


@dataclass(slots=True)
class Tally:
    """Counters for metrics."""

    rung: int = 0
    promoted: int = 0
    rescued: int = 0
    forgotten: int = 0
    pick_seconds: float = 0.0


@dataclass(slots=True)
class Relay:
    """One leading relay. `driver` is in autocommit and holds the leader's lock."""

    driver: Driver
    bells: Bells
    catalogue: Catalogue
    clock: Clock
    crash: CrashPoint = no_crash
    tally: Tally = field(default_factory=Tally)
    estimates: Estimates = field(default_factory=Estimates)
    windows: dict[str, Window] = field(default_factory=lambda: defaultdict(Window))
    pace: Pace = field(default_factory=Pace)
    turns: dict[str, str] = field(default_factory=dict)
    slots: int = 0
    paused: frozenset[str] = frozenset()
    limits: dict[str, int] = field(default_factory=dict)
    hungry: set[str] = field(default_factory=set)
    guests: dict[str, float] = field(default_factory=dict)
    suspect_out: str | None = None
    rescue_from: float | None = None

    def begin(self) -> None:
        """Start with an empty window. Raises BellsDown."""
        self.bells.begin()
        self.windows.clear()
        self.suspect_out = None
        self.pace = Pace()

    def tick(self) -> None:
        """Wait for something to happen, then do what is due. Raises BellsDown and psycopg errors."""
        try:
            self._work(self.bells.listen(self._patience()))
        except BellsForgotten:
            self.tally.forgotten += 1
            self.begin()

    def _patience(self) -> float:
        """Seconds to wait for a hint at most."""
        pause = POLL_SECONDS
        if self.pace.due is not None:
            pause = min(pause, max((self.pace.due - self.clock.now()).total_seconds(), 0.001))
        return pause

    def _work(self, heard: Heard) -> None:
        """Ring for what was hinted at first: the periodic duties can wait two milliseconds, a new job need not."""
        now = self.clock.monotonic()
        self._take_answers(heard, now)
        hinted = heard.hinted and self.pace.poll > 0
        if hinted:
            self._fill_all(now)
        if self.rescue_from is None:
            self.rescue_from = now + GRACE_SECONDS
        if now >= max(self.pace.rescue, self.rescue_from):
            self._rescue(now)
            self.pace.rescue = now + RESCUE_SECONDS
        polled = now >= self.pace.poll
        if polled:
            self._read_switches()
            self.pace.poll = now + POLL_SECONDS
        promoted = self._promote(now) if now >= self.pace.promote else 0
        if polled or promoted:
            self._fill_all(now)
        elif not hinted:
            for name in sorted(self.hungry - self.paused):
                self._fill(name, now)

    def _fill_all(self, now: float) -> None:
        """Fill the windows of the queues in which a job waits."""
        names = sorted(set(self.catalogue.queues) - self.paused)
        for name, waits in self.driver.execute(WAITING, (names,)).fetchall():
            if waits:
                self._fill(name, now)
            else:
                self.hungry.discard(name)

    def _take_answers(self, heard: Heard, now: float) -> None:
        for answer in heard.answers:
            for window in self.windows.values():
                rung = window.answered(answer, now)
                if rung is None:
                    continue
                if answer.claimed:
                    self.estimates.learn(rung.bell.task, answer.seconds / answer.claimed)
                if answer.bell_id == self.suspect_out:
                    self.suspect_out = None
        for window in self.windows.values():
            window.measure(now)

    def _read_switches(self) -> None:
        rows = self.driver.execute(SWITCHES).fetchall()
        self.paused = frozenset(name for name, paused, _ in rows if paused)
        self.limits = {name: most for name, _, most in rows if most is not None}
        row = self.driver.execute(SLOTS).fetchone()
        self.slots = int(row[0]) if row else 0

    def _promote(self, now: float) -> int:
        moment = self.clock.now()
        count = 0
        if self.pace.due is None or self.pace.due <= moment:
            count = promote.promote_due(self.driver, moment)
        count += lanes.release_probes(self.driver, moment)
        self.pace.due = promote.next_due(self.driver)
        self.pace.promote = now + PROMOTE_SECONDS
        self.tally.promoted += count
        return count

    def _fill(self, name: str, now: float) -> None:
        """Ring for as many jobs of a queue as its window has room for."""
        window = self.windows[name]
        batch = max((self.estimates.batch(p.policy.name) for p in self._tasks(name)), default=1)
        slots = max(self.slots, 1)
        room = window.room(slots, batch, self.limits.get(name))
        bells = window.bell_room(slots)
        if room <= 0 or room < len(window.ids) or bells < len(window.rung):
            self.hungry.add(name)
            self._let_in(name, now)
            return
        began = self.clock.monotonic()
        jobs = pick.pick(self.driver, name, room, window.tenants, window.fresh, self.turns.get(name, ""))
        self.tally.pick_seconds += self.clock.monotonic() - began
        (self.hungry.add if len(jobs) == room else self.hungry.discard)(name)
        self._ring(name, [job for job in jobs if job.crashes < SUSPECT], now, bells)
        self._ring_suspect(name, [job for job in jobs if job.crashes >= SUSPECT], now)

    def _let_in(self, name: str, now: float) -> None:
        """The window is full: only tenants who have nothing in it get a bell, past all others."""
        if name in self.limits or now < self.guests.get(name, 0.0):
            return
        self.guests[name] = now + GUEST_SECONDS
        window, slots = self.windows[name], max(self.slots, 1)
        jobs = pick.pick(self.driver, name, slots, window.tenants, window.fresh, newcomers=True)
        self._ring(name, [job for job in jobs if job.crashes < SUSPECT], now, slots)

    def _tasks(self, queue: str) -> Iterable[type[Payload]]:
        return (payload for payload in self.catalogue if payload.policy.queue == queue)

    def _ring(self, name: str, jobs: Sequence[pick.Picked], now: float, most: int) -> None:
        """Ring for jobs in the order given, with `most` bells."""
        if not jobs:
            return
        window = self.windows[name]
        idle = not window.ids
        bells = []
        for chunk in islice(self._chunks(jobs), most):
            urgent = not idle and all(window.tenants[job.tenant] == 0 for job in chunk)
            bells.append((self._bell(name, chunk, urgent=urgent), [job.tenant for job in chunk]))
            self.turns[name] = chunk[-1].tenant
        if len(bells) == most:
            self.hungry.add(name)
        self._publish(name, bells, now)

    def _publish(self, name: str, bells: Sequence[tuple[Bell, list[str]]], now: float) -> None:
        self.crash("publish.before")
        self.bells.ring([bell for bell, _ in bells])
        self.crash("publish.after")
        for bell, tenants in bells:
            self.windows[name].add(bell, tenants, now)
            self.tally.rung += 1

    def _ring_suspect(self, name: str, jobs: Sequence[pick.Picked], now: float) -> None:
        """Jobs that were in hand when two workers died are rung one at a time in the whole deployment."""
        if jobs and self.suspect_out is None:
            job = min(jobs, key=lambda job: job.id)
            bell = self._bell(name, [job], urgent=True)
            self._publish(name, [(bell, [job.tenant])], now)
            self.suspect_out = bell.id
        if len(jobs) > 1 or (jobs and self.suspect_out not in self.windows[name].rung):
            self.hungry.add(name)

    def _chunks(self, jobs: Sequence[pick.Picked]) -> Iterable[list[pick.Picked]]:
        """Cut a deal into doorbells: jobs of one task and one priority, as many as the task allows."""
        filling: dict[str, list[pick.Picked]] = {}
        priority = jobs[0].priority if jobs else 0
        for job in jobs:
            if job.priority != priority:
                yield from filling.values()
                filling, priority = {}, job.priority
            if job.crashes:
                yield [job]
                continue
            chunk = filling.setdefault(job.task, [])
            chunk.append(job)
            if len(chunk) >= self._most(job.task):
                yield filling.pop(job.task)
        yield from filling.values()

    def _most(self, task: str) -> int:
        if task not in self.catalogue:
            return 1
        policy = self.catalogue[task].policy
        return 1 if policy.crash is CrashPolicy.PARK else self.estimates.batch(task)

    def _bell(self, queue: str, jobs: Sequence[pick.Picked], *, urgent: bool) -> Bell:
        task = jobs[0].task
        limit = 300_000
        if task in self.catalogue:
            each = self.catalogue[task].policy.time_limit.total_seconds()
            limit = int(each * 1000 * len(jobs))
        return Bell(str(new_id()), queue, task, tuple(job.id for job in jobs), urgent, limit)

    def _rescue(self, now: float) -> None:
        moment = self.clock.now()
        for stale in rescue.stale_workers(self.driver):
            if stale.gone or stale.stalled:
                rescue.cut_off(self.driver, stale)
                self._take_over(stale.worker, moment)
                rescue.strike_off(self.driver, stale.worker)
        left = rescue.orphans(self.driver)
        if left:
            self.tally.rescued += rescue.requeue_running(self.driver, left, moment)
            self.pace.poll = 0.0
        self._ask_for_overdue(now)

    def _take_over(self, worker: str, moment: datetime) -> None:
        """Blame the jobs a dead worker had in hand, and free the window of its bells."""
        for bell in self.bells.held_by(worker):
            self.windows[bell.queue].forget(bell.id)
            if bell.id == self.suspect_out:
                self.suspect_out = None
            self.tally.rescued += rescue.blame(self.driver, bell.ids, worker, moment)
        self.pace.poll = 0.0

    def _ask_for_overdue(self, now: float) -> None:
        """The last resort: a bell out for 30 s that nobody has is forgotten, its jobs are rung again."""
        workers: list[str] | None = None
        for window in self.windows.values():
            for bell in window.overdue(now):
                if workers is None:
                    workers = [row[0] for row in self.driver.execute(WORKERS).fetchall()]
                if not self.bells.waiting(bell, workers):
                    window.forget(bell.id)
                    self.suspect_out = None if bell.id == self.suspect_out else self.suspect_out
