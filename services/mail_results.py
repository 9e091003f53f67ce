"""What became of a mail: its message, its recipients, and who is not to be written to."""

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
    """What was sent to whom. `refused` are addresses to suppress; `deferred` is why to try again."""

    built: BuiltMail
    raw: str
    tried: tuple[Tried, ...]
    refused: tuple[str, ...] = ()
    deferred: str | None = None


def logged(built: BuiltMail) -> str:
    """The message as the log keeps it: as it was sent, but no link in it opens anything."""
    kept = masked(built) if built.tokens else built
    return kept.raw.decode("utf-8", "replace")


def record(
    session: Session,
    mail_id: UUID,
    posted: Posted,
    *,
    job_id: UUID,
    now: datetime,
    sent_before: bool = False,
) -> MailState:
    """Write down what was sent; the mail stays queued while a recipient is to be tried again."""
    if posted.refused:
        mails.suppress(session, posted.refused, now + SUPPRESSED_FOR, "refused at RCPT")
    state, reason = settled(posted, sent_before=sent_before)
    sender = posted.built.envelope.sender
    known = Record(
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
    mails.record(session, mail_id, known, posted.tried, now)
    return state


def settled(posted: Posted, *, sent_before: bool) -> tuple[MailState, str | None]:
    """The state of the mail after this attempt, and why it is not simply sent."""
    if posted.deferred is not None:
        return MailState.QUEUED, posted.deferred
    errors = [one.error for one in posted.tried if one.error]
    sent = any(one.state is RecipientState.SENT for one in posted.tried)
    return MailState.SENT if sent or sent_before else MailState.FAILED, next(iter(errors), None)
