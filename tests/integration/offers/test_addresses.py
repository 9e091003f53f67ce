"""Who decides after a change of the admin address, and what an objection holds (programme.md 5.8)."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from kontor.accounts import address_links
from kontor.accounts import service as accounts
from kontor.accounts.address_links import LIFETIME, AddressRole
from kontor.audit import Actor
from kontor.http.keys import Principal
from kontor.kernel.data_keys import KeyPurpose
from kontor.kernel.errors import Conflict, Gone
from kontor.kernel.ids import new_id
from kontor.offers import decisions, holds, queries
from kontor.offers.decisions import DecisionChoice
from kontor.offers.evidence import DecisionSource, DecisionWay
from kontor.offers.notifications import make_decision_token
from kontor.offers.transitions import BrokenChain, CheckedChains, audit_trail_intact, verify_chains
from models.accounts import Account, SetBy
from models.offers import Offer
from tests.support.offers import OfferScenario

DAY = timedelta(hours=24)
BY_LINK = DecisionSource(DecisionWay.LINK, "192.0.2.9", "A browser", "https://learn.acme.example")


def move(world: OfferScenario, address: str, set_by: SetBy, account: UUID | None = None) -> None:
    """Change the admin address of the client, or of another account."""
    with world.transaction() as session:
        accounts.change(world.ctx, session, account or world.client, {"admin_email": address}, set_by=set_by)


def token_of(world: OfferScenario, offer_id: UUID) -> str:
    """The decision link of the address of today."""
    with world.transaction() as session:
        return make_decision_token(
            world.tokens, session.get_one(Offer, offer_id), session.get_one(Account, world.client)
        )


def press(world: OfferScenario, token: str, choice: DecisionChoice = DecisionChoice.ACCEPT) -> str:
    """Decide by a link; returns the state, or the code of the refusal."""
    try:
        with world.transaction() as session:
            return decisions.decide_by_link(world.ctx, session, world.tokens, token, choice, BY_LINK).state.value
    except (Conflict, Gone) as error:
        return error.code


def link(world: OfferScenario, role: AddressRole, version: int = 2) -> str:
    """The token of the mail to the new or the former address."""
    return address_links.make_token(world.tokens, role, world.client, version, world.clock.now() + LIFETIME)


def contest(world: OfferScenario, version: int = 2) -> None:
    """Object by the link that the former address got."""
    token = link(world, AddressRole.OLD, version)
    with world.transaction() as session:
        holds.object_to_change(world.ctx, session, world.tokens, token)


def test_address_that_the_reseller_put_in_place_of_another_decides_only_after_a_day(world: OfferScenario) -> None:
    offer_id = world.delivered()
    former = token_of(world, offer_id)
    move(world, "mine@reseller.example", SetBy.RESELLER)
    assert press(world, former) == "address_changed"
    with world.transaction() as session, pytest.raises(Conflict) as refused:
        decisions.decide_by_link(world.ctx, session, world.tokens, token_of(world, offer_id), DecisionChoice.REJECT)
    from_ = (world.clock.now() + DAY).isoformat().replace("+00:00", "Z")
    assert (refused.value.code, refused.value.data["from"]) == ("address_unconfirmed", from_)
    world.clock.advance(DAY - timedelta(seconds=1))
    assert press(world, token_of(world, offer_id)) == "address_unconfirmed"
    world.clock.advance(timedelta(seconds=1))
    assert press(world, token_of(world, offer_id)) == "accepted"


@pytest.mark.parametrize("set_by", [SetBy.CLIENT, SetBy.OPERATOR, SetBy.SHELL])
def test_address_that_client_or_operator_set_decides_at_once(world: OfferScenario, set_by: SetBy) -> None:
    offer_id = world.delivered()
    move(world, "new@acme.example", set_by)
    assert press(world, token_of(world, offer_id)) == "accepted"


def reseller_address(world: OfferScenario) -> str:
    """The reseller's own address."""
    with world.transaction() as session:
        return session.get_one(Account, world.reseller).admin_email


def test_address_in_place_of_the_resellers_own_decides_once_confirmed(world: OfferScenario) -> None:
    move(world, reseller_address(world), SetBy.OPERATOR)
    offer_id = world.delivered()
    move(world, "owner@acme.example", SetBy.RESELLER)
    assert press(world, token_of(world, offer_id)) == "accepted"


def test_reseller_cannot_hand_over_an_address_that_it_put_there_itself(world: OfferScenario) -> None:
    offer_id = world.delivered()
    move(world, reseller_address(world), SetBy.RESELLER)
    move(world, "second@reseller.example", SetBy.RESELLER)
    assert press(world, token_of(world, offer_id)) == "address_unconfirmed"


def test_reseller_cannot_hand_over_by_taking_the_clients_address_as_its_own(world: OfferScenario) -> None:
    offer_id = world.delivered()
    with world.transaction() as session:
        theirs = session.get_one(Account, world.client).admin_email
    world.clock.advance(timedelta(minutes=1))
    move(world, theirs, SetBy.CLIENT, world.reseller)
    move(world, "second@reseller.example", SetBy.RESELLER)
    assert press(world, token_of(world, offer_id)) == "address_unconfirmed"


