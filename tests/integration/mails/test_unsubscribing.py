"""Reminders carry an unsubscribe link that stops mails of that kind."""

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from kontor.adapters.fakes import FakeMailTransport
from kontor.context import Context
from kontor.engine.handlers import Cancel, Done, Outcome
from kontor.kernel.errors import Gone, NotFound
from kontor.kernel.tokens import Tokens
from kontor.mails import dispatch, portal
from kontor.mails import service as mails
from kontor.mails.dispatch import UnsubscribeLink, mail_created_at
from models.accounts import Account
from models.mails import Mail

Send = Callable[[UUID], Outcome]


def remind(office: Context, session: Session, account: Account, key: str) -> UUID:
    ending = {"product": "Excel", "count": 3, "ends_at": office.now + timedelta(days=14)}
    posted = mails.post(
        session,
        office.jobs,
        template="licences-ending",
        account=account,
        facts={"account": account.name, "licences": [ending], "days": 14},
        fact_key=key,
    )
    assert posted is not None
    return posted


def test_unsubscribe_header_stops_this_kind_of_mail(
    office: Context,
    session: Session,
    client: Account,
    tokens: Tokens,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    mail_id = remind(office, session, client, "1")
    assert isinstance(send(mail_id), Done)
    message = message_from_bytes(transport.sent[0].raw)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    header = "".join(message["List-Unsubscribe"].split())
    assert header.startswith("<https://kontor.example/unsubscribe/")
    token = header.strip("<>").rpartition("/")[2]
    raw = session.get_one(Mail, mail_id).raw
    assert raw is not None
    assert token not in raw.replace("\r\n ", "")
    for _ in range(2):
        portal.opt_out(session, tokens, token, mail_created_at(mail_id))
    later = remind(office, session, client, "2")
    assert isinstance(send(later), Cancel)
    assert session.get_one(Mail, later).state == "skipped"
    assert len(transport.sent) == 1


def test_reading_the_unsubscribe_page_changes_nothing(
    office: Context, session: Session, client: Account, tokens: Tokens, send: Send
) -> None:
    path = dispatch.unsubscribe_path(tokens, UnsubscribeLink(client.email_key, "licences-ending"), office.now)
    token = path.removeprefix("/unsubscribe/")
    assert portal.read_link(tokens, token, office.now).template == "licences-ending"
    assert isinstance(send(remind(office, session, client, "1")), Done)


def test_forged_or_old_unsubscribe_link_is_refused(
    office: Context, session: Session, client: Account, tokens: Tokens
) -> None:
    path = dispatch.unsubscribe_path(tokens, UnsubscribeLink(client.email_key, "licences-ending"), office.now)
    token = path.removeprefix("/unsubscribe/")
    with pytest.raises(Gone):
        portal.opt_out(session, tokens, token, office.now + timedelta(days=365))
    with pytest.raises(NotFound):
        portal.opt_out(session, tokens, token + "x", office.now)
