"""Sending mail: one SMTP transaction per recipient, each with the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

from sqlalchemy.orm import Session

from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome, Snooze, Transient
from kontor.kernel.ports import MailDeferred, MailRefused, MailTransport
from kontor.kernel.validation import address_key
from kontor.mailer.build import MailBuilder
from kontor.mails import queries as mails_queries
from kontor.mails.dispatch import Dispatch, Dispatcher, NotSent, SendResult, log_copy_of, record
from kontor.mails.folding import fold
from kontor.mails.held import release
from kontor.mails.payloads import MailSend, MailsFold, MailsRelease
from kontor.mails.queries import RecipientResult
from models.mails import MailState, RecipientState
from tasks.deps import HandlerDeps

DEFERRED_RETRY: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class MailSendHandler:
    """Renders the mail when it sends it, so tokens are in no payload and in no row."""

    dispatcher: Dispatcher
    builder: MailBuilder
    transport: MailTransport
    payload: ClassVar[type[MailSend]] = MailSend

    def claim(self, job: JobContext, session: Session, payload: MailSend) -> Dispatch | Outcome:
        """Plan the sending, unless the mail no longer applies."""
        plan = self.dispatcher.prepare(session, payload.mail_id, job.now)
        match plan:
            case Dispatch():
                return plan
            case NotSent(state, reason):
                mails_queries.close(session, payload.mail_id, state, reason, job.id)
                return Cancel(reason)
            case None:
                return Done()

    def act(self, job: JobContext, plan: Dispatch) -> SendResult:
        """Build the message once and send it. Raises Transient if no recipient could be reached."""
        built = self.builder.build(plan.letter, plan.dated)
        envelope = built.envelope.sender.envelope
        tried, refused, deferred = [], [], []
        for address in plan.outstanding:
            key = address_key(address)
            try:
                self.transport.send(envelope, address, built.raw)
                tried.append(RecipientResult(key, RecipientState.SENT))
            except MailRefused as error:
                tried.append(RecipientResult(key, RecipientState.FAILED, error.message))
                refused += [key] if error.at_rcpt else []
            except MailDeferred as error:
                tried.append(RecipientResult(key, RecipientState.QUEUED, error.message))
                deferred.append(error.message)
        if len(deferred) == len(plan.outstanding):
            raise Transient(deferred[0])
        reason = deferred[0] if deferred else None
        return SendResult(built, log_copy_of(built), tuple(tried), tuple(refused), reason)

    def record(
        self, job: JobContext, session: Session, payload: MailSend, plan: Dispatch, result: SendResult
    ) -> Outcome:
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
            return Snooze(job.now + DEFERRED_RETRY)
        return Done({"state": state.value, "message_id": result.built.message_id})

    def failed(self, job: JobContext, session: Session, payload: MailSend, error: str, dead: str | None) -> None:
        """Store the error in the mail log."""
        if dead is None:
            mails_queries.set_queued_reason(session, payload.mail_id, error, job.id)
        else:
            mails_queries.close(session, payload.mail_id, MailState.FAILED, error, job.id)


@dataclass(frozen=True, slots=True)
class MailsReleaseHandler:
    """Queues held mails, oldest first."""

    dispatcher: Dispatcher
    payload: ClassVar[type[MailsRelease]] = MailsRelease

    def run(self, job: JobContext, session: Session, payload: MailsRelease) -> Done:
        """Release what the allowances permit."""
        return Done(release(session, job.jobs, self.dispatcher.rules, self.dispatcher.programmes))


@dataclass(frozen=True, slots=True)
class MailsFoldHandler:
    """Posts the digests of the hour."""

    builder: MailBuilder
    payload: ClassVar[type[MailsFold]] = MailsFold

    def run(self, job: JobContext, session: Session, payload: MailsFold) -> Done:
        """Post one digest per address and brand."""
        return Done(fold(session, job.jobs, self.builder))


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of mails."""
    return [
        MailSendHandler(deps.dispatcher, deps.builder, deps.transport),
        MailsReleaseHandler(deps.dispatcher),
        MailsFoldHandler(deps.builder),
    ]
