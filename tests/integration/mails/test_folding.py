"""Mails to one address beyond 50 a day: folded into a digest of the hour, with their links; some never are."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kontor.accounts import activation
from kontor.adapters.fakes import FakeMailTransport, ManualClock
from kontor.audit import Actor
from kontor.context import Context
from kontor.engine.handlers import Outcome
from kontor.kernel.limits import ADDRESS_MAILS
from kontor.limits import service as limits
from kontor.mailer.build import MailBuilder
from kontor.mails import service as mails
from kontor.mails.folding import fold
from models.accounts import Account
from models.mails import Mail, MailRecipient
from tests.integration.mails.parsing import text_of

Send = Callable[[UUID], Outcome]
Payloads = Callable[[], list[dict[str, object]]]


def allow(office: Context, session: Session, value: int) -> None:
    limits.set_limit(session, ADDRESS_MAILS.name, value, Actor("test"), office.now)


def post(office: Context, session: Session, client: Account, key: str, *cc: str) -> UUID:
    facts = {"account": client.name, "restored_at": office.now}
    posted = mails.post(
        session, office.jobs, template="account-restored", account=client, facts=facts, fact_key=key, cc=cc
    )
    assert posted is not None
    return posted


def states(session: Session, *ids: UUID) -> list[str]:
    session.expire_all()
    return [session.get_one(Mail, mail_id).state for mail_id in ids]


def test_mail_beyond_the_days_limit_is_folded_and_listed_in_one_digest(
    office: Context, session: Session, client: Account, builder: MailBuilder, send: Send, transport: FakeMailTransport
) -> None:
    allow(office, session, 2)  # the activation is the first
    first, second, third = (post(office, session, client, key) for key in "abc")
    assert states(session, first, second, third) == ["queued", "folded", "folded"]
    assert fold(session, office.jobs, builder) == {"folded": 2, "digests": 1}
    assert fold(session, office.jobs, builder) == {"folded": 0, "digests": 0}
    digest = session.scalars(select(Mail).where(Mail.template == "mail-digest")).one()
    send(digest.id)
    assert "2 weitere Nachrichten" in str(session.get_one(Mail, digest.id).subject)
    assert text_of(transport.sent[-1]).count("Ihr Konto ist wiederhergestellt") == 2


def test_address_gets_mails_by_themselves_again_when_the_day_is_over(
    office: Context, session: Session, client: Account, clock: ManualClock
) -> None:
    allow(office, session, 1)
    assert states(session, post(office, session, client, "a")) == ["folded"]
    clock.advance(timedelta(days=1))
    assert states(session, post(office, session, client, "b")) == ["queued"]


def test_only_the_address_that_had_enough_is_folded(
    office: Context, session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    allow(office, session, 1)
    posted = post(office, session, client, "a", "cc@elbe.example")
    assert states(session, posted) == ["queued"]
    send(posted)
    rows = session.scalars(select(MailRecipient).where(MailRecipient.mail_id == posted))
    assert {row.address: row.state for row in rows} == {client.admin_email: "folded", "cc@elbe.example": "sent"}


def test_digest_holds_the_link_of_a_mail_that_asks_for_something_and_the_log_masks_it(
    office: Context, session: Session, reseller: Account, client: Account, builder: MailBuilder, send: Send,
    transport: FakeMailTransport,
) -> None:  # fmt: skip
    allow(office, session, 1)
    activation.resend_link(office, session, client.id)
    fold(session, office.jobs, builder)
    digest = session.scalars(select(Mail).where(Mail.template == "mail-digest")).one()
    send(digest.id)
    text = text_of(transport.sent[-1])
    link = next(word for word in text.split() if "/activate/" in word)
    raw = session.get_one(Mail, digest.id).raw
    assert raw is not None
    assert "/activate/" in raw
    assert link.rpartition("/")[2][:20] not in raw


def test_money_mails_and_digests_are_never_folded(office: Context, session: Session, reseller: Account) -> None:
    allow(office, session, 0)
    money = {"amount": "8.00", "currency": "EUR"}
    facts = {"account": "Elbe", "product": "Excel", "retail_fee": money, "wholesale_fee": money}
    posted = mails.post(session, office.jobs, template="margin-note", account=reseller, facts=facts, fact_key="a")
    assert posted is not None
    assert states(session, posted) == ["queued"]
