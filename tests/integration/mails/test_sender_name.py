"""A mail uses the name of the account's reseller at sending time."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import activation, brand_queries, brands, clients, domains
from kontor.adapters.fakes import FakeMailTransport
from kontor.audit import Actor
from kontor.context import Context
from kontor.engine.handlers import Done, Outcome
from kontor.kernel.states import ImageRole
from models.accounts import Account
from tests.integration.mails.parsing import latest, parsed, text_of
from tests.support.wiring import PUBLIC_URL

Send = Callable[[UUID], Outcome]


def test_mail_to_a_client_is_in_the_resellers_name(
    session: Session, client: Account, send: Send, transport: FakeMailTransport
) -> None:
    mail = latest(session, "activation")
    assert isinstance(send(mail.id), Done)
    message = parsed(transport.sent[0])
    assert message["From"].addresses[0].display_name == "Elbe Schulung"
    assert message["To"].addresses[0].addr_spec == "admin@weser.example"
    everything = transport.sent[0].raw.decode() + text_of(transport.sent[0])
    assert "Learning" not in everything
    assert mail.state == "sent"
    assert mail.message_id == message["Message-ID"]
    assert mail.subject == message["Subject"]


def test_mail_to_a_reseller_is_in_the_providers_name(
    session: Session, reseller: Account, office: Context, send: Send, transport: FakeMailTransport
) -> None:
    send(latest(session, "welcome-reseller").id)
    name = office.programme_of(session, reseller).sender.name
    assert parsed(transport.sent[0])["From"].addresses[0].display_name == name
    assert parsed(transport.sent[0])["Reply-To"] is None


def test_mail_uses_the_resellers_brand_and_the_clients_own_where_set(
    office: Context,
    session: Session,
    reseller: Account,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    theirs = {
        "name": "Elbe Akademie",
        "logo_url": "https://elbe.example/logo.png",
        "support": "hilfe@elbe.example",
    }
    brands.put(session, reseller, brands.validate_brand(theirs), office.now)
    own = {"logo_url": "https://weser.example/logo.png", "name": "Never shown"}
    brands.put(session, client, brands.validate_brand(own), office.now)
    brand_queries.put_in_force(session, reseller.id, ImageRole.LOGO, "ab" * 32)
    brand_queries.put_in_force(session, client.id, ImageRole.LOGO, "cd" * 32)
    send(latest(session, "activation").id)
    sent = transport.sent[0]
    assert parsed(sent)["From"].addresses[0].display_name == "Elbe Akademie"
    html = parsed(sent).get_body(("html",))
    assert html is not None
    page = str(html.get_content())
    assert f"{PUBLIC_URL}/images/{'cd' * 32}.png" in page
    assert "ab" * 32 not in page
    assert "logo.png" not in page
    assert "Never shown" not in page
    assert "hilfe@elbe.example" in text_of(sent)


def test_unverified_address_is_reply_to_and_a_verified_one_is_from(
    office: Context,
    session: Session,
    reseller: Account,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    chosen = {"from_address": "info@elbe.example", "domain": "lernen.weser.example"}
    brands.put(session, client, brands.validate_brand(chosen), office.now)
    send(latest(session, "activation").id)
    domains.verify_manually(office, session, "elbe.example", client, Actor("operator"))
    domains.verify_manually(office, session, "lernen.weser.example", client, Actor("operator"))
    activation.resend_link(office, session, client.id)
    send(latest(session, "activation").id)
    before, after = (parsed(sent_mail) for sent_mail in transport.sent)
    provider = office.programme_of(session, client).sender
    ours = provider.address_for("de")
    assert before["From"].addresses[0].addr_spec == ours
    assert before["Reply-To"].addresses[0].addr_spec == "info@elbe.example"
    assert before["Sender"] is None
    assert "https://kontor.example/activate/" in text_of(transport.sent[0])
    assert after["From"].addresses[0].addr_spec == "info@elbe.example"
    assert after["Reply-To"] is None
    assert after["Sender"].address.addr_spec == ours
    assert "https://lernen.weser.example/activate/" in text_of(transport.sent[1])
    assert {sent_mail.envelope_from for sent_mail in transport.sent} == {provider.address}


def test_resellers_admin_is_contact_and_reply_to_unless_a_support_contact_is_set(
    office: Context,
    session: Session,
    reseller: Account,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    send(latest(session, "activation").id)
    brands.put(session, reseller, brands.validate_brand({"support": {"email": "hilfe@elbe.example"}}), office.now)
    activation.resend_link(office, session, client.id)
    send(latest(session, "activation").id)
    for sent, contact in zip(transport.sent, (reseller.admin_email, "hilfe@elbe.example"), strict=True):
        assert parsed(sent)["Reply-To"].addresses[0].addr_spec == contact
        assert contact in text_of(sent)


def test_mail_to_a_disconnected_client_is_in_the_providers_name(
    office: Context,
    session: Session,
    reseller: Account,
    client: Account,
    send: Send,
    transport: FakeMailTransport,
) -> None:
    clients.disconnect(office, session, reseller.id, client.id)
    send(latest(session, "account-disconnected").id)
    name = office.programme_of(session, client).sender.name
    assert parsed(transport.sent[0])["From"].addresses[0].display_name == name
    assert parsed(transport.sent[0])["Reply-To"] is None
