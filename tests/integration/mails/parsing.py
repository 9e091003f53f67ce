"""Parsing of sent messages."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.adapters.fakes import SentMail
from models.mails import Mail


def parsed(sent: SentMail) -> EmailMessage:
    message = message_from_bytes(sent.raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(sent: SentMail) -> str:
    body = parsed(sent).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def latest(session: Session, template: str) -> Mail:
    query = select(Mail).where(Mail.template == template).order_by(Mail.id.desc())
    mail = session.scalars(query).first()
    assert mail is not None
    return mail
