"""An offer that waits is mailed to whoever is the admin now, with a link of the address's own."""

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
from tests.integration.mails.reading import latest
from tests.support.wiring import offer_context


def test_a_hand_over_and_back_mails_a_waiting_offer_each_time(
    office: AccountBook,
    session: Session,
    reseller: Account,
    client: Account,
    send: Callable[[UUID], Outcome],
    transport: FakeMailTransport,
) -> None:
    book = offer_context(office.jobs, office.programmes)
    lines = [{"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}]
    instances.put(session, FernetSealer("key"), client.id, "https://weser.example/in", None, office.now)
    offer = offers.send(book, session, NewOffer(reseller.id, client.id, lines=lines), "test")
    move(book, session, offer, OfferEvent.DELIVERED, "test")
    offers.ask_again(book, session, client.id)
    first = latest(session, "offer-received").id
    for address in ("neu@weser.example", "admin@weser.example"):
        accounts.change(office, session, client.id, {"admin_email": address})
        assert offers.ask_again(book, session, client.id) == 1
        assert isinstance(send(latest(session, "offer-received").id), Done)
    assert isinstance(send(first), Cancel)
    assert [sent.recipient for sent in transport.sent] == ["neu@weser.example", "admin@weser.example"]
