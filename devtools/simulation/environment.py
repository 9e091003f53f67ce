"""The environment of a simulation: real handlers and a real database in one process, with a manual clock."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from devtools.simulation.service_events import REFUSED_QUANTITY
from kontor.adapters.fakes import FakeHttp, ManualClock, http_reply, refused, timed_out
from kontor.adapters.http import SignedCalls
from kontor.adapters.network import FixedTxt
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.adapters.secrets import Argon2Passwords, DerivedKeys, FernetSecretBox
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
from kontor.kernel.errors import Unreachable
from kontor.kernel.ports import HttpReply
from kontor.kernel.tokens import Tokens
from kontor.mailer.build import MailBuilder
from kontor.mailer.render import Renderer
from kontor.mails.dispatch import Dispatcher
from kontor.mails.resend import RULES
from kontor.programme.payloads import BEGIN
from kontor.programme.service import Programmes
from kontor.provisioning.service import ServiceEndings
from kontor.webhooks.job_events import JOB_END_EVENTS, emit_job_dead
from tasks.catalogue import catalogue
from tasks.deps import HandlerDeps
from tasks.registry import all_handlers
from tasks.schedules import all_schedules

HOST = "https://{label}.instances.example/hook"
MESSAGE_ID = b"\nMessage-ID: "


def url_of(label: str) -> str:
    """Return the URL of an account's instance."""
    return HOST.format(label=label.lower())


@dataclass(slots=True)
class FakeInstances:
    """Implements kontor.kernel.ports.HttpSender: returns 204, or fails as set in `down` by URL."""

    down: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    failures: int = 0
    keys: set[bytes] = field(default_factory=set)
    repeats: int = 0

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Receive a call; fail it when the instance is down. Raises Unreachable."""
        failure = self.down.get(url)
        if failure is not None:
            self.failures += 1
            return _fail(failure)
        if url == HANDLER and _asks_too_much(json.loads(body)["data"]):
            return http_reply(422)
        self.calls += 1
        by_name = {name.lower(): text for name, text in headers.items()}
        key = hashlib.blake2b(f"{url} {by_name.get('webhook-id')}".encode(), digest_size=8).digest()
        self.repeats += key in self.keys
        self.keys.add(key)
        return http_reply(204)


def _asks_too_much(call: Mapping[str, Any]) -> bool:
    """Whether so many cannot be there; an end is never refused."""
    return call["args"]["quantity"] == REFUSED_QUANTITY and not call["task"].endswith(".terminate")


def _fail(failure: str) -> HttpReply:
    match failure:
        case "refused":
            raise _unreachable(refused())
        case "timeout":
            raise _unreachable(timed_out())
        case _:
            return http_reply(int(failure))


def _unreachable(error: Unreachable) -> Unreachable:
    return error


@dataclass(slots=True)
class FakeMailboxes:
    """Implements kontor.kernel.ports.MailTransport: counts deliveries and repeats, keeps no text."""

    delivered: int = 0
    repeats: int = 0
    seen: set[bytes] = field(default_factory=set)
    by_domain: Counter[str] = field(default_factory=Counter)

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> None:
        """Count one delivery."""
        begin = raw.index(MESSAGE_ID) + len(MESSAGE_ID)
        message_id = raw[begin : raw.index(b"\n", begin)]
        key = hashlib.blake2b(message_id + b" " + recipient.encode(), digest_size=8).digest()
        self.repeats += key in self.seen
        self.seen.add(key)
        self.delivered += 1
        self.by_domain[recipient.rpartition("@")[2]] += 1

    def close(self) -> None:
        """No-op."""


SECRET: Final = "a secret that lives as long as a simulation"  # noqa: S105 -- of a database that is thrown away
HANDLER: Final = "https://provisioner.example/kontor"
PUBLIC_URL: Final = "https://kontor.example"
BATCH: Final = 32
HOUSEKEEPING: Final = ("0", "4")
PROBE_CAP: Final = timedelta(hours=2)
"""Longest pause between probes of an instance that is down; with five minutes, probes would be half of all jobs."""
MAX_TURNS: Final = 100_000
DUE: Final = """
SELECT least(
    (SELECT min(next_at) FROM schedules WHERE NOT retired),
    (SELECT min(run_at) FROM jobs WHERE state IN ('scheduled', 'retrying')),
    (SELECT min(probe_at) FROM lanes WHERE state = 'open'))
