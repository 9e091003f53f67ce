"""The programme `booking` with a reseller, its clients, and the tasks of trials and quotas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from kontor.accounts import clients, deletion, reseller_status, schemas
from kontor.accounts import service as accounts
from kontor.accounts.clients import NewClient
from kontor.accounts.schemas import AccountOut
from kontor.accounts.service import NewAccount
from kontor.adapters.fakes import FakeMailTransport, ManualClock
from kontor.engine.fair_pick import promote_due
from kontor.engine.testing import InlineWorker
from kontor.kernel.database import psycopg_connection
from kontor.kernel.states import ReportKind
from kontor.programme import files
from kontor.programme.service import Programmes
from kontor.programme.versions import Versions
from kontor.usage import quotas, trials
from kontor.usage.quotas import ReportResult
from kontor.usage.service import NewUsageReport
from models.accounts import Account
from models.mails import Mail, MailRecipient
from models.webhooks import DomainEvent
from tasks import accounts as account_tasks
from tasks import mails as mail_tasks
from tasks import usage as usage_tasks
from tests.support.wiring import EXAMPLES, context_for, handler_deps, silent_jobs

EXAMPLE = EXAMPLES / "booking.yaml"
CHEF = "chef@salons.example"


@dataclass
class TrialScenario:
    """Service calls, each in its own transaction; `pass_time` moves the clock and runs every due job."""

    engine: Engine
    clock: ManualClock
    transport: FakeMailTransport = field(default_factory=FakeMailTransport)
    source: str = field(default_factory=EXAMPLE.read_text)

    def __post_init__(self) -> None:
        programmes = Programmes(self.clock)
        deps = handler_deps(context_for(silent_jobs(self.clock), programmes), transport=self.transport)
        families = (account_tasks, usage_tasks, mail_tasks)
        handlers = [handler for family in families for handler in family.handlers(deps)]
        self.inline = InlineWorker(self.engine, handlers, self.clock)
        self.ctx = context_for(self.inline.jobs, programmes)
        self.offers = context_for(self.inline.jobs, programmes)
        self.apply(self.source)
        with self.transaction() as session:
            owner = accounts.create(self.ctx, session, NewAccount("booking", "Salons", CHEF))
            self.reseller = reseller_status.become_reseller(self.ctx, session, owner.id).account.id
        self.client = self.another("Figaro", "ann@figaro.example")

    def apply(self, source: str) -> None:
        """Apply a programme file as `booking`."""
        with self.transaction() as session:
            plan = files.apply(session, "booking", source, now=self.clock.now(), actor="test")
            if plan.version > 1 and plan.applied:
                versions = Versions(self.ctx.programmes, session, plan.code)
                before, after = versions.numbered(plan.version - 1), versions.numbered(plan.version)
                quotas.enqueue_check_on_limit_change(session, self.ctx.jobs, plan.code, before, after)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One committed transaction."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session
            session.commit()

    def another(self, name: str, address: str, reseller: UUID | None = None) -> UUID:
        """Create another client."""
        with self.transaction() as session:
            owner = reseller or self.reseller
            return clients.create(self.ctx, session, owner, NewClient(name, address)).id

    def start(self, account_id: UUID | None = None) -> datetime:
        """Start a trial; returns its end."""
        with self.transaction() as session:
            ends_at = trials.start(self.ctx, session, account_id or self.client).trial_ends_at
        assert ends_at is not None
        return ends_at

    def take_plan(self, plan: str, account_id: UUID | None = None) -> bool:
        """Put an account on a plan; returns whether its trial was converted."""
        with self.transaction() as session:
            account = session.get_one(Account, account_id or self.client, with_for_update=True)
            account.plan = plan
            return trials.convert(session, self.ctx.jobs, account, self.clock.now())

    def delete(self, account_id: UUID | None = None) -> None:
        """Delete an account."""
        with self.transaction() as session:
            deletion.delete(self.ctx, session, account_id or self.client, "test")

    def report(
        self,
        kind: str,
        amount: int,
        *,
        at: datetime | None = None,
        report_id: str | None = None,
        account_id: UUID | None = None,
    ) -> ReportResult:
        """Report appointments."""
        report = NewUsageReport("appointments", ReportKind(kind), amount, at or self.clock.now(), report_id)
        with self.transaction() as session:
            return quotas.receive_report(self.ctx, session, account_id or self.client, report)

    def shown(self, account_id: UUID | None = None) -> AccountOut:
        """The account as the API shows it."""
        with self.transaction() as session:
            account = accounts.get(session, account_id or self.client)
            return schemas.account_outs(session, self.ctx.programmes, [account], self.clock.now())[0]

    def set(self, instant: datetime) -> None:
        """Move the clock to an instant without running jobs."""
        self.clock.advance(instant - self.clock.now())

    def work(self) -> None:
        """Run every due job."""
        self.inline.drain()

    def promote_early(self, by: timedelta) -> int:
        """Promote what is due by a relay whose clock is ahead; returns how many jobs."""
        with self.transaction() as session:
            return promote_due(psycopg_connection(session), self.clock.now() + by)

    def pass_time(self, by: timedelta) -> None:
        """Advance the clock, then run every due job, as after an outage of that length."""
        self.clock.advance(by)
        self.work()

    def go_to(self, instant: datetime) -> None:
        """Move the clock to an instant, then run every due job."""
        self.set(instant)
        self.work()

    def mails(self, *templates: str) -> list[str]:
        """The templates of all mails, oldest first, optionally filtered by prefix."""
        query = select(Mail.template).order_by(Mail.id)
        with self.transaction() as session:
            return [name for name in session.scalars(query) if not templates or name.startswith(templates)]

    def posted(self, template: str) -> list[tuple[Mail, list[tuple[str, str]]]]:
        """Every mail of a template with (role, address) of its recipients, To first."""
        with self.transaction() as session:
            mails = []
            for mail in session.scalars(select(Mail).where(Mail.template == template).order_by(Mail.id)):
                query = select(MailRecipient.role, MailRecipient.address).where(MailRecipient.mail_id == mail.id)
                recipients = [(row[0], row[1]) for row in session.execute(query.order_by(MailRecipient.role.desc()))]
                mails.append((mail, recipients))
            return mails

    def events(self, *types: str) -> list[dict[str, Any]]:
        """The data of events of some types, in order."""
        with self.transaction() as session:
            query = select(DomainEvent.data).where(DomainEvent.type.in_(types)).order_by(DomainEvent.seq)
            return list(session.scalars(query))
