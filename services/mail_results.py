"""Results of sending a mail: the logged message, the state of each recipient, suppressions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from mail.masking import masked
from mail.message import BuiltMail
from models.mails import MailState, RecipientState
from store import mails
from store.mails import Record, Tried

SUPPRESSED_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Posted:
    """Result of one attempt; `refused` are addresses to suppress, `deferred` is the reason for a retry."""

    built: BuiltMail
    raw: str
    tried: tuple[Tried, ...]
    refused: tuple[str, ...] = ()
    deferred: str | None = None


def logged(built: BuiltMail) -> str:
    """Return the message for the log: as sent, with the tokens in links masked."""
    log_copy = masked(built) if built.tokens else built
    return log_copy.raw.decode("utf-8", "replace")


def record(
    session: Session,
    mail_id: UUID,
    posted: Posted,
    *,
    job_id: UUID,
    now: datetime,
    sent_before: bool = False,
) -> MailState:
    """Store the result of an attempt; the mail stays queued while a recipient has to be retried."""
    if posted.refused:
        mails.suppress(session, posted.refused, now + SUPPRESSED_FOR, "refused at RCPT")
    state, reason = settled(posted, sent_before=sent_before)
    sender = posted.built.envelope.sender
    result = Record(
        state=state,
        reason=reason,
        job_id=job_id,
        message_id=posted.built.message_id,
        subject=posted.built.subject,
        from_address=sender.author.email,
        sender=sender.sender,
        reply_to=sender.reply_to,
        raw=posted.raw,
    )
    mails.record(session, mail_id, result, posted.tried, now)
    return state


def settled(posted: Posted, *, sent_before: bool) -> tuple[MailState, str | None]:
    """Return the mail's state after this attempt, and the reason for a retry or the first error, if any."""
    if posted.deferred is not None:
        return MailState.QUEUED, posted.deferred
    errors = [result.error for result in posted.tried if result.error]
    sent = any(result.state is RecipientState.SENT for result in posted.tried)
    return MailState.SENT if sent or sent_before else MailState.FAILED, next(iter(errors), None)
