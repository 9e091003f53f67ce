"""The stage: the real handlers over a real database, in one process, under a clock that is moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Final, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from devtools.simulation.fake_world import Instances, Mailboxes
from kontor.adapters.fakes import ManualClock
from kontor.adapters.http import SignedCalls
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.adapters.secrets import Argon2Passwords, FernetSecretBox
from kontor.context import Context, Secrets
from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.enqueue import Jobs
from kontor.engine.fair_pick import promote_due
from kontor.engine.handlers import Registry
from kontor.engine.lanes import release_probes
from kontor.engine.retry import BreakerPolicy
from kontor.engine.runner import Runner
from kontor.engine.runtime import WorkerRuntime
from kontor.engine.schedules import declare, fire_due
from kontor.kernel.tokens import Tokens
from kontor.mailer.build import MailBuilder
from kontor.mailer.render import Renderer
from kontor.mails.dispatch import Dispatcher
from kontor.mails.refresh import RULES
from kontor.programme.service import Programmes
from kontor.webhooks.dead_jobs import emit_job_dead
from tasks.catalogue import catalogue
from tasks.registry import HandlerDeps, all_handlers
from tasks.schedules import all_schedules

SECRET: Final = "a secret that lives as long as a simulation"  # noqa: S105 -- of a database that is thrown away
PUBLIC_URL: Final = "https://kontor.example"
BATCH: Final = 32
HOUSEKEEPING: Final = ("0", "4")
PROBES: Final = timedelta(hours=2)
"""How rarely an instance that is away is asked at last; every five minutes would be half of all the work."""
TURNS: Final = 100_000
DUE: Final = """
SELECT least(
    (SELECT min(next_at) FROM schedules WHERE NOT retired),
    (SELECT min(run_at) FROM jobs WHERE state IN ('scheduled', 'retrying')),
    (SELECT min(probe_at) FROM lanes WHERE state = 'open'))
"""
QUEUED: Final = "SELECT id, task FROM jobs WHERE state = 'queued' AND NOT held ORDER BY priority DESC, id LIMIT 512"

T = TypeVar("T")


class Stuck(RuntimeError):
    """Jobs lead to jobs and never end."""


class Stage:
    """One machine: its ledger, its handlers, its clock, and what is outside of it."""

    def __init__(self, engine: Engine, seed: int, start: datetime) -> None:
        self.engine = engine
        self.clock = ManualClock(start)
        self.instances, self.mailboxes = Instances(), Mailboxes()
        self.programmes, self.secret_box = Programmes(), FernetSecretBox(SECRET)
        self.jobs = Jobs(catalogue(), self.clock, SilentRelayHint())
        self.context = Context(self.jobs, self.programmes, Secrets(SECRET.encode(), Argon2Passwords.cheap()))
        registry = Registry(all_handlers(self._ports()))
        # A pool of its own, as a worker has: it keeps statements prepared, which a rollback would take away.
        self._shop_engine = create_engine(engine.url, pool_size=1, max_overflow=1)
        shop = WorkerRuntime(
            engine=self._shop_engine,
            registry=registry,
            jobs=self.jobs,
            clock=self.clock,
            random=Random(seed).random,  # noqa: S311 -- to be repeatable
            worker="simulation",
            breaker=BreakerPolicy(cap=PROBES),
            on_dead=emit_job_dead,
        )
        self._runner = Runner(shop)
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._driver = psycopg.connect(url, autocommit=True)
        self.jobs_run: Counter[str] = Counter()

    def _ports(self) -> HandlerDeps:
        return HandlerDeps(
            sleep=lambda seconds: None,
            ctx=self.context,
            sender=SignedCalls(self.instances, self.clock),
            secret_box=self.secret_box,
            clock=self.clock,
            dispatcher=Dispatcher(RULES, Tokens(SECRET), self.programmes, PUBLIC_URL),
            builder=MailBuilder(Renderer()),
            transport=self.mailboxes,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._driver.close()
        self._shop_engine.dispose()

    @property
    def now(self) -> datetime:
        """Where the clock stands."""
        return self.clock.now()

    def move(self, to: datetime) -> None:
        """Move the clock, never back."""
        if to > self.now:
            self.clock.advance(to - self.now)

    def announce_schedules(self) -> None:
        """What the scheduler does when it starts and a programme is there."""
        self.transact(lambda session: declare(session, map(daily, all_schedules(session)), self.now))

    def transact(self, use: Callable[[Session], T]) -> T:
        """One transaction, committed when `use` returns."""
        with Session(self.engine, expire_on_commit=False) as session:
            found = use(session)
            session.commit()
        return found

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for somebody who only looks."""
        with Session(self.engine) as session:
            yield session

    def next_due(self) -> datetime | None:
        """When something happens by itself; now or before when it is late."""
        row = self._driver.execute(DUE).fetchone()
        return None if row is None else row[0]

    def run_until(self, end: datetime) -> None:
        """Run what is due up to `end`, each at its instant, and leave the clock there."""
        while (due := self.next_due()) is not None and due <= end:
            self.move(due)
            self.settle()
        self.move(end)

    def settle(self) -> None:
        """Run what is due now, and what that leads to, until nothing is left."""
        for _ in range(TURNS):
            due = self.next_due()
            late = due is not None and due <= self.now
            if late:
                self._wake()
            if not self._run_queued() and not late:
                return
        raise Stuck(f"jobs do not come to an end at {self.now}")

    def _wake(self) -> None:
        """What scheduler and relay do when a time has come."""
        self.transact(lambda session: fire_due(session, self.jobs, self.now))
        promote_due(self._driver, self.now)
        release_probes(self._driver, self.now)

    def _run_queued(self) -> int:
        claimed = 0
        for task, ids in _bells(self._driver.execute(QUEUED).fetchall()):
            ran = self._runner.run("simulation", task, ids).claimed
            self.jobs_run[task] += ran
            claimed += ran
        return claimed


def daily(declared: ScheduleSpec) -> ScheduleSpec:
    """Housekeeping that runs every hour or more often runs once a day here: it would be most of the work."""
    _, hour, *days = declared.cron.split()
    return declared if hour != "*" else replace(declared, cron=" ".join([*HOUSEKEEPING, *days]))


def _bells(rows: Sequence[tuple[UUID, str]]) -> Iterator[tuple[str, list[UUID]]]:
    """Neighbours of one task, up to a batch of them."""
    batch: list[UUID] = []
    task = ""
    for job_id, its_task in rows:
        if batch and (its_task != task or len(batch) == BATCH):
            yield task, batch
            batch = []
        task = its_task
        batch.append(job_id)
    if batch:
        yield task, batch
