"""A logged mail sent again: a new mail that says the same to the same reader, where it is still to be said.

It is a mail of its own: it names the first, has a Message-ID and a job of its own, and passes every check that a
mail passes before it leaves. Links are made anew when it is sent; nothing is read from what the log keeps.
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
NO_REASON: Final = "Say why: the reason is kept in the audit log."


@dataclass(frozen=True, slots=True)
class Standing:
    """A mail, or the one it repeats; how often it was sent again; why it cannot be once more, None when it can."""

    first: Mail
    repeats: tuple[Mail, ...]
    refusal: str | None

    @property
    def number(self) -> int:
        """Which repeat the next one would be, from 1."""
        return len(self.repeats) + 1


def standing(session: Session, programmes: Programmes, mail: Mail, now: datetime) -> Standing:
    """What `send_again` would meet; changes nothing."""
    first = mail if mail.repeats is None else rows.by_id(session, mail.repeats)
    if first is None:
        raise NotFound
    repeats = rows.repeats(session, first.id)
    try:
        _draft(session, programmes, first, repeats, now)
    except Conflict as refused:
        return Standing(first, tuple(repeats), refused.message)
    return Standing(first, tuple(repeats), None)


def send_again(
    session: Session, jobs: Jobs, programmes: Programmes, mail_id: UUID, actor: Actor, number: int | None = None
) -> UUID:
    """Put a mail into the log once more, with the job that sends it; returns the id of the new one.

    `number` is which repeat this is to be, as `standing` told: one that was made meanwhile is returned, so that
    the same form sent twice sends once. Raises NotFound, Invalid without a reason, Conflict(`not_sendable`).
    """
    if actor.reason is None:
        raise Invalid("reason_missing", NO_REASON, errors=[FieldError("reason", NO_REASON)])
    known = rows.by_id(session, mail_id)
    first = None if known is None else rows.held(session, known.repeats or known.id)
    if first is None:
        raise NotFound(message="There is no such mail.")
    repeats = rows.repeats(session, first.id)
    if number is not None and 1 <= number <= len(repeats):
        return repeats[number - 1].id
    draft = _draft(session, programmes, first, repeats, jobs.clock.now())
    posted = mails.put(session, jobs, draft)
    assert posted is not None, "its number is this repeat's alone, under the first mail's lock"
    audit.add(
        session, at=jobs.clock.now(), actor=actor.name, action="mail.again", target=f"mail:{first.id}",
        reason=actor.reason, origin=actor.origin, detail={"mail": str(posted), "number": len(repeats) + 1},
    )  # fmt: skip
    return posted


def _draft(session: Session, programmes: Programmes, first: Mail, repeats: list[Mail], now: datetime) -> NewMail:
    """The mail as it would be posted now. Raises Conflict(`not_sendable`) saying why it would not."""
    if first.template not in KINDS:
        raise mail_readers.refused("This release has no mail of this kind.")
    if first.state == MailState.QUEUED:
        raise mail_readers.refused("It was not sent yet: its job goes on trying.")
    if any(one.state == MailState.QUEUED for one in repeats):
        raise mail_readers.refused("It is being sent again already, and that one has not left yet.")
    readers = mail_readers.of(session, first, now)
    rule = RULES.get(first.template, NO_RULE)
    newer = rule.renewed(session, programmes, first, now) if rule.renewed else Renewed()
    told = f"{first.fact_key}:again:{len(repeats) + 1}"
    whole: dict[str, Any] = {
        "id": new_id(),
        "template": first.template,
        "programme": first.programme,
        "account_id": first.account_id,
        "reseller_id": readers.speaker,
        "locale": first.locale,
        "facts": {**first.facts, **newer.facts},
        "refs": {**first.refs, **newer.refs},
        "fact_key": told,
        "identity": mails.identity(first.template, told, readers.to.address),
        "created_at": now,
        "repeats": first.id,
    }
    untrue = rule.obsolete(session, Mail(**whole), now) if rule.obsolete else None
    if untrue is not None:
        raise mail_readers.refused(f"It is not to be said any more: {untrue}.")
    return NewMail(**{**whole, "facts": _facts(whole)}, recipients=readers.all)


def _facts(whole: dict[str, Any]) -> dict[str, Any]:
    """The facts as this release states them."""
    try:
        return checked_facts(whole["template"], whole["facts"]).model_dump(mode="json")
    except Invalid as wrong:
        raise mail_readers.refused("This release states other facts in a mail of this kind.") from wrong
