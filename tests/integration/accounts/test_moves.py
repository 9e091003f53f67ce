"""What a client that leaves its reseller leaves behind."""

from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from kontor.accounts import clients, instances
from kontor.adapters.secrets import FernetSecretBox
from kontor.context import Context
from kontor.http import ownership
from kontor.http.keys import Principal
from kontor.http.ownership import Ownership
from kontor.kernel.errors import Conflict
from kontor.offers import decisions
from kontor.offers import service as offers
from kontor.offers.decisions import DecidedBy, DecisionChoice
from kontor.offers.service import NewOffer
from kontor.operators import keys
from models.accounts import Account
from models.keys import ApiKey
from models.offers import Offer
from tests.support.wiring import SECRET

LINES = ({"product": "excel-basics", "count": 10, "mode": "absolute", "term": "P1Y"},)


@pytest.fixture
def sent(office: Context, session: Session, reseller: Account, client: Account) -> Offer:
    """An open offer to the client."""
    instances.put(session, FernetSecretBox(SECRET), client.id, "https://customer.example/hook", None, office.now)
    return offers.send(office, session, NewOffer(reseller.id, client.id, lines=LINES), "key:test")


def test_open_offers_are_cancelled_when_their_client_leaves(
    office: Context, session: Session, reseller: Account, client: Account, sent: Offer
) -> None:
    clients.disconnect(office, session, reseller.id, client.id)

    assert (sent.state, sent.reason) == ("cancelled", "account_moved")


def test_offer_of_a_former_reseller_is_not_decided(
    office: Context, session: Session, client: Account, sent: Offer
) -> None:
    client.kind, client.reseller_id, sent.state = "regular", None, "waiting_for_confirmation"
    session.flush()

    with pytest.raises(Conflict) as refused:
        decisions.decide(office, session, sent.id, DecisionChoice.ACCEPT, DecidedBy("admin:test"))
    assert (refused.value.code, sent.state) == ("illegal_transition", "waiting_for_confirmation")


def test_keys_that_the_reseller_made_for_its_client_end_when_it_leaves(
    office: Context, session: Session, reseller: Account, client: Account
) -> None:
    caller = Principal(UUID(int=1), "reseller", frozenset({"read", "keys"}), reseller_id=reseller.id)
    theirs = keys.create(session, "theirs", ["read"], office.now, account_id=client.id, maker=keys.maker_of(caller))
    own = keys.create(session, "own", ["read"], office.now, account_id=client.id)
    clients.disconnect(office, session, reseller.id, client.id)
    session.expire_all()

    assert session.get_one(ApiKey, theirs.id).revoked_at == office.now
    assert session.get_one(ApiKey, own.id).revoked_at is None


def test_what_a_client_had_as_a_reseller_is_not_its_resellers(session: Session, client: Account) -> None:
    session.flush()

    assert ownership.reseller(session, str(client.id)) == Ownership(client.id, client.id)
    assert ownership.account(session, str(client.id)) == Ownership(client.reseller_id, client.id)
