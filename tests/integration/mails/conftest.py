"""The handler of `mail.send` with a fake mail server."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.smtp_fakes import FakeMailTransport
from domain.ids import new_id
from engine.enqueue import Jobs
from engine.handlers import JobContext
from engine.outcomes import Outcome
from mail.build import MailBuilder
from mail.render import Renderer
from models.jobs import Job
from services.account_book import AccountBook
from services.dispatch import Dispatch, Dispatcher
from services.mail_rules import RULES
from services.tokens import Tokens
from tasks.mails import MailSending, SendMail
from tests.support.wiring import PUBLIC_URL

Send = Callable[[UUID], Outcome]


@pytest.fixture(scope="session")
def builder() -> MailBuilder:
    """The real templates and catalogues."""
    return MailBuilder(Renderer())


@pytest.fixture
def transport() -> FakeMailTransport:
    """A fake mail server."""
    return FakeMailTransport()


@pytest.fixture
def sending(office: AccountBook, tokens: Tokens, builder: MailBuilder, transport: FakeMailTransport) -> MailSending:
    """The handler as a worker builds it."""
    dispatcher = Dispatcher(RULES, tokens, office.programmes, PUBLIC_URL)
    return MailSending(dispatcher, builder, transport)


@pytest.fixture
def context(jobs: Jobs) -> JobContext:
    """A job of the mail queue, on its first attempt."""
    return JobContext(
        id=new_id(),
        task=SendMail.policy.name,
        tenant="",
        lane=None,
        attempt=1,
        now=jobs.clock.now(),
        jobs=jobs,
        cancelled=lambda: False,
    )


@pytest.fixture
def send(session: Session, sending: MailSending, context: JobContext) -> Send:
    """Claim, act and record one mail, in transactions as the runner does."""

    def sent(mail_id: UUID) -> Outcome:
        payload = SendMail(mail_id=mail_id)
        plan = sending.claim(context, session, payload)
        session.commit()
        if not isinstance(plan, Dispatch):
            return plan
        result = sending.act(context, plan)
        outcome = sending.record(context, session, payload, plan, result)
        session.commit()
        session.expire_all()
        return outcome

    return sent


@pytest.fixture
def payloads(session: Session) -> Callable[[], list[dict[str, object]]]:
    """The payloads of the enqueued jobs."""
    return lambda: list(session.scalars(select(Job.payload).order_by(Job.id)))
