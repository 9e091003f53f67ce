"""A waiting offer is mailed again when the admin's address changes, with a new link."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.accounts import instances
from kontor.accounts import service as accounts
from kontor.adapters.fakes import FakeMailTransport
from kontor.adapters.secrets import FernetSecretBox
from kontor.context import Context
from kontor.engine.handlers import Cancel, Done, Outcome
from kontor.kernel.states import OfferEvent
from kontor.offers import service as offers
from kontor.offers.service import NewOffer
from kontor.offers.transitions import transition
from models.accounts import Account
from tests.integration.mails.parsing import latest
from tests.support.wiring import context_for


def test_waiting_offer_is_mailed_again_on_every_change_of_address(
    office: Context,
    session: Session,
    reseller: Account,
    client: Account,
    send: Callable[[UUID], Outcome],
    transport: FakeMailTransport,
) -> None:
    ctx = context_for(office.jobs, office.programmes)
    lines = [{"product": "excel-basics", "count": 5, "mode": "absolute", "term": "P1Y"}]
    instances.put(session, FernetSecretBox("key"), client.id, "https://weser.example/in", None, office.now)
    offer = offers.send(ctx, session, NewOffer(reseller.id, client.id, lines=lines), "test")
    transition(ctx, session, offer, OfferEvent.DELIVERED, "test")
    offers.remail_open_offers(ctx, session, client.id)
    first = latest(session, "offer-received").id
    for address in ("neu@weser.example", "admin@weser.example"):
        accounts.change(office, session, client.id, {"admin_email": address})
        assert offers.remail_open_offers(ctx, session, client.id) == 1
        assert isinstance(send(latest(session, "offer-received").id), Done)
    assert isinstance(send(first), Cancel)
    assert [sent.recipient for sent in transport.sent] == ["neu@weser.example", "admin@weser.example"]
