"""The relay: keeps a bounded window of doorbells in flight for every queue. It may die at any time."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice

from kontor.engine import cancellation, fair_pick, lanes, recovery
from kontor.engine.batching import Batching
from kontor.engine.catalogue import Catalogue, declare_nothing
from kontor.engine.fair_pick import InFlight
from kontor.engine.leadership import Lead, SoleLead
from kontor.engine.unsupported import Unsupported
from kontor.kernel.database import PgConnection
from kontor.kernel.doorbells import Doorbell, DoorbellChannel, DoorbellReset, RelayEvents
from kontor.kernel.ports import Clock, CrashPoint, no_crash

POLL_SECONDS = 0.5
PROMOTE_SECONDS = 0.05
RESCUE_SECONDS = 0.5
COMPARE_SECONDS = 1.0
NEWCOMER_SECONDS = 0.05
SUSPECT_CRASHES = 2
QUEUE_SETTINGS = "SELECT name, paused, concurrency FROM queues"
SLOTS = "SELECT coalesce(sum(threads), 0) FROM worker_processes WHERE NOT draining"
WAITING = """
SELECT name, EXISTS (SELECT 1 FROM jobs WHERE queue = name AND state = 'queued' AND NOT held)
FROM unnest(%s::text[]) AS name
"""


@dataclass(slots=True)
class Timers:
    """When each periodic duty is next due, in monotonic seconds; `due`: when the next waiting job is due."""

    promote: float = 0.0
    poll: float = 0.0
    rescue: float = 0.0
    compare: float = 0.0
    due: datetime | None = None


@dataclass(slots=True)
class RelayStats:
    """Counters for metrics."""

    dispatched: int = 0
    promoted: int = 0
    rescued: int = 0
    resets: int = 0
    pick_seconds: float = 0.0


@dataclass(slots=True)
class Relay:
    """The leading relay. `connection` is in autocommit mode; its session holds the leader lock."""

    connection: PgConnection
    bells: DoorbellChannel
    catalogue: Catalogue
    clock: Clock
    crash: CrashPoint = no_crash
    lead: Lead = field(default_factory=SoleLead)
    refresh: Callable[[PgConnection], None] = declare_nothing
    stats: RelayStats = field(default_factory=RelayStats)
    batching: Batching = field(init=False)
    windows: dict[str, InFlight] = field(default_factory=lambda: defaultdict(InFlight))
    timers: Timers = field(default_factory=Timers)
    last_served: dict[str, str] = field(default_factory=dict)
    slots: int = 0
    paused: frozenset[str] = frozenset()
    limits: dict[str, int] = field(default_factory=dict)
    backlogged: set[str] = field(default_factory=set)
    newcomers: dict[str, float] = field(default_factory=dict)
    crash_suspect: str | None = None
    rescue_from: float | None = None  # when workers may first be struck off
    after_outage: bool = False
    comparison: recovery.Comparison = field(init=False)
    unsupported: Unsupported = field(init=False)

    def __post_init__(self) -> None:
        self.comparison = recovery.Comparison(self.connection, self.bells)
        self.batching = Batching(self.catalogue)
        self.unsupported = Unsupported(self.catalogue, self.clock, self.bells.offer)

    def begin(self) -> None:
        """Start with an empty window. Raises DoorbellUnavailable."""
        self.bells.begin()
        self.windows.clear()
        self.crash_suspect = None
        self.timers = Timers()

    def tick(self) -> None:
        """Wait for events, then perform due duties. Raises DoorbellUnavailable, LeadershipLost and psycopg errors."""
        self.lead.check()
        try:
            events = self.bells.listen(self._poll_timeout())
            self.lead.check()  # this process may have been stopped while it waited
            self._process(events)
        except DoorbellReset:
            self.lead.confirm()
            self.stats.resets += 1
            self.begin()
            with suppress(DoorbellReset):  # the next tick notices; resets that come with each keep nobody waiting
                self._process(RelayEvents((), new_jobs=False))

    def _poll_timeout(self) -> float:
        """Return the longest time to wait for events, in seconds."""
        pause = 0.001 if self.unsupported.behind else POLL_SECONDS
        if self.timers.due is not None:
            pause = min(pause, max((self.timers.due - self.clock.now()).total_seconds(), 0.001))
        return pause

    def _process(self, events: RelayEvents) -> None:
        """Dispatch new jobs first: the periodic duties can wait two milliseconds, a new job need not."""
        now = self.clock.monotonic()
        self._apply_results(events, now)
        new_jobs = events.new_jobs and self.timers.poll > 0
        if new_jobs:
            self._fill_all(now)
        if self.rescue_from is None:
            self.rescue_from = now + recovery.grace_seconds(self.connection, after_outage=self.after_outage)
        if now >= self.timers.rescue:
            self._rescue(now)
            self.timers.rescue = now + RESCUE_SECONDS
        polled = now >= self.timers.poll
        if polled:
            self._read_queue_settings()
            self.unsupported.release(self.connection)
            self.timers.poll = now + POLL_SECONDS
        promoted = self._promote(now) if now >= self.timers.promote else 0
        if polled or promoted:
            self._fill_all(now)
        elif not new_jobs:
            for name in sorted(self.backlogged - self.paused):
                self._fill(name, now)

    def _fill_all(self, now: float) -> None:
        """Fill the windows of all queues with waiting jobs."""
        names = sorted(set(self.catalogue.queues) - self.paused)
        for name, waits in self.connection.execute(WAITING, (names,)).fetchall():
            if waits:
                self._fill(name, now)
            else:
                self.backlogged.discard(name)

    def _apply_results(self, events: RelayEvents, now: float) -> None:
        for answer in events.answers:
            for window in self.windows.values():
                dispatched = window.complete(answer, now)
                if dispatched is None:
                    continue
                self.unsupported.hear(dispatched.bell.task, answer)
                if answer.claimed > 0:
                    self.batching.observe(dispatched.bell, answer.seconds / answer.claimed)
                if answer.bell_id == self.crash_suspect:
                    self.crash_suspect = None
        for window in self.windows.values():
            window.update_rates(now)

    def _read_queue_settings(self) -> None:
        self.refresh(self.connection)
        rows = self.connection.execute(QUEUE_SETTINGS).fetchall()
        self.paused = frozenset(name for name, paused, _ in rows if paused)
        self.limits = {name: limit for name, _, limit in rows if limit is not None}
        row = self.connection.execute(SLOTS).fetchone()
        self.slots = int(row[0]) if row else 0

    def _promote(self, now: float) -> int:
        self.lead.confirm()
        wall_now = self.clock.now()
        is_due = self.timers.due is None or self.timers.due <= wall_now
        count = fair_pick.promote_due(self.connection, wall_now) if is_due else 0
        count += lanes.release_probes(self.connection, wall_now)
        self.timers.due = fair_pick.next_due(self.connection)
        self.timers.promote = now + PROMOTE_SECONDS
        self.stats.promoted += count
        return count

    def _fill(self, name: str, now: float) -> None:
        """Dispatch as many jobs of a queue as its window has capacity for."""
        window = self.windows[name]
        batch = max(map(self.batching.limit, self._tasks(name)), default=1)
        slots = max(self.slots, 1)
        job_capacity = window.job_capacity(slots, batch, self.limits.get(name))
        message_capacity = window.message_capacity(slots)
        if job_capacity <= 0 or job_capacity < len(window.ids) or message_capacity < len(window.dispatched):
            self.backlogged.add(name)
            self._admit_new_tenants(name, now)
            return
        began = self.clock.monotonic()
        jobs = fair_pick.pick(
            self.connection, name, job_capacity, window.outstanding, window.dispatchable,
            self.last_served.get(name, ""), self.unsupported,
        )  # fmt: skip
        self.stats.pick_seconds += self.clock.monotonic() - began
        more = len(jobs) == job_capacity or name in self.unsupported.behind
        (self.backlogged.add if more else self.backlogged.discard)(name)
        self._ring(name, [job for job in jobs if job.crashes < SUSPECT_CRASHES], now, message_capacity)
        self._ring_suspect(name, [job for job in jobs if job.crashes >= SUSPECT_CRASHES], now)

    def _admit_new_tenants(self, name: str, now: float) -> None:
        """Dispatch jobs of tenants with none in flight although the window is full, ahead of all others."""
        if name in self.limits or now < self.newcomers.get(name, 0.0):
            return
        self.newcomers[name] = now + NEWCOMER_SECONDS
        window, slots = self.windows[name], max(self.slots, 1)
        pick = partial(fair_pick.pick, self.connection, unsupported=self.unsupported, new_tenants_only=True)
        jobs = pick(name, slots, window.tenants, window.dispatchable)
        self._ring(name, [job for job in jobs if job.crashes < SUSPECT_CRASHES], now, slots)

    def _tasks(self, queue: str) -> Iterable[str]:
        return (payload.policy.name for payload in self.catalogue if payload.policy.queue == queue)

    def _ring(self, name: str, jobs: Sequence[fair_pick.Picked], now: float, limit: int) -> None:
        """Dispatch jobs in the given order, in up to `limit` doorbells."""
        if not jobs:
            return
        window = self.windows[name]
        idle = not window.ids
        if idle:
            self.batching.restart(self._tasks(name))
        bells = []
        for chunk in islice(self.batching.chunks(jobs, self._idle_threads()), limit):
            urgent = not idle and all(window.tenants[job.tenant] == 0 for job in chunk)
            bells.append((self.batching.bell(name, chunk, urgent=urgent), [job.tenant for job in chunk]))
            self.last_served[name] = chunk[-1].tenant
        if len(bells) == limit:
            self.backlogged.add(name)
        self._publish(name, bells, now)

    def _publish(self, name: str, bells: Sequence[tuple[Doorbell, list[str]]], now: float) -> None:
        self.crash("publish.before")
        self.bells.ring([bell for bell, _ in bells])
        self.crash("publish.after")
        for bell, tenants in bells:
            self.windows[name].add(bell, tenants, now)
            self.stats.dispatched += 1

    def _ring_suspect(self, name: str, jobs: Sequence[fair_pick.Picked], now: float) -> None:
        """Dispatch jobs that ran when two workers died, one at a time in the whole deployment."""
        if jobs and self.crash_suspect is None:
            job = min(jobs, key=lambda job: job.id)
            bell = self.batching.bell(name, [job], urgent=True)
            self._publish(name, [(bell, [job.tenant])], now)
            self.crash_suspect = bell.id
        if len(jobs) > 1 or (jobs and self.crash_suspect not in self.windows[name].dispatched):
            self.backlogged.add(name)

    def _idle_threads(self) -> int:
        """Return how many threads have no doorbell of external work, in the whole deployment."""
        bells = (sent.bell for window in self.windows.values() for sent in window.dispatched.values())
        return max(self.slots, 1) - sum(self.batching.is_external(bell.task) for bell in bells)

    def _rescue(self, now: float) -> None:
        self.lead.confirm()
        wall_now = self.clock.now()
        if self.rescue_from is not None and now >= self.rescue_from:
            self._strike_off(wall_now)
        if orphaned := recovery.orphans(self.connection):
            self.stats.rescued += recovery.requeue_running(self.connection, orphaned, wall_now)
            self.timers.poll = 0.0
        if expired := recovery.expired(self.connection):
            self.stats.rescued += recovery.requeue_unheld(self.connection, expired, wall_now)
            self.timers.poll = 0.0
        cancellation.apply_requests(self.connection, self.catalogue, wall_now)
        if now >= self.timers.compare:
            self._compare(now, wall_now)

    def _strike_off(self, wall_now: datetime) -> None:
        """Deregister dead workers, and count a crash of each job that they were running."""
        for worker in self.comparison.cut_off():
            bells = self.bells.reclaim(worker)
            self._forget(bells)
            for bell in bells:
                ids = recovery.suspects(self.connection, bell, worker, one_by_one=self.batching.is_external(bell.task))
                self.stats.rescued += recovery.count_crash(self.connection, ids, worker, wall_now)
            recovery.deregister(self.connection, worker)

    def _compare(self, now: float, wall_now: datetime) -> None:
        """Requeue what no worker holds; suspects are looked at again with the next rescue."""
        requeued = recovery.requeue_unheld(self.connection, self.comparison.unheld_jobs(), wall_now)
        self.stats.rescued += requeued
        overdue = [bell for window in self.windows.values() for bell in window.overdue(now)]
        self._forget([*self.comparison.lost_bells(overdue), *self.comparison.bells_of_strangers()])
        if self.comparison.release_stuck_lanes() or requeued:
            self.timers.poll = 0.0
        self.timers.compare = now if self.comparison.missing else now + COMPARE_SECONDS

    def _forget(self, bells: Sequence[Doorbell]) -> None:
        """Take doorbells out of the window, so that their jobs are dispatched again."""
        for bell in bells:
            for window in self.windows.values():  # a channel has bells of several queues
                window.forget(bell.id)
            if bell.id == self.crash_suspect:
                self.crash_suspect = None
            self.timers.poll = 0.0
