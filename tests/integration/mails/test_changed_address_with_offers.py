"""A waiting offer is mailed again when the admin's address changes, with a new link."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from adapters.sealer import FernetSealer
from adapters.smtp_fakes import FakeMailTransport
from domain.offers import OfferEvent
from engine.outcomes import Cancel, Done, Outcome
from models.accounts import Account
from services import accounts, instances, offers
from services.account_book import AccountBook
from services.offer_log import move
from services.offers import NewOffer
from tests.integration.mails.parsing import latest
from tests.support.wiring import offer_context


def test_waiting_offer_is_mailed_again_on_every_change_of_address(
    office: AccountBook,
    session: Session,
    reseller: Account,
    client: Account,
    send: Callable[[UUID], Outcome],
    transport: FakeMailTransport,
) -> None:
    ctx = offer_context(office.jobs, office.programmes)
    lines = [{"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}]
    instances.put(session, FernetSealer("key"), client.id, "https://weser.example/in", None, office.now)
    offer = offers.send(ctx, session, NewOffer(reseller.id, client.id, lines=lines), "test")
    move(ctx, session, offer, OfferEvent.DELIVERED, "test")
    offers.ask_again(ctx, session, client.id)
    first = latest(session, "offer-received").id
    for address in ("neu@weser.example", "admin@weser.example"):
        accounts.change(office, session, client.id, {"admin_email": address})
        assert offers.ask_again(ctx, session, client.id) == 1
        assert isinstance(send(latest(session, "offer-received").id), Done)
    assert isinstance(send(first), Cancel)
    assert [sent.recipient for sent in transport.sent] == ["neu@weser.example", "admin@weser.example"]
