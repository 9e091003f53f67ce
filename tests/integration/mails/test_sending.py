"""A posted mail is sent once per recipient, as long as it is true."""

import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import activation
from kontor.accounts import service as accounts
from kontor.adapters.fakes import FakeMailTransport, ManualClock
from kontor.context import Context
from kontor.engine.handlers import Cancel, Done, JobContext, Outcome, Snooze, Transient
from kontor.kernel.ports import MailDeferred, MailRefused
from kontor.kernel.tokens import Tokens
from kontor.mails import address_queries
from kontor.mails import service as mails
from kontor.mails.dispatch import Dispatch
from kontor.mails.payloads import MailSend
from models.accounts import Account
from models.mails import MailRecipient
from tasks.mails import MailSendHandler
from tests.integration.mails.parsing import latest, parsed, text_of

Send = Callable[[UUID], Outcome]
TOKEN = re.compile(r"/activate/([A-Za-z0-9_.-]+)")


def with_cc(office: Context, session: Session, account: Account, cc: str) -> UUID:
    posted = mails.post(
        session,
        office.jobs,
        template="account-notice",
        account=account,
        facts={"account": account.name},
        fact_key="cc",
        cc=[cc],
    )
    assert posted is not None
    return posted


def states(session: Session, mail_id: UUID) -> dict[str, str]:
    query = select(MailRecipient).where(MailRecipient.mail_id == mail_id)
    return {recipient.address: recipient.state for recipient in session.scalars(query)}


def test_link_works_and_is_masked_in_the_log(
    office: Context,
    session: Session,
    client: Account,
    tokens: Tokens,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    mail = latest(session, "activation")
    send(mail.id)
    match = TOKEN.search(text_of(transport.sent[0]))
    assert match
    token = match[1]
    assert mail.raw is not None
    logged = message_from_bytes(mail.raw.encode(), policy=policy.default)
    assert isinstance(logged, EmailMessage)
    bodies = [str(part.get_content()) for part in logged.iter_parts()]
    assert len(bodies) == 2
    assert all("/activate/***" in body and token not in body for body in bodies)
    assert token not in mail.raw
    assert token not in repr(mails.mail_out(mails.get(session, mail.id), raw=True))
    assert activation.activate(office, session, tokens, token).account.id == client.id


def test_obsolete_mail_is_not_sent(
    office: Context, session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    mail = latest(session, "activation")
    accounts.change(office, session, client.id, {"admin_email": "neu@weser.example"})
    outcome = send(mail.id)
    assert isinstance(outcome, Cancel)
    assert transport.sent == ()
    assert mail.state == "skipped"
    assert mail.reason == outcome.reason


def test_second_run_of_the_job_sends_nothing(
    session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    mail = latest(session, "activation")
    for _ in range(2):
        assert isinstance(send(mail.id), Done)
    assert len(transport.sent) == 1


def test_every_recipient_gets_the_same_bytes_separately(
    office: Context,
    session: Session,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    mail_id = with_cc(office, session, client, "chef@elbe.example")
    send(mail_id)
    assert [sent_mail.recipient for sent_mail in transport.sent] == ["admin@weser.example", "chef@elbe.example"]
    assert transport.sent[0].raw == transport.sent[1].raw
    message = parsed(transport.sent[0])
    assert message["Cc"].addresses[0].addr_spec == "chef@elbe.example"


def test_same_message_is_sent_again_after_a_crash(
    session: Session,
    client: Account,
    sending: MailSendHandler,
    context: JobContext,
    send: Send,
    transport: FakeMailTransport,
    clock: ManualClock,
) -> None:
    mail = latest(session, "activation")
    plan = sending.claim(context, session, MailSend(mail_id=mail.id))
    session.commit()
    assert isinstance(plan, Dispatch)
    sending.act(context, plan)
    clock.advance(timedelta(minutes=3))
    send(mail.id)
    assert len(transport.sent) == 2
    assert transport.sent[0].raw == transport.sent[1].raw


def test_only_deferred_recipients_are_tried_again(
    office: Context,
    session: Session,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    mail_id = with_cc(office, session, client, "chef@elbe.example")
    transport.answers["chef@elbe.example"] = MailDeferred("451 later")
    assert isinstance(send(mail_id), Snooze)
    assert states(session, mail_id) == {"admin@weser.example": "sent", "chef@elbe.example": "queued"}
    transport.answers.clear()
    assert isinstance(send(mail_id), Done)
    assert [sent_mail.recipient for sent_mail in transport.sent] == ["admin@weser.example", "chef@elbe.example"]
    assert set(states(session, mail_id).values()) == {"sent"}


def test_unreachable_server_costs_an_attempt_and_no_recipient(
    session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    mail = latest(session, "activation")
    transport.answers["admin@weser.example"] = MailDeferred("connection refused")
    with pytest.raises(Transient, match="refused"):
        send(mail.id)
    transport.answers.clear()
    send(mail.id)
    assert mail.state == "sent"


def test_permanently_refused_address_is_suppressed_for_thirty_days(
    office: Context,
    session: Session,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
    clock: ManualClock,
    context: JobContext,
    sending: MailSendHandler,
) -> None:
    transport.answers["admin@weser.example"] = MailRefused("550 no such user", at_rcpt=True)
    mail = latest(session, "activation")
    send(mail.id)
    assert (mail.state, mail.reason) == ("failed", "550 no such user")
    transport.answers.clear()
    with_copy = with_cc(office, session, client, "chef@elbe.example")
    send(with_copy)
    assert [sent_mail.recipient for sent_mail in transport.sent] == ["chef@elbe.example"]
    activation.resend_link(office, session, client.id)
    again = latest(session, "activation")
    assert isinstance(send(again.id), Cancel)
    assert again.state == "suppressed"


def test_refused_address_is_suppressed_under_the_key_of_its_account(
    office: Context,
    session: Session,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
    clock: ManualClock,
) -> None:
    accounts.change(office, session, client.id, {"admin_email": "Admin@straße.example"})
    transport.answers["Admin@straße.example"] = MailRefused("550 no such user", at_rcpt=True)
    mail_id = with_cc(office, session, client, "chef@elbe.example")
    send(mail_id)
    assert states(session, mail_id) == {"Admin@straße.example": "failed", "chef@elbe.example": "sent"}
    assert address_queries.suppressed_until(session, client.email_key, clock.now()) == clock.now() + timedelta(days=30)


def test_message_refused_at_data_suppresses_no_address(
    office: Context, session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    transport.answers["admin@weser.example"] = MailRefused("554 too big")
    send(latest(session, "activation").id)
    transport.answers.clear()
    activation.resend_link(office, session, client.id)
    again = latest(session, "activation")
    send(again.id)
    assert again.state == "sent"


def test_dead_job_records_its_error_in_the_mail_log(
    session: Session, client: Account, sending: MailSendHandler, context: JobContext
) -> None:
    mail = latest(session, "activation")
    payload = MailSend(mail_id=mail.id)
    sending.failed(context, session, payload, "connection refused", None)
    session.refresh(mail)
    assert (mail.state, mail.reason) == ("queued", "connection refused")
    sending.failed(context, session, payload, "connection refused", "failed")
    session.refresh(mail)
    assert (mail.state, mail.reason) == ("failed", "connection refused")
