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

from adapters.clock_fakes import ManualClock
from adapters.doorbell import SilentDoorbell
from adapters.passwords import Argon2Passwords
from adapters.sealer import FernetSealer
from adapters.signed_calls import SignedCalls
from domain.retry import BreakerPolicy
from engine.enqueue import Jobs
from engine.handlers import Registry
from engine.lanes import release_probes
from engine.promote import promote_due
from engine.runner import Runner
from engine.schedules import Declared, declare, fire_due
from engine.workshop import Workshop
from mail.build import MailBuilder
from mail.render import Renderer
from services.account_book import AccountBook
from services.dead_jobs import announce
from services.dispatch import Dispatcher
from services.mail_rules import RULES
from services.offer_log import OfferBook
from services.programmes import Programmes
from services.tokens import Tokens
from tasks.catalogue import Ports, all_handlers, catalogue
from tasks.timetable import timetable
from workers.simulation.outside import Instances, Mailboxes

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
        self.programmes, self.sealer = Programmes(), FernetSealer(SECRET)
        self.jobs = Jobs(catalogue(), self.clock, SilentDoorbell())
        self.accounts = AccountBook(self.jobs, self.programmes, Argon2Passwords.cheap())
        self.offers = OfferBook(self.jobs, SECRET.encode(), self.programmes)
        registry = Registry(all_handlers(self._ports()))
        # A pool of its own, as a worker has: it keeps statements prepared, which a rollback would take away.
        self._shop_engine = create_engine(engine.url, pool_size=1, max_overflow=1)
        shop = Workshop(
            engine=self._shop_engine,
            registry=registry,
            jobs=self.jobs,
            clock=self.clock,
            random=Random(seed).random,  # noqa: S311 -- to be repeatable
            worker="simulation",
            breaker=BreakerPolicy(cap=PROBES),
            on_dead=announce,
        )
        self._runner = Runner(shop)
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._driver = psycopg.connect(url, autocommit=True)
        self.jobs_run: Counter[str] = Counter()

    def _ports(self) -> Ports:
        return Ports(
            sleep=lambda seconds: None,
            book=self.offers,
            sender=SignedCalls(self.instances, self.clock),
            sealer=self.sealer,
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
        self.transact(lambda session: declare(session, map(daily, timetable(session)), self.now))

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


def daily(declared: Declared) -> Declared:
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
