"""A mail is posted in the caller's transaction, once per fact."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.kernel.errors import Invalid
from kontor.mails import service as mails
from kontor.mails.queries import MailFilter
from models.accounts import Account
from models.jobs import Job
from models.mails import Mail, MailRecipient


def notice(office: Context, session: Session, account: Account, key: str = "x", **more: object) -> UUID | None:
    return mails.post(
        session,
        office.jobs,
        template="account-notice",
        account=account,
        facts={"account": account.name},
        fact_key=key,
        **more,  # type: ignore[arg-type]  # the function's own options
    )


def test_posted_mail_and_its_job_share_one_transaction(
    office: Context, session: Session, client: Account, reseller: Account
) -> None:
    session.commit()
    before = session.scalar(select(func.count()).select_from(Job))
    mail_id = notice(office, session, client)
    job = session.scalars(select(Job).order_by(Job.id.desc())).first()
    assert job is not None
    assert job.payload == {"mail_id": str(mail_id)}
    assert (job.task, job.queue, job.tenant) == ("mail.send", "mail", str(reseller.id))
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Job)) == before
    assert session.get(Mail, mail_id) is None


def test_same_fact_is_mailed_to_the_same_address_once(office: Context, session: Session, client: Account) -> None:
    assert notice(office, session, client) is not None
    jobs_before = session.scalar(select(func.count()).select_from(Job))
    assert notice(office, session, client, to="ADMIN@weser.example") is None
    assert session.scalar(select(func.count()).select_from(Job)) == jobs_before
    assert notice(office, session, client, "y") is not None
    assert notice(office, session, client, to="else@weser.example") is not None


def test_address_that_is_both_to_and_cc_gets_one_copy(office: Context, session: Session, client: Account) -> None:
    cc = ["Admin@Weser.example", "chef@elbe.example", "CHEF@elbe.example"]
    mail_id = notice(office, session, client, cc=cc)
    query = select(MailRecipient.address, MailRecipient.role).where(MailRecipient.mail_id == mail_id)
    recipients = {(row[0], row[1]) for row in session.execute(query)}
    assert recipients == {("admin@weser.example", "to"), ("chef@elbe.example", "cc")}


def test_invalid_facts_are_refused_when_posting(office: Context, session: Session, client: Account) -> None:
    with pytest.raises(Invalid):
        mails.post(
            session,
            office.jobs,
            template="account-notice",
            account=client,
            facts={"account": client.name, "secret": "x"},
            fact_key="x",
        )


def test_mail_log_pages_newest_first_and_filters(
    office: Context, session: Session, client: Account, reseller: Account
) -> None:
    for number in range(4):
        notice(office, session, client, str(number))
    everything = mails.page(session, MailFilter(reseller=reseller.id), limit=1_000).items
    assert [view.mail.template for view in everything] == ["account-notice"] * 4 + [
        "activation",
        "welcome-reseller",
    ]
    filters = MailFilter(account=client.id, template="account-notice", states=("queued",))
    first = mails.page(session, filters, limit=3)
    second = mails.page(session, filters, first.next, limit=3)
    keys = [view.mail.fact_key.rpartition(":")[2] for view in (*first.items, *second.items)]
    assert keys == ["3", "2", "1", "0"]
    assert second.next is None


def test_payloads_and_rows_hold_no_token(
    session: Session, client: Account, payloads: Callable[[], list[dict[str, object]]]
) -> None:
    assert all(set(payload) == {"mail_id"} for payload in payloads())
    mail = session.scalars(select(Mail).where(Mail.template == "activation")).one()
    assert set(mail.facts) == {"account", "expires_at"}
    assert set(mail.refs) == {"version", "serial", "expires_at"}
