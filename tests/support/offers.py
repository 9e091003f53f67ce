"""A reseller, its client with a fake instance, and a worker in the test's thread."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from kontor.accounts import instances
from kontor.adapters.fakes import FakeHttp, ManualClock, ReceivedPost
from kontor.adapters.http import SignedCalls
from kontor.adapters.secrets import FernetSecretBox
from kontor.engine import lanes
from kontor.engine.fair_pick import promote_due
from kontor.engine.handlers import Registry
from kontor.engine.runner import Runner
from kontor.engine.runtime import WorkerRuntime
from kontor.kernel.database import psycopg_connection
from kontor.kernel.ids import new_id
from kontor.kernel.ports import CallSender
from kontor.kernel.tokens import Tokens
from kontor.offers import service as offers
from kontor.offers.schemas import OfferOut
from kontor.offers.service import NewOffer
from kontor.offers.views import offer_out
from models.accounts import Account
from models.mails import Mail
from models.offers import Offer
from tasks import licences, maintenance, webhooks
from tasks import offers as offer_tasks
from tests.support.wiring import SECRET, apply_example, context_for, handler_deps, silent_jobs

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LINES = ({"product": "excel-basics", "count": 10, "mode": "absolute", "term": "P1Y"},)


@dataclass
class OfferScenario:
    """A reseller and its client; `http` is the outside world."""

    engine: Engine
    clock: ManualClock
    http: FakeHttp = field(default_factory=FakeHttp)
    secret_box: FernetSecretBox = field(default_factory=lambda: FernetSecretBox(SECRET))
    tokens: Tokens = field(default_factory=lambda: Tokens(SECRET))
    reseller: UUID = field(default_factory=new_id)
    client: UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        self.jobs = silent_jobs(self.clock)
        self.ctx = context_for(self.jobs)
        self.call_with(SignedCalls(self.http, self.clock))

    def call_with(self, sender: CallSender) -> None:
        """Rebuild the worker with another sender of calls."""
        deps = handler_deps(self.ctx, sender)
        families = (offer_tasks, licences, webhooks, maintenance)
        registry = Registry([handler for family in families for handler in family.handlers(deps)])
        runtime = WorkerRuntime(
            engine=self.engine,
            registry=registry,
            jobs=self.jobs,
            clock=self.clock,
            random=lambda: 0.5,
            worker="test",
        )
        self.runner = Runner(runtime)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One committed transaction."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session
            session.commit()

    def set_up(self) -> OfferScenario:
        """Apply the programme; create the reseller, its client and the client's instance."""
        with self.transaction() as session:
            apply_example(session, "learning", self.clock)
            session.add(account(self.reseller, "Nordic Academy", "reseller"))
            session.flush()
            session.add(account(self.client, "Acme", "client", self.reseller))
            session.flush()
            self.give_instance(session, self.client)
        return self

    def give_instance(self, session: Session, account_id: UUID) -> None:
        """Give an account an instance with a unique path."""
        url = f"https://instance.example/{account_id}"
        instances.put(session, self.secret_box, account_id, url, None, self.clock.now())

    def another_client(self, name: str) -> UUID:
        """Create another client of the same reseller, with an instance."""
        client = new_id()
        with self.transaction() as session:
            session.add(account(client, name, "client", self.reseller))
            session.flush()
            self.give_instance(session, client)
        return client

    def send(self, lines: Sequence[Mapping[str, Any]] | None = LINES, **options: Any) -> UUID:
        """Send an offer; returns its id."""
        fields: dict[str, Any] = {"reseller_id": self.reseller, "account_id": self.client, "lines": lines} | options
        with self.transaction() as session:
            return offers.send(self.ctx, session, NewOffer(**fields), "key:reseller").id

    def delivered(self, lines: Sequence[Mapping[str, Any]] | None = LINES, **options: Any) -> UUID:
        """Send an offer and deliver it."""
        offer_id = self.send(lines, **options)
        self.work()
        return offer_id

    def offer(self, offer_id: UUID) -> OfferOut:
        """The offer as the API shows it."""
        with self.transaction() as session:
            return offer_out(session, session.get_one(Offer, offer_id), self.clock.now())

    def work(self) -> None:
        """Run every due job except mails."""
        while self._work_once():
            pass

    def promote_early(self, by: timedelta) -> int:
        """Promote what is due by a relay whose clock is ahead; returns how many jobs."""
        with self.transaction() as session:
            return promote_due(psycopg_connection(session), self.clock.now() + by)

    def pass_time(self, by: timedelta) -> None:
        """Advance the clock, then run every due job."""
        self.clock.advance(by)
        self.work()

    def _work_once(self) -> int:
        with self.transaction() as session:
            driver: Any = session.connection().connection.driver_connection
            promote_due(driver, self.clock.now())
            lanes.release_probes(driver, self.clock.now())
            query = sql("SELECT id, task FROM jobs WHERE state = 'queued' AND NOT held AND queue <> 'mail' ORDER BY id")
            due = session.execute(query).all()
        return sum(self.runner.run("", task, [job_id]).claimed for job_id, task in due)

    def calls(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The bodies of all calls, oldest first."""
        bodies = [body_of(posted) for posted in self.http.posted]
        return [body for body in bodies if kind is None or body["type"] == kind]

    def mails(self) -> list[tuple[str, str]]:
        """Template and recipient of every mail, oldest first."""
        query = sql(
            "SELECT m.template, r.address FROM mails m JOIN mail_recipients r ON r.mail_id = m.id"
            " ORDER BY m.id, r.role DESC"
        )
        with self.transaction() as session:
            return [(row[0], row[1]) for row in session.execute(query)]

    def mail(self, template: str) -> Mail:
        """The newest mail of a template."""
        query = select(Mail).where(Mail.template == template).order_by(Mail.id.desc()).limit(1)
        with self.transaction() as session:
            return session.scalars(query).one()

    def jobs_of(self, task: str) -> list[tuple[str, int, str | None]]:
        """State, attempts and reason of every job of a task, oldest first."""
        query = sql(
            "SELECT state, attempt, reason, id FROM jobs WHERE task = :task UNION ALL"
            " SELECT state, attempt, reason, id FROM jobs_archive WHERE task = :task ORDER BY id"
        )
        with self.transaction() as session:
            return [(row[0], row[1], row[2]) for row in session.execute(query, {"task": task})]


def body_of(posted: ReceivedPost) -> dict[str, Any]:
    """The body of a call, with its id under `webhook-id`."""
    body: dict[str, Any] = json.loads(posted.body)
    return body | {"webhook-id": posted.headers["webhook-id"]}


def account(account_id: UUID, name: str, kind: str, reseller_id: UUID | None = None) -> Account:
    """Build an account of the programme learning."""
    address = f"admin@{name.lower().replace(' ', '-')}.example"
    return Account(
        id=account_id,
        programme="learning",
        name=name,
        name_key=name.casefold(),
        kind=kind,
        reseller_id=reseller_id,
        admin_email=address,
        email_key=address,
        locale="en",
        timezone="Europe/Berlin",
        created_at=START,
    )
