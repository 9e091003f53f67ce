"""Data that remains after the final deletion of an account."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from kontor import audit
from kontor.accounts import brands, deletion, instances
from kontor.accounts import service as accounts
from kontor.accounts.personal_data import personal_data
from kontor.adapters.fakes import ManualClock
from kontor.adapters.secrets import FernetSecretBox
from kontor.audit import Actor
from kontor.context import Context
from kontor.engine.testing import InlineWorker
from kontor.evidence.digests import lend_key
from kontor.http import keys
from kontor.http.problems import Unauthorized
from kontor.kernel.ids import new_id
from kontor.kernel.states import OfferEvent
from kontor.offers import queries as offers_queries
from kontor.offers import service as offers
from kontor.offers.decisions import DecidedBy, DecisionChoice, decide
from kontor.offers.rules import event_hash
from kontor.offers.service import NewOffer
from kontor.offers.transitions import _chain_key, _content, _snapshot, audit_trail_intact, transition
from kontor.operators import keys as operators_keys
from models.accounts import Account, BrandRow, Instance, VerifiedDomain
from models.base import Base
from models.mails import Mail, MailRecipient
from models.members import Member
from models.offers import Offer
from models.portal import PortalFactor, PortalRecoveryCode
from models.webhooks import DomainEvent, WebhookEndpoint
from tasks.accounts import CHUNK, AccountsTidyHandler
from tests.support.wiring import context_for


@pytest.fixture
def offer_book(office: Context) -> Context:
    return context_for(office.jobs, office.programmes)


def wait_and_purge(office: Context, session: Session, clock: ManualClock) -> deletion.PurgeResult:
    """Advance the clock past the restore period and purge."""
    clock.advance(deletion.RESTORE_PERIOD)
    return deletion.purge(office, session, CHUNK)


def phone_of(holder: str, office: Context) -> PortalFactor:
    """An authenticator app of somebody."""
    return PortalFactor(
        id=new_id(), holder=holder, kind="totp", name="Phone", secret_sealed="sealed", created_at=office.now
    )


def test_purge_removes_the_second_factors_of_owner_and_members_and_of_nobody_else(
    offer_book: Context, session: Session, client: Account, reseller: Account, clock: ManualClock
) -> None:
    people = {client.id: ["jana@weser.example", "anna@both.example"], reseller.id: ["anna@both.example"]}
    for account_id, addresses in people.items():
        for address in addresses:
            member = Member(id=new_id(), account_id=account_id, email=address, email_key=address, name=address)
            member.locale, member.role, member.created_at = "en", "staff", offer_book.now
            session.add(member)
    kept = [f"account:{reseller.id}", "member:anna@both.example"]
    for holder in (f"account:{client.id}", "member:jana@weser.example", *kept):
        session.add(phone_of(holder, offer_book))
        session.add(PortalRecoveryCode(holder=holder, code_hash="x", created_at=offer_book.now))
    session.flush()
    deletion.delete(offer_book, session, client.id, "test")
    wait_and_purge(offer_book, session, clock)
    assert sorted(session.scalars(select(PortalFactor.holder))) == sorted(kept)
    assert sorted(session.scalars(select(PortalRecoveryCode.holder))) == sorted(kept)


def test_purge_removes_keys_secrets_brand_and_address_of_a_client(
    office: Context, offer_book: Context, session: Session, client: Account, clock: ManualClock
) -> None:
    made = operators_keys.create(session, "theirs", ["read"], office.now, account_id=client.id)
    instances.put(session, FernetSecretBox("key"), client.id, "https://weser.example/in", None, office.now)
    settings = brands.validate_brand({"domain": "learn.weser.example"})
    brands.put(session, client, settings, office.now)
    version = client.email_version
    deletion.delete(office, session, client.id, "test")
    assert wait_and_purge(office, session, clock) == deletion.PurgeResult(1, 0)
    with pytest.raises(Unauthorized):
        keys.authenticate(session.connection().connection.driver_connection, made.secret, office.now, "127.0.0.1")  # type: ignore[arg-type]  # psycopg's
    assert session.get(Instance, client.id) is None
    assert session.get(BrandRow, client.id) is None
    assert (client.admin_email, client.email_key, client.password_hash) == ("", "", None)
    assert client.email_version == version + 1
    assert session.scalars(select(DomainEvent.type).order_by(DomainEvent.seq.desc())).first() == "account.purged"


def test_purge_removes_the_content_of_mails_to_the_account(
    office: Context, offer_book: Context, session: Session, client: Account, clock: ManualClock
) -> None:
    session.execute(
        update(Mail).where(Mail.template == "activation").values(state="sent", raw="To: them", subject="Hi")
    )
    deletion.delete(office, session, client.id, "test")
    wait_and_purge(office, session, clock)
    theirs = list(session.scalars(select(Mail).where(Mail.account_id == client.id)))
    assert {mail.template: mail.state for mail in theirs} == {"activation": "sent", "account-deleted": "skipped"}
    assert {(mail.raw, mail.subject, str(mail.facts), str(mail.refs)) for mail in theirs} == {(None, None, "{}", "{}")}
    assert (
        list(session.scalars(select(MailRecipient).where(MailRecipient.mail_id.in_([mail.id for mail in theirs]))))
        == []
    )
    assert session.scalars(select(Mail).where(Mail.account_id != client.id)).first() is not None


def test_purge_removes_webhook_secrets_and_verified_domains_of_a_reseller(
    office: Context, offer_book: Context, session: Session, reseller: Account, clock: ManualClock
) -> None:
    brands.put(session, reseller, brands.validate_brand({"from_address": "info@elbe.example"}), office.now)
    sealed = FernetSecretBox("key").seal("whsec_x")
    session.add(
        WebhookEndpoint(
            id=reseller.id,
            reseller_id=reseller.id,
            url="https://hooks.example/in",
            events=["*"],
            secret_sealed=sealed,
            created_at=office.now,
        )
    )
    session.flush()
    deletion.delete(office, session, reseller.id, "test")
    wait_and_purge(office, session, clock)
    endpoint = session.get_one(WebhookEndpoint, reseller.id)
    assert (endpoint.secret_sealed, endpoint.deleted_at) == ("", office.now)
    assert list(session.scalars(select(VerifiedDomain))) == []


def test_purge_goes_on_after_it_sealed_the_audit_log(
    office: Context, offer_book: Context, session: Session, engine: Engine, client: Account, clock: ManualClock
) -> None:
    lend_key(engine, lambda: b"k" * 32)
    audit.record(session, Actor("test"), "account.noted", f"account:{client.id}", at=office.now)
    deletion.delete(office, session, client.id, "test")
    session.commit()
    clock.advance(deletion.RESTORE_PERIOD)
    assert deletion.purge(offer_book, session, CHUNK).done == 1
    assert session.scalar(select(DomainEvent.account_id).where(DomainEvent.type == "account.purged")) == client.id


def test_purge_runs_in_chunks_and_each_job_reports_its_progress(
    office: Context, session: Session, engine: Engine, client: Account, clock: ManualClock
) -> None:
    fill(session, client.id, 2 * CHUNK + 20)
    session.commit()
    clock.advance(deletion.RESTORE_PERIOD)
    with InlineWorker(engine, [AccountsTidyHandler(office)], clock) as inline:
        with Session(engine) as own:
            inline.jobs.enqueue(own, "accounts.tidy", {})
            own.commit()
        assert inline.drain() == 3
    results = list(session.scalars(text("SELECT result FROM jobs_archive ORDER BY id")))
    assert [(result["purged"], result["left"]) for result in results] == [
        (CHUNK, CHUNK + 20),
        (2 * CHUNK, 20),
        (2 * CHUNK + 20, 0),
    ]
    assert [result["continued_by"] is None for result in results] == [False, False, True]
    event_count = session.scalar(text("SELECT count(*) FROM domain_events WHERE type = 'account.purged'"))
    assert event_count == 2 * CHUNK + 20


def fill(session: Session, client_id: UUID, count: int) -> None:
    """Insert copies of an account, deleted now."""
    session.execute(
        text(
            "INSERT INTO accounts (id, programme, name, name_key, kind, reseller_id, admin_email, email_key, locale,"
            " timezone, created_at, deleted_at)"
            " SELECT gen_random_uuid(), programme, 'n' || n, 'n' || n, kind, reseller_id, admin_email, email_key,"
            " locale, timezone, created_at, created_at FROM accounts, generate_series(1, :count) AS n WHERE id = :id"
        ),
        {"id": client_id, "count": count},
    )


def test_account_restored_in_the_last_second_is_not_purged(
    office: Context, offer_book: Context, session: Session, client: Account, clock: ManualClock
) -> None:
    deletion.delete(office, session, client.id, "test")
    clock.advance(deletion.RESTORE_PERIOD - timedelta(seconds=1))
    deletion.restore(office, session, client.id)
    clock.advance(timedelta(seconds=1))
    assert deletion.purge(office, session, CHUNK) == deletion.PurgeResult(0, 0)


def test_no_table_has_texts_or_addresses_of_a_client_after_its_final_deletion(
    offer_book: Context, session: Session, client: Account, clock: ManualClock
) -> None:
    secret = "Dear Max Private, XYZZY-42"
    message, address = "private words", "max.private@weser.example"
    accounts.change(offer_book, session, client.id, {"admin_email": address, "name": "Max Private"})
    instances.put(session, FernetSecretBox("key"), client.id, "https://weser.example/in", None, offer_book.now)
    line = {"product": "excel-basics", "count": 1, "mode": "absolute", "term": "P1Y"}
    assert client.reseller_id is not None
    new = NewOffer(client.reseller_id, client.id, lines=[line], message=secret)
    offer = offers.send(offer_book, session, new, "key:1")
    transition(offer_book, session, offer, OfferEvent.DELIVERED, "system")
    decide(offer_book, session, offer.id, DecisionChoice.ACCEPT, DecidedBy(f"admin:{client.id}", address))
    audit.record(session, Actor("operator:ada", reason=message), "x", f"account:{client.id}", at=offer_book.now)
    assert hits(session, [secret, message, address]) != []
    deletion.delete(offer_book, session, client.id, "test")
    clock.advance(deletion.RESTORE_PERIOD)
    deletion.purge(offer_book, session, CHUNK)
    assert hits(session, [secret, message, address]) == []
    assert hits(session, ["Max Private"]) == ["accounts"]
    events = offers_queries.events(session, [offer.id])[offer.id]
    assert audit_trail_intact(offer_book, session.get_one(Offer, offer.id), events)


def test_chain_with_the_text_of_the_message_is_anchored_again_before_the_text_is_erased(
    offer_book: Context, session: Session, client: Account
) -> None:
    instances.put(session, FernetSecretBox("key"), client.id, "https://weser.example/in", None, offer_book.now)
    line = {"product": "excel-basics", "count": 1, "mode": "absolute", "term": "P1Y"}
    assert client.reseller_id is not None
    new = NewOffer(client.reseller_id, client.id, lines=[line], message="some words")
    offer = offers.send(offer_book, session, new, "key:1")
    (event,) = offers_queries.events(session, [offer.id])[offer.id]
    offer.message_digest = offer.message_salt = None
    event.hash = event_hash(_chain_key(offer_book), _snapshot(offer), None, _content(event))
    assert audit_trail_intact(offer_book, offer, [event])
    former = event.hash
    offers.erase_texts(offer_book, session, [client.id])
    events = offers_queries.events(session, [offer.id])[offer.id]
    offer = session.get_one(Offer, offer.id)
    assert offer.message is None
    assert events[0].hash != former
    assert audit_trail_intact(offer_book, offer, events)
    anchored = session.scalars(text("SELECT detail ->> 'from' FROM audit_log WHERE action = 'offer.anchored'")).all()
    assert anchored == [former]


def test_export_names_what_the_database_has_of_an_account_without_secrets(
    offer_book: Context, session: Session, client: Account, reseller: Account
) -> None:
    operators_keys.create(session, "theirs", ["read"], offer_book.now, account_id=client.id)
    session.add(phone_of(f"account:{client.id}", offer_book))
    session.flush()
    data = personal_data(session, client.id)
    assert [(row["name"], row["secret_sealed"]) for row in data["portal_factors"]] == [("Phone", "***")]
    assert {"accounts", "admin_addresses", "api_keys", "mails", "mail_recipients", "domain_events"} <= data.keys()
    assert [row["id"] for row in data["accounts"]] == [client.id]
    assert data["api_keys"][0]["secret_hash"] == "***"
    assert str(reseller.admin_email) not in str(data)


def hits(session: Session, texts: list[str]) -> list[str]:
    """The tables, except of jobs, that have one of the texts in any column."""
    session.flush()
    tables = []
    for table in Base.metadata.sorted_tables:
        rows = [str(row) for row in session.execute(text(f"SELECT t::text FROM {table.name} AS t")).scalars()]
        if table.name not in {"jobs", "jobs_archive"} and any(part in row for row in rows for part in texts):
            tables.append(table.name)
    return tables