def test_evidence_of_a_decision_is_kept_and_covered_by_the_hash(world: OfferScenario) -> None:
    offer_id = world.delivered()
    move(world, reseller_address(world), SetBy.CLIENT)
    assert press(world, token_of(world, offer_id)) == "accepted"
    with world.transaction() as session:
        evidence = session.execute(
            text("SELECT evidence FROM offer_events WHERE offer_id = :id AND event = 'accept'"), {"id": offer_id}
        ).scalar_one()
    now = world.clock.now().isoformat().replace("+00:00", "Z")
    assert evidence == {
        "via": "link",
        "address": reseller_address(world),
        "confirmed_at": now,
        "set_by": "client",
        "link_host": "learn.acme.example",
        "domain_set_by": None,
        "origin": "192.0.2.9",
        "user_agent": "A browser",
        "self_decided": True,
    }
    assert holds_together(world, offer_id)
    with world.transaction() as session:
        session.execute(text('UPDATE offer_events SET evidence = evidence || \'{"origin": "another"}\''))
    assert not holds_together(world, offer_id)
    with world.transaction() as session:
        session.execute(text("UPDATE offer_events SET evidence = NULL, evidence_salt = NULL"))
        session.execute(text("UPDATE offers SET message = NULL, message_salt = NULL"))
    assert holds_together(world, offer_id)


def holds_together(world: OfferScenario, offer_id: UUID) -> bool:
    """Whether the offer's chain verifies."""
    with world.transaction() as session:
        events = queries.events(session, [offer_id])[offer_id]
        return audit_trail_intact(world.ctx, session.get_one(Offer, offer_id), events)


def test_objection_holds_open_offers_until_an_operator_frees_them(world: OfferScenario) -> None:
    offer_id = world.delivered()
    move(world, "mine@reseller.example", SetBy.RESELLER)
    contest(world)
    later = world.delivered()
    world.pass_time(timedelta(days=40))
    operator = Principal(new_id(), "duty", frozenset({"operate"}))
    for held in (offer_id, later):
        assert (world.offer(held).state, world.offer(held).held_by) == ("waiting_for_confirmation", "objection")
        assert press(world, token_of(world, held), DecisionChoice.REJECT) == "offer_held"
        with world.transaction() as session, pytest.raises(Conflict, match="objected"):
            decisions.decide_by_key(world.ctx, session, operator, held, DecisionChoice.ACCEPT)
    with world.transaction() as session:
        assert holds.free_offers(world.ctx, session, world.client, Actor("operator:ada")) == 2
    assert press(world, token_of(world, offer_id)) == "accepted"
    world.pass_time(timedelta(days=29))
    assert world.offer(later).state == "waiting_for_confirmation"
    world.pass_time(timedelta(days=1))
    assert world.offer(later).state == "cancelled"


def test_objection_is_settled_when_an_operator_gives_the_address_back(world: OfferScenario) -> None:
    offer_id = world.delivered()
    with world.transaction() as session:
        former = session.get_one(Account, world.client).admin_email
    move(world, "mine@reseller.example", SetBy.RESELLER)
    contest(world)
    move(world, former, SetBy.OPERATOR)
    with world.transaction() as session:
        account = session.get_one(Account, world.client)
        holds.free_if_given_back(world.ctx, session, account, Actor("operator:ada"))
    assert press(world, token_of(world, offer_id)) == "accepted"
    with pytest.raises(Gone):
        contest(world)


def test_nobody_objects_to_a_change_that_client_or_operator_made(world: OfferScenario) -> None:
    move(world, "new@acme.example", SetBy.OPERATOR)
    with pytest.raises(Gone):
        contest(world)


def test_objection_is_mailed_to_reseller_and_new_address_is_asked_to_confirm(world: OfferScenario) -> None:
    move(world, "mine@reseller.example", SetBy.RESELLER)
    contest(world)
    with world.transaction() as session:
        columns = "template, refs ->> 'role', facts ->> 'objection'"
        query = f"SELECT {columns} FROM mails WHERE template <> 'activation' ORDER BY id"
        mails = session.execute(text(query))
        assert [tuple(mail) for mail in mails] == [
            ("address-changed", "old", "true"),
            ("address-changed", "new", "false"),
            ("address-objected", None, None),
        ]
        token = link(world, AddressRole.NEW)
        confirmed = address_links.confirm(world.ctx, session, world.tokens, token)
        assert confirmed.address.confirmed_at == world.clock.now()


def test_verification_names_the_offer_and_the_event_that_was_changed_past_kontor(world: OfferScenario) -> None:
    intact, offer_id = world.delivered(), world.delivered()
    assert press(world, token_of(world, offer_id)) == "accepted"
    key = world.ctx.data_key(KeyPurpose.OFFERS)
    this, event = f"offer_id = '{offer_id}'", "UPDATE offer_events SET"
    tampering = {
        f"{event} actor = 'somebody else' WHERE number = 2 AND {this}": 2,
        f"{event} evidence = jsonb_set(evidence, '{{address}}', '\"x@y.example\"') WHERE number = 3 AND {this}": 3,
        f"DELETE FROM offer_events WHERE number = 1 AND {this}": 1,
        f"DELETE FROM offer_events WHERE number = 3 AND {this}": 3,
        f"UPDATE offers SET state = 'rejected' WHERE id = '{offer_id}'": 4,
        f"UPDATE offers SET message = 'something else' WHERE id = '{offer_id}'": 1,
    }
    with world.transaction() as session:
        assert verify_chains(session, key) == CheckedChains(2, [])
    for statement, number in tampering.items():
        with world.transaction() as session:
            session.execute(text(statement))
            assert verify_chains(session, key).broken == [BrokenChain(offer_id, number)], statement
            session.rollback()
    assert intact != offer_id
