"""A mail is resent as a new mail, as long as it is true, to the current recipients."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from kontor.accounts import activation, clients, deletion
from kontor.accounts import service as accounts
from kontor.adapters.fakes import FakeMailTransport, ManualClock
from kontor.audit import Actor
from kontor.context import Context
from kontor.engine.handlers import Cancel, Done, Outcome
from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.ports import MailRefused
from kontor.kernel.tokens import Tokens
from kontor.mails import queries as mails_queries
from kontor.mails import resend
from kontor.mails import service as mails
from models.accounts import Account
from models.control import AuditEntry
from models.jobs import Job
from models.mails import Mail
from tasks.maintenance import MAIL_BODIES
from tests.integration.mails.parsing import latest, parsed, text_of
from tests.support.concurrency import run_concurrently

Send = Callable[[UUID], Outcome]
Again = Callable[..., UUID]
TOKEN = re.compile(r"/activate/([A-Za-z0-9_.-]+)")
WHO = Actor("operator:duty@kontor.example", "console 127.0.0.1", "the customer lost it")


@pytest.fixture
def again(office: Context, session: Session) -> Again:
    """Resend a mail and commit."""

    def sent(mail_id: UUID, number: int | None = None, who: Actor = WHO) -> UUID:
        posted = resend.resend(session, office.jobs, office.programmes, mail_id, who, number)
        session.commit()
        return posted

    return sent


@pytest.fixture
def refusal(office: Context, session: Session) -> Callable[[UUID], str | None]:
    """The reason for refusing to resend a mail, or None."""

    def asked(mail_id: UUID) -> str | None:
        mail = session.get_one(Mail, mail_id)
        return resend.resend_status(session, office.programmes, mail, office.now).refusal

    return asked


@pytest.fixture
def invited(session: Session, client: Account, send: Send) -> Mail:
    """The activation mail of a new client, sent."""
    mail = latest(session, "activation")
    send(mail.id)
    return mail


def test_repeat_is_a_new_mail_with_its_own_job_and_refers_to_the_first(
    session: Session, invited: Mail, again: Again, send: Send, transport: FakeMailTransport
) -> None:
    repeat = session.get_one(Mail, again(invited.id))
    job = session.scalars(select(Job).order_by(Job.id.desc()).limit(1)).one()
    assert (job.task, job.payload, job.tenant) == ("mail.send", {"mail_id": str(repeat.id)}, str(invited.reseller_id))
    assert (repeat.repeats, repeat.state, repeat.template) == (invited.id, "queued", "activation")
    assert isinstance(send(repeat.id), Done)
    first, second = (parsed(sent_mail) for sent_mail in transport.sent)
    assert first["To"] == second["To"]
    assert first["Subject"] == second["Subject"]
    assert first["Message-ID"] != second["Message-ID"]
    assert (invited.state, repeat.state) == ("sent", "sent")
    assert mails.mail_out(mails.get(session, repeat.id)).repeats == invited.id


def test_link_of_a_repeat_is_new_works_and_is_not_stored(
    office: Context, session: Session, invited: Mail, again: Again, send: Send, tokens: Tokens,
    transport: FakeMailTransport, clock: ManualClock, client: Account,
) -> None:  # fmt: skip
    clock.advance(timedelta(hours=80))
    repeat = session.get_one(Mail, again(invited.id))
    send(repeat.id)
    match = TOKEN.search(text_of(transport.sent[1]))
    assert match
    assert match[1] not in f"{repeat.raw}{repeat.facts}{repeat.refs}"
    assert activation.activate(office, session, tokens, match[1]).account.id == client.id


def test_body_leaves_after_ninety_days_and_the_mail_is_sent_again_from_its_facts(
    session: Session, invited: Mail, again: Again, send: Send, clock: ManualClock
) -> None:
    waiting = session.get_one(Mail, again(invited.id))

    def forgotten() -> int:
        return mails_queries.forget_bodies(session, clock.now() - MAIL_BODIES, 10)

    clock.advance(MAIL_BODIES)
    assert forgotten() == 0
    clock.advance(timedelta(seconds=1))
    waiting.raw = "deferred"
    session.flush()
    assert forgotten() == 1
    session.expire_all()
    assert (invited.raw, invited.state, waiting.raw) == (None, "sent", "deferred")
    assert invited.facts
    assert isinstance(send(waiting.id), Done)
    session.expire_all()
    assert "deferred" not in str(waiting.raw)


def test_resending_is_audited_with_actor_and_reason(session: Session, invited: Mail, again: Again) -> None:
    posted = again(invited.id)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "mail.again")).one()
    assert (entry.actor, entry.reason, entry.target) == (WHO.name, WHO.reason, f"mail:{invited.id}")
    assert entry.detail == {"mail": str(posted), "number": 1}


def test_resending_requires_a_reason(session: Session, invited: Mail, again: Again) -> None:
    with pytest.raises(Invalid, match="Enter a reason"):
        again(invited.id, who=Actor("operator:duty@kontor.example"))
    with pytest.raises(NotFound):
        again(new_id())
    assert mails_queries.resends_of(session, invited.id) == []


def test_same_number_makes_one_repeat_even_after_it_was_sent(
    session: Session, invited: Mail, again: Again, send: Send, transport: FakeMailTransport
) -> None:
    posted = again(invited.id, 1)
    send(posted)
    assert again(invited.id, 1) == posted
    assert again(posted, 1) == posted
    second = again(posted, 2)
    assert second != posted
    assert [repeat.id for repeat in mails_queries.resends_of(session, invited.id)] == [posted, second]
    assert session.get_one(Mail, second).repeats == invited.id
    assert len(transport.sent) == 2


def test_concurrent_requests_make_one_repeat(engine: Engine, office: Context, session: Session, invited: Mail) -> None:
    mail_id = invited.id
    session.commit()

    def press(own: Session) -> object:
        return resend.resend(own, office.jobs, office.programmes, mail_id, WHO, 1)

    assert run_concurrently(engine, *[press] * 4) == {"done": 4}
    assert session.scalar(select(func.count()).where(Mail.repeats == mail_id)) == 1
    assert session.scalar(select(func.count()).where(AuditEntry.action == "mail.again")) == 1


def test_unsent_mail_cannot_be_resent(
    session: Session, client: Account, again: Again, send: Send, refusal: Callable[[UUID], str | None]
) -> None:
    mail = latest(session, "activation")
    assert refusal(mail.id) == "The mail was not sent yet; its job is still trying."
    send(mail.id)
    posted = again(mail.id)
    with pytest.raises(Conflict, match="resend of this mail is already queued"):
        again(mail.id)
    send(posted)
    assert refusal(mail.id) is None


def test_obsolete_mail_is_refused_with_a_cause(
    office: Context, session: Session, invited: Mail, client: Account, refusal: Callable[[UUID], str | None]
) -> None:
    client.activated_at = office.now
    session.flush()
    assert refusal(invited.id) == "The mail no longer applies: the account is already active."


def test_repeat_that_becomes_obsolete_before_sending_is_not_sent(
    office: Context, session: Session, invited: Mail, client: Account, again: Again, send: Send,
    transport: FakeMailTransport,
) -> None:  # fmt: skip
    posted = again(invited.id)
    client.activated_at = office.now
    session.commit()
    assert isinstance(send(posted), Cancel)
    assert len(transport.sent) == 1


def test_former_admin_gets_no_repeat(
    office: Context, session: Session, client: Account, send: Send, refusal: Callable[[UUID], str | None]
) -> None:
    posted = mails.post(
        session, office.jobs, template="account-notice", account=client, facts={"account": client.name}, fact_key="x"
    )
    assert posted is not None
    send(posted)
    assert refusal(posted) is None
    accounts.change(office, session, client.id, {"admin_email": "neu@weser.example"})
    assert refusal(posted) == "admin@weser.example is no longer the address for this mail."


def test_suppressed_address_gets_no_repeat_until_the_suppression_ends(
    session: Session, invited: Mail, refusal: Callable[[UUID], str | None], again: Again, clock: ManualClock,
    transport: FakeMailTransport, send: Send,
) -> None:  # fmt: skip
    transport.answers["admin@weser.example"] = MailRefused("550 no such user", at_rcpt=True)
    posted = again(invited.id)
    send(posted)
    assert session.get_one(Mail, posted).state == "failed"
    assert (refusal(invited.id) or "").startswith("admin@weser.example rejected mail; it is suppressed until")
    clock.advance(timedelta(days=31))
    assert refusal(invited.id) is None


def test_only_the_deletion_notice_of_a_deleted_account_can_be_resent(
    office: Context, session: Session, client: Account, invited: Mail, send: Send,
    refusal: Callable[[UUID], str | None],
) -> None:  # fmt: skip
    deletion.delete(office, session, client.id, "test")
    notice = latest(session, "account-deleted")
    send(notice.id)
    assert refusal(invited.id) == "The account is deleted."
    assert refusal(notice.id) is None
    deletion.restore(office, session, client.id)
    assert refusal(notice.id) == "The account was restored."


def test_repeat_to_a_disconnected_client_is_in_the_current_senders_name(
    office: Context, session: Session, client: Account, reseller: Account, send: Send, again: Again,
    transport: FakeMailTransport,
) -> None:  # fmt: skip
    trial = {"account": client.name, "ends_at": office.now + timedelta(days=7)}
    posted = mails.post(
        session, office.jobs, template="trial-started", account=client, facts=trial, fact_key="once",
        refs={"account_id": str(client.id), "plan": client.plan}, cc=[reseller.admin_email],
    )  # fmt: skip
    assert posted is not None
    send(posted)
    clients.disconnect(office, session, reseller.id, client.id)
    transport_before = len(transport.sent)
    repeat = session.get_one(Mail, again(posted))
    assert repeat.reseller_id is None
    send(repeat.id)
    (only,) = transport.sent[transport_before:]
    assert "Elbe" not in parsed(only)["From"]
    assert only.recipient == "admin@weser.example"
