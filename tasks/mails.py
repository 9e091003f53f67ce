"""Sending mail: one SMTP transaction per recipient, each with the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.jobs import CrashPolicy, TaskKind
from domain.mailing import MailDeferred, MailRefused, MailTransport
from domain.names import address_key
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome, Snooze, Transient
from mail.build import MailBuilder
from models.mails import MailState, RecipientState
from services.dispatch import Dispatch, Dispatcher, NotSent
from services.mail_results import Posted, logged, record
from services.mails import SEND
from store import mails
from store.mails import Tried

PATIENCE: Final = RetryPolicy(max_attempts=80, base=timedelta(seconds=5), cap=timedelta(minutes=90))
SOON: Final = timedelta(minutes=2)


class SendMail(Payload):
    """Send a posted mail."""

    policy: ClassVar[Policy] = Policy(
        name=SEND,
        queue="mail",
        kind=TaskKind.EXTERNAL,
        retry=PATIENCE,
        crash=CrashPolicy.RERUN,
        due_by=timedelta(minutes=5),
        time_limit=timedelta(minutes=2),
    )

    mail_id: UUID


@dataclass(frozen=True, slots=True)
class MailSending:
    """Renders the mail when it sends it, so tokens are in no payload and in no row."""

    dispatcher: Dispatcher
    builder: MailBuilder
    transport: MailTransport
    payload: ClassVar[type[SendMail]] = SendMail

    def claim(self, job: JobContext, session: Session, payload: SendMail) -> Dispatch | Outcome:
        """Plan the sending, unless the mail no longer applies."""
        plan = self.dispatcher.prepare(session, payload.mail_id, job.now)
        match plan:
            case Dispatch():
                return plan
            case NotSent(state, reason):
                mails.close(session, payload.mail_id, state, reason, job.id)
                return Cancel(reason)
            case None:
                return Done()

    def act(self, job: JobContext, plan: Dispatch) -> Posted:
        """Build the message once and send it. Raises Transient if no recipient could be reached."""
        built = self.builder.build(plan.letter, plan.dated)
        envelope = built.envelope.sender.envelope
        tried, refused, deferred = [], [], []
        for address in plan.outstanding:
            key = address_key(address)
            try:
                self.transport.send(envelope, address, built.raw)
                tried.append(Tried(key, RecipientState.SENT))
            except MailRefused as error:
                tried.append(Tried(key, RecipientState.FAILED, error.message))
                refused += [key] if error.at_rcpt else []
            except MailDeferred as error:
                tried.append(Tried(key, RecipientState.QUEUED, error.message))
                deferred.append(error.message)
        if len(deferred) == len(plan.outstanding):
            raise Transient(deferred[0])
        reason = deferred[0] if deferred else None
        return Posted(built, logged(built), tuple(tried), tuple(refused), reason)

    def record(self, job: JobContext, session: Session, payload: SendMail, plan: Dispatch, result: Posted) -> Outcome:
        """Store the result; recipients that could not be reached are retried soon."""
        state = record(
            session,
            payload.mail_id,
            result,
            job_id=job.id,
            now=job.now,
            sent_before=plan.sent_before,
        )
        if state is MailState.QUEUED:
            return Snooze(job.now + SOON)
        return Done({"state": state.value, "message_id": result.built.message_id})

    def failed(self, job: JobContext, session: Session, payload: SendMail, error: str, dead: str | None) -> None:
        """Store the error in the mail log."""
        if dead is None:
            mails.note(session, payload.mail_id, error, job.id)
        else:
            mails.close(session, payload.mail_id, MailState.FAILED, error, job.id)
