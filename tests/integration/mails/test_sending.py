"""A posted mail is sent while it is true, once per recipient."""

import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.clock_fakes import ManualClock
from adapters.smtp_fakes import FakeMailTransport
from domain.mailing import MailDeferred, MailRefused
from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome, Snooze, Transient
from models.accounts import Account
from models.mails import MailRecipient
from services import accounts, activation, mails
from services.account_book import AccountBook
from services.dispatch import Dispatch
from services.tokens import Tokens
from store import mails as rows
from tasks.mails import MailSending, SendMail
from tests.integration.mails.reading import latest, parsed, text_of

Send = Callable[[UUID], Outcome]
TOKEN = re.compile(r"/activate/([A-Za-z0-9_.-]+)")


def with_cc(office: AccountBook, session: Session, account: Account, cc: str) -> UUID:
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
    return {one.address: one.state for one in session.scalars(query)}


def test_the_link_works_and_the_log_keeps_it_masked(
    office: AccountBook,
    session: Session,
    client: Account,
    tokens: Tokens,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    mail = latest(session, "activation")
    send(mail.id)
    found = TOKEN.search(text_of(transport.sent[0]))
    assert found
    token = found[1]
    assert mail.raw is not None
    logged = message_from_bytes(mail.raw.encode(), policy=policy.default)
    assert isinstance(logged, EmailMessage)
    bodies = [str(part.get_content()) for part in logged.iter_parts()]
    assert len(bodies) == 2
    assert all("/activate/***" in body and token not in body for body in bodies)
    assert token not in mail.raw
    assert token not in repr(mails.document(mails.get(session, mail.id), raw=True))
    assert activation.activate(office, session, tokens, token).account.id == client.id


def test_a_mail_that_stopped_being_true_is_not_sent(
    office: AccountBook, session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    mail = latest(session, "activation")
    accounts.change(office, session, client.id, {"admin_email": "neu@weser.example"})
    outcome = send(mail.id)
    assert isinstance(outcome, Cancel)
    assert transport.sent == ()
    assert mail.state == "skipped"
    assert mail.reason == outcome.reason


def test_a_second_delivery_of_the_job_sends_nothing(
    session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    mail = latest(session, "activation")
    for _ in range(2):
        assert isinstance(send(mail.id), Done)
    assert len(transport.sent) == 1


def test_every_recipient_gets_the_same_bytes_in_a_transaction_of_its_own(
    office: AccountBook,
    session: Session,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    mail_id = with_cc(office, session, client, "chef@elbe.example")
    send(mail_id)
    assert [one.recipient for one in transport.sent] == ["admin@weser.example", "chef@elbe.example"]
    assert transport.sent[0].raw == transport.sent[1].raw
    message = parsed(transport.sent[0])
    assert message["Cc"].addresses[0].addr_spec == "chef@elbe.example"


def test_after_a_crash_the_same_message_goes_out_again(
    session: Session,
    client: Account,
    sending: MailSending,
    context: JobContext,
    send: Send,
    transport: FakeMailTransport,
    clock: ManualClock,
) -> None:
    mail = latest(session, "activation")
    plan = sending.claim(context, session, SendMail(mail_id=mail.id))
    session.commit()
    assert isinstance(plan, Dispatch)
    sending.act(context, plan)
    clock.advance(timedelta(minutes=3))
    send(mail.id)
    assert len(transport.sent) == 2
    assert transport.sent[0].raw == transport.sent[1].raw


def test_who_was_deferred_is_tried_again_and_nobody_else(
    office: AccountBook,
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
    assert [one.recipient for one in transport.sent] == ["admin@weser.example", "chef@elbe.example"]
    assert set(states(session, mail_id).values()) == {"sent"}


def test_a_server_that_is_away_costs_an_attempt_and_no_recipient(
    session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    mail = latest(session, "activation")
    transport.answers["admin@weser.example"] = MailDeferred("connection refused")
    with pytest.raises(Transient, match="refused"):
        send(mail.id)
    transport.answers.clear()
    send(mail.id)
    assert mail.state == "sent"


def test_an_address_refused_for_good_is_left_alone_for_thirty_days(
    office: AccountBook,
    session: Session,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
    clock: ManualClock,
    context: JobContext,
    sending: MailSending,
) -> None:
    transport.answers["admin@weser.example"] = MailRefused("550 no such user", at_rcpt=True)
    mail = latest(session, "activation")
    send(mail.id)
    assert (mail.state, mail.reason) == ("failed", "550 no such user")
    transport.answers.clear()
    with_copy = with_cc(office, session, client, "chef@elbe.example")
    send(with_copy)
    assert [one.recipient for one in transport.sent] == ["chef@elbe.example"]
    activation.send_again(office, session, client.id)
    again = latest(session, "activation")
    assert isinstance(send(again.id), Cancel)
    assert again.state == "suppressed"


def test_a_refused_address_is_known_by_the_key_that_its_account_has(
    office: AccountBook,
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
    assert rows.suppressed_until(session, client.email_key, clock.now()) == clock.now() + timedelta(days=30)


def test_a_message_refused_at_data_suppresses_nobody(
    office: AccountBook, session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    transport.answers["admin@weser.example"] = MailRefused("554 too big")
    send(latest(session, "activation").id)
    transport.answers.clear()
    activation.send_again(office, session, client.id)
    again = latest(session, "activation")
    send(again.id)
    assert again.state == "sent"


def test_a_dead_job_leaves_its_error_in_the_log(
    session: Session, client: Account, sending: MailSending, context: JobContext
) -> None:
    mail = latest(session, "activation")
    payload = SendMail(mail_id=mail.id)
    sending.failed(context, session, payload, "connection refused", None)
    session.refresh(mail)
    assert (mail.state, mail.reason) == ("queued", "connection refused")
    sending.failed(context, session, payload, "connection refused", "failed")
    session.refresh(mail)
    assert (mail.state, mail.reason) == ("failed", "connection refused")
