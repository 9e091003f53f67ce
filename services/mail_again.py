"""Resending a logged mail: a new mail with the same content to the same recipient, if it still applies.

The new mail references the first one, has its own Message-ID and job, and passes every check that a mail passes
before it is sent. Links are generated again when it is sent; nothing is read from the logged message.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.ids import new_id
from engine.control import Actor
from engine.enqueue import Jobs
from mail.build import checked_facts
from mail.kinds import KINDS
from models.mails import Mail, MailState
from services import mail_readers, mails
from services.mail_rules import RULES
from services.mails import MailRule, Renewed
from services.programmes import Programmes
from store import audit
from store import mails as rows
from store.mails import NewMail

NO_RULE: Final = MailRule()
NO_REASON: Final = "Enter a reason; it is kept in the audit log."


@dataclass(frozen=True, slots=True)
class Standing:
    """The original mail, its resends, and why it cannot be resent now (None when it can)."""

    first: Mail
    repeats: tuple[Mail, ...]
    refusal: str | None

    @property
    def number(self) -> int:
        """Number of the next resend, from 1."""
        return len(self.repeats) + 1


def standing(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Standing:
    """Return whether a mail can be resent now; changes nothing. Raises NotFound."""
    first = mail if mail.repeats is None else rows.by_id(session, mail.repeats)
    if first is None:
        raise NotFound
    repeats = rows.repeats(session, first.id)
    try:
        _draft(session, programmes, first, repeats, now)
    except Conflict as error:
        return Standing(first, tuple(repeats), error.message)
    return Standing(first, tuple(repeats), None)


def send_again(
    session: Session, jobs: Jobs, programmes: Programmes, mail_id: UUID, actor: Actor, number: int | None = None
) -> UUID:
    """Resend a mail: log a copy, enqueue the job that sends it and return the id of the new mail.

    `number` is the expected number of this resend. If that resend already exists, its id is returned, so a form
    submitted twice sends once. Raises NotFound, Invalid without a reason, Conflict(`not_sendable`).
    """
    if actor.reason is None:
        raise Invalid("reason_missing", NO_REASON, errors=[FieldError("reason", NO_REASON)])
    mail = rows.by_id(session, mail_id)
    first = None if mail is None else rows.held(session, mail.repeats or mail.id)
    if first is None:
        raise NotFound(message="There is no such mail.")
    repeats = rows.repeats(session, first.id)
    if number is not None and 1 <= number <= len(repeats):
        return repeats[number - 1].id
    draft = _draft(session, programmes, first, repeats, jobs.clock.now())
    posted = mails.put(session, jobs, draft)
    assert posted is not None, "the resend number is unique under the original mail's lock"
    audit.add(
        session, at=jobs.clock.now(), actor=actor.name, action="mail.again", target=f"mail:{first.id}",
        reason=actor.reason, origin=actor.origin, detail={"mail": str(posted), "number": len(repeats) + 1},
    )  # fmt: skip
    return posted


def _draft(session: Session, programmes: Programmes, first: Mail, repeats: list[Mail], now: datetime) -> NewMail:
    """Build the mail to resend. Raises Conflict(`not_sendable`) with the reason why it cannot be."""
    if first.template not in KINDS:
        raise mail_readers.refused("This release no longer has this kind of mail.")
    if first.state == MailState.QUEUED:
        raise mail_readers.refused("The mail was not sent yet; its job is still trying.")
    if any(repeat.state == MailState.QUEUED for repeat in repeats):
        raise mail_readers.refused("A resend of this mail is already queued.")
    recipients = mail_readers.of(session, first, now)
    rule = RULES.get(first.template, NO_RULE)
    refreshed = rule.renewed(session, programmes, first, now) if rule.renewed else Renewed()
    fact_key = f"{first.fact_key}:again:{len(repeats) + 1}"
    values: dict[str, Any] = {
        "id": new_id(),
        "template": first.template,
        "programme": first.programme,
        "account_id": first.account_id,
        "reseller_id": recipients.brand_owner,
        "locale": first.locale,
        "facts": {**first.facts, **refreshed.facts},
        "refs": {**first.refs, **refreshed.refs},
        "fact_key": fact_key,
        "identity": mails.identity(first.template, fact_key, recipients.to.address),
        "created_at": now,
        "repeats": first.id,
    }
    skip_reason = rule.obsolete(session, Mail(**values), now) if rule.obsolete else None
    if skip_reason is not None:
        raise mail_readers.refused(f"The mail no longer applies: {skip_reason}.")
    return NewMail(**{**values, "facts": _facts(values)}, recipients=recipients.all)


def _facts(values: dict[str, Any]) -> dict[str, Any]:
    """Return the facts in the format of this release. Raises Conflict(`not_sendable`)."""
    try:
        return checked_facts(values["template"], values["facts"]).model_dump(mode="json")
    except Invalid as error:
        raise mail_readers.refused("The facts of this mail do not fit this release's template.") from error
