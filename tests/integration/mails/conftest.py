"""The handler of `mail.send` with a fake mail server."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.adapters.fakes import FakeMailTransport
from kontor.context import Context
from kontor.engine.enqueue import Jobs
from kontor.engine.handlers import JobContext, Outcome
from kontor.kernel.ids import new_id
from kontor.kernel.tokens import Tokens
from kontor.mailer.build import MailBuilder
from kontor.mailer.identity import Addressee
from kontor.mailer.render import Renderer
from kontor.mails.dispatch import Dispatch, Dispatcher
from kontor.mails.payloads import MailSend
from kontor.mails.resend import RULES
from models.jobs import Job
from tasks.mails import MailSendHandler
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
def operator_from() -> Addressee | None:
    """The setting OPERATOR_FROM: none."""
    return None


@pytest.fixture
def sending(
    office: Context, tokens: Tokens, builder: MailBuilder, transport: FakeMailTransport, operator_from: Addressee | None
) -> MailSendHandler:
    """The handler as a worker builds it."""
    dispatcher = Dispatcher(RULES, tokens, office.programmes, PUBLIC_URL, "https://staff.example", operator_from)
    return MailSendHandler(dispatcher, builder, transport)


@pytest.fixture
def context(jobs: Jobs) -> JobContext:
    """A job of the mail queue, on its first attempt."""
    return JobContext(
        id=new_id(),
        task=MailSend.policy.name,
        tenant="",
        lane=None,
        attempt=1,
        now=jobs.clock.now(),
        jobs=jobs,
        cancelled=lambda: False,
    )


@pytest.fixture
def send(session: Session, sending: MailSendHandler, context: JobContext) -> Send:
    """Claim, act and record one mail, in transactions as the runner does."""

    def sent(mail_id: UUID) -> Outcome:
        payload = MailSend(mail_id=mail_id)
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
