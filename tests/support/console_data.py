"""Fills a console: a dead group, a sent mail, schedules, a worker and a lane that is down."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, true

from kontor.adapters.fakes import FakeMailTransport
from kontor.engine.catalogue import ScheduleSpec
from kontor.engine.handlers import JobContext
from kontor.engine.schedules import declare
from kontor.http.context import Deps
from kontor.kernel.ids import new_id
from kontor.kernel.states import MisfirePolicy
from kontor.mails.dispatch import Dispatch, Dispatcher
from kontor.mails.payloads import MailSend
from kontor.mails.resend import RULES
from models.control import Lane, ScheduleOccurrence, WorkerProcess
from models.mails import Mail
from tasks.mails import MailSendHandler
from tests.support.console import enqueue_probe, mark_dead
from tests.support.wiring import mail_builder


def send_first_mail(deps: Deps, template: str, account_id: UUID | None = None) -> tuple[UUID, bytes]:
    """Send the first mail of that template (of that account); returns its id and the bytes on the wire."""
    transport = FakeMailTransport()
    dispatcher = Dispatcher(RULES, deps.tokens, deps.programmes, deps.public_url)
    sending = MailSendHandler(dispatcher, mail_builder(), transport)
    context = JobContext(
        id=new_id(), task="mail.send", tenant="", lane=None, attempt=1, now=deps.clock.now(), jobs=deps.jobs,
        cancelled=lambda: False,
    )  # fmt: skip
    with deps.sessions() as session:
        mine = true() if account_id is None else Mail.account_id == account_id
        mail = session.scalars(select(Mail).where(Mail.template == template, mine).order_by(Mail.id)).first()
        assert mail is not None
        payload = MailSend(mail_id=mail.id)
        plan = sending.claim(context, session, payload)
        assert isinstance(plan, Dispatch)
        sending.record(context, session, payload, plan, sending.act(context, plan))
        session.commit()
        return mail.id, transport.sent[0].raw


def add_incidents(deps: Deps, client: UUID) -> UUID:
    """Add dead jobs, schedules, a worker and an open lane; returns the dead job with message `needle`."""
    needle = enqueue_probe(deps, "needle")
    mark_dead(deps, needle, ConnectionError("No answer from printer 17 after 15 s"))
    for number in range(3):
        mark_dead(
            deps, enqueue_probe(deps, f"label {number}"), ConnectionError(f"No answer from printer {number} after 15 s")
        )
        enqueue_probe(deps, f"waits {number}")
    mark_dead(deps, enqueue_probe(deps, "other"), KeyError("price list of 2025"))
    now = deps.clock.now()
    nightly = ScheduleSpec("upkeep.nightly", "5 0 * * *", "Europe/Berlin", "probe.echo", MisfirePolicy.ONCE)
    often = ScheduleSpec("offers.expire", "*/15 * * * *", "UTC", "probe.echo", MisfirePolicy.SKIP)
    with deps.sessions() as session:
        declare(session, [nightly, often], now)
        session.flush()
        for number in range(8):
            due = now - timedelta(minutes=15 * (number + 1))
            session.add(
                ScheduleOccurrence(
                    schedule="offers.expire", slot=due.isoformat(), due_at=due, fired_at=due + timedelta(seconds=1),
                    job_id=None if number == 3 else needle, skipped=number == 3,
                )
            )  # fmt: skip
        session.add(
            Lane(
                name=f"instance:{client}", state="open", failures=3, held_since=now - timedelta(minutes=40),
                probe_at=now + timedelta(minutes=5), last_error="connection refused",
            )
        )  # fmt: skip
        session.add(
            WorkerProcess(
                id="w1", host="web-1", pid=4711, version="0.1.0", threads=16, queues=[], started_at=now,
                heartbeat_at=func.clock_timestamp(), memory_bytes=118_000_000,
            )
        )  # fmt: skip
        session.commit()
    return needle