"""
QUEUED: Final = "SELECT id, task FROM jobs WHERE state = 'queued' AND NOT held ORDER BY priority DESC, id LIMIT 512"

T = TypeVar("T")


class JobsNeverSettle(RuntimeError):
    """Jobs keep enqueuing jobs without end."""


class SimulationEnvironment:
    """One simulated deployment: ledger, handlers, clock, and fakes of instances and mailboxes."""

    def __init__(self, engine: Engine, seed: int, start: datetime) -> None:
        self.engine = engine
        self.clock = ManualClock(start)
        self.instances, self.mailboxes = FakeInstances(), FakeMailboxes()
        self.programmes, self.secret_box = Programmes(self.clock), FernetSecretBox(SECRET)
        self.jobs = Jobs(catalogue(), self.clock, SilentRelayHint())
        self.context = Context(self.jobs, self.programmes, Secrets(DerivedKeys(SECRET), Argon2Passwords.cheap()))
        registry = Registry(all_handlers(self._handler_deps()), self.jobs.catalogue)
        self.jobs.catalogue.subscribe(ServiceEndings(self.programmes))
        self.jobs.catalogue.subscribe(JOB_END_EVENTS)
        # A separate pool, as a worker has: its prepared statements must survive rollbacks.
        self._runner_engine = create_engine(engine.url, pool_size=1, max_overflow=1)
        runtime = WorkerRuntime(
            engine=self._runner_engine,
            registry=registry,
            jobs=self.jobs,
            clock=self.clock,
            random=Random(seed).random,  # noqa: S311 -- to be repeatable
            worker="simulation",
            breaker=BreakerPolicy(cap=PROBE_CAP),
            on_dead=emit_job_dead,
        )
        self._runner = Runner(runtime)
        url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(url, autocommit=True)
        self.jobs_run: Counter[str] = Counter()

    def _handler_deps(self) -> HandlerDeps:
        return HandlerDeps(
            sleep=lambda seconds: None,
            ctx=self.context,
            sender=SignedCalls(self.instances, self.clock),
            secret_box=self.secret_box,
            clock=self.clock,
            dispatcher=Dispatcher(RULES, Tokens(SECRET), self.programmes, PUBLIC_URL),
            builder=MailBuilder(Renderer()),
            transport=self.mailboxes,
            txt=FixedTxt({}),
            reader=FakeHttp(),
        )

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()
        self._runner_engine.dispose()

    @property
    def now(self) -> datetime:
        """The time of the manual clock."""
        return self.clock.now()

    def move(self, to: datetime) -> None:
        """Move the clock forward to an instant; ignored when it is past."""
        if to > self.now:
            self.clock.advance(to - self.now)

    def declare_schedules(self) -> None:
        """Declare the schedules, as the scheduler does at its start."""
        self.transact(lambda session: declare(session, map(daily, all_schedules(session)), self.now))

    def transact(self, use: Callable[[Session], T]) -> T:
        """Run `use` in one transaction and return its result."""
        with self.transaction() as session:
            return use(session)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction, which is committed when the block ends."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session
            session.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reading."""
        with Session(self.engine) as session:
            yield session

    def next_due(self) -> datetime | None:
        """Return the instant of the next schedule, job or probe; None without one, in the past when it is overdue."""
        row = self._connection.execute(DUE).fetchone()
        return None if row is None else row[0]

    def run_until(self, end: datetime) -> None:
        """Run everything due up to `end`, each at its instant, then set the clock to `end`."""
        while (due := self.next_due()) is not None and due <= end:
            self.move(due)
            self.settle()
        self.move(end)

    def settle(self) -> None:
        """Run everything due now, and the jobs it enqueues, until nothing is left. Raises JobsNeverSettle."""
        for _ in range(MAX_TURNS):
            due = self.next_due()
            is_due = due is not None and due <= self.now
            if is_due:
                self._wake()
            if not self._run_queued() and not is_due:
                return
        raise JobsNeverSettle(f"jobs keep enqueuing jobs at {self.now}")

    def _wake(self) -> None:
        """Do the work of scheduler and relay for the current instant."""
        self.transact(lambda session: fire_due(session, self.jobs, self.now))
        promote_due(self._connection, self.now)
        release_probes(self._connection, self.now)

    def _run_queued(self) -> int:
        claimed = 0
        for task, ids in _batches(self._connection.execute(QUEUED).fetchall()):
            ran = self._runner.run("simulation", task, ids).claimed
            self.jobs_run[task] += ran
            claimed += ran
            if task == BEGIN:
                # It declared the schedules of all programmes anew, frequent housekeeping among them.
                self.declare_schedules()
        return claimed


def daily(declared: ScheduleSpec) -> ScheduleSpec:
    """Return the schedule, once a day if it runs at least hourly: frequent housekeeping would be most of the work."""
    _, hour, *days = declared.cron.split()
    return declared if hour != "*" else replace(declared, cron=" ".join([*HOUSEKEEPING, *days]))


def _batches(rows: Sequence[tuple[UUID, str]]) -> Iterator[tuple[str, list[UUID]]]:
    """Yield consecutive jobs of the same task, at most a batch at a time."""
    batch: list[UUID] = []
    task = ""
    for job_id, next_task in rows:
        if batch and (next_task != task or len(batch) == BATCH):
            yield task, batch
            batch = []
        task = next_task
        batch.append(job_id)
    if batch:
        yield task, batch
