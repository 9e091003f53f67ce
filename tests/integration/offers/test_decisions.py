"""Decisions: who decides, by which means, and concurrently."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text as sql

from kontor.adapters.secrets import DerivedKeys
from kontor.context import Secrets
from kontor.http.keys import Principal
from kontor.kernel.errors import Conflict, Forbidden, Gone, KontorError, NotFound
from kontor.kernel.ids import new_id
from kontor.kernel.tokens import Tokens
from kontor.offers import queries as offers_queries
from kontor.offers import service as offers
from kontor.offers.decisions import DecidedBy, DecisionChoice, decide, decide_by_key, decide_by_link, peek, require_open
from kontor.offers.notifications import make_decision_token
from kontor.offers.schemas import LicenceChangeOut
from kontor.offers.transitions import audit_trail_intact
from models.accounts import Account
from models.keys import Scope
from models.offers import Offer
from tests.support.offers import OfferScenario

ACCEPT, REJECT = DecisionChoice.ACCEPT, DecisionChoice.REJECT


def token_of(world: OfferScenario, offer_id: UUID) -> str:
    with world.transaction() as session:
        offer = session.get_one(Offer, offer_id)
        return make_decision_token(world.tokens, offer, session.get_one(Account, offer.account_id))


def key(*scopes: Scope, **bound: UUID) -> Principal:
    return Principal(new_id(), "test", frozenset(scopes), **bound)


def click(world: OfferScenario, token: str, verdict: DecisionChoice = ACCEPT) -> str:
    with world.transaction() as session:
        return decide_by_link(world.ctx, session, world.tokens, token, verdict).state.value


def verifies(world: OfferScenario, offer_id: UUID) -> bool:
    with world.transaction() as session:
        offer = session.get_one(Offer, offer_id)
        return audit_trail_intact(world.ctx, offer, offers_queries.events(session, [offer_id])[offer_id])


def test_reading_the_link_decides_nothing(world: OfferScenario) -> None:
    offer_id = world.delivered()
    token = token_of(world, offer_id)
    with world.transaction() as session:
        seen = require_open(world.ctx, session, world.tokens, token)
    assert [str(change) for change in seen.changes] == ["0 licences -> 10 (+10)"]
    assert seen.undecided
    assert world.offer(offer_id).state == "waiting_for_confirmation"


def test_one_click_accepts_and_notifies_the_reseller(world: OfferScenario) -> None:
    offer_id = world.delivered()
    assert click(world, token_of(world, offer_id)) == "accepted"
    world.work()
    offer = world.offer(offer_id)
    assert (offer.grant.state, offer.changes) == (
        "applied",
        [LicenceChangeOut(product="excel-basics", now=0, then=10)],
    )
    assert offer.decided_by == f"admin:{world.client}"
    assert world.mails()[-1] == ("offer-accepted", "admin@nordic-academy.example")
    assert world.mail("offer-accepted").facts["lines"][0]["product"] == "Excel basics"


def test_one_click_rejects_and_grants_nothing(world: OfferScenario) -> None:
    offer_id = world.delivered()
    assert click(world, token_of(world, offer_id), REJECT) == "rejected"
    world.work()
    assert world.offer(offer_id).grant.state == "none"
    assert world.calls("licences.granted") == []
    assert world.mails()[-1][0] == "offer-rejected"


def test_second_click_is_a_conflict_with_the_state(world: OfferScenario) -> None:
    token = token_of(world, world.delivered())
    click(world, token)
    for verdict in DecisionChoice:
        with pytest.raises(Conflict) as refused:
            click(world, token, verdict)
        assert (refused.value.code, refused.value.state) == ("illegal_transition", "accepted")
    with world.transaction() as session:
        assert peek(world.ctx, session, world.tokens, token).state == "accepted"


def test_click_after_a_withdrawal_is_a_conflict_and_the_page_is_gone(world: OfferScenario) -> None:
    offer_id = world.delivered()
    token = token_of(world, offer_id)
    with world.transaction() as session:
        offers.cancel(world.ctx, session, offer_id, "key:reseller")
    with pytest.raises(Conflict) as refused:
        click(world, token)
    assert refused.value.state == "cancelled"
    with world.transaction() as session, pytest.raises(Gone) as gone:
        require_open(world.ctx, session, world.tokens, token)
    assert gone.value.code == "withdrawn"


def test_expired_link_is_gone_for_reading_and_deciding(world: OfferScenario) -> None:
    token = token_of(world, world.delivered())
    world.clock.advance(timedelta(days=30))
    with pytest.raises(Gone) as gone:
        click(world, token)
    assert gone.value.code == "expired"
    with world.transaction() as session, pytest.raises(Gone):
        require_open(world.ctx, session, world.tokens, token)


def test_link_to_a_changed_address_is_gone(world: OfferScenario) -> None:
    offer_id = world.delivered()
    token = token_of(world, offer_id)
    with world.transaction() as session:
        client = session.get_one(Account, world.client)
        client.admin_email, client.email_version = "new@acme.example", client.email_version + 1
        offers.remail_open_offers(world.ctx, session, world.client)
    with pytest.raises(Gone) as gone:
        click(world, token)
    assert gone.value.code == "address_changed"
    assert world.mails()[-1] == ("offer-received", "new@acme.example")
    assert click(world, token_of(world, offer_id)) == "accepted"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: token[:-2],
        lambda token: token[::-1],
        lambda token: token + "A",
        lambda token: "x" * 5_000,
        lambda token: "ü" + token,
    ],
)
def test_forged_token_is_not_found(world: OfferScenario, spoil: Callable[[str], str]) -> None:
    token = spoil(token_of(world, world.delivered()))
    with pytest.raises(NotFound):
        click(world, token)


def test_token_of_another_key_purpose_or_account_is_not_found(world: OfferScenario) -> None:
    offer_id = world.delivered()
    other = world.another_client("Other")
    with world.transaction() as session:
        offer, owner = session.get_one(Offer, offer_id), session.get_one(Account, world.client)
        foreign = [
            make_decision_token(Tokens("another key"), offer, owner),
            make_decision_token(world.tokens, offer, session.get_one(Account, other)),
            world.tokens.make("activation", {"account": owner.id.hex}, offer.expires_at),
            world.tokens.make("offer-decision", {"offer": 7}, offer.expires_at),
        ]
    for token in foreign:
        with pytest.raises(NotFound):
            click(world, token)
    assert world.offer(offer_id).state == "waiting_for_confirmation"


def test_clients_own_key_and_an_operator_on_its_behalf_may_decide(world: OfferScenario) -> None:
    mine, behalf = world.delivered(), world.delivered()
    with world.transaction() as session:
        own = key(Scope.DECIDE, account_id=world.client)
        assert decide_by_key(world.ctx, session, own, mine, ACCEPT).decided_by == own.actor
        operator = key(Scope.OPERATE)
        decided = decide_by_key(world.ctx, session, operator, behalf, REJECT)
        assert decided.decided_by == f"{operator.actor} on behalf of account:{world.client}"


def test_reseller_stranger_and_read_only_key_may_not_decide(world: OfferScenario) -> None:
    offer_id = world.delivered()
    with world.transaction() as session:
        for caller, error in (
            (key(Scope.OPERATE, reseller_id=world.reseller), Forbidden),
            (key(Scope.READ), Forbidden),
            (key(Scope.DECIDE, account_id=new_id()), NotFound),
            (key(Scope.READ, Scope.ENQUEUE, Scope.OPERATE, account_id=world.client), Forbidden),
        ):
            with pytest.raises(error):
                decide_by_key(world.ctx, session, caller, offer_id, ACCEPT)
    assert world.offer(offer_id).state == "waiting_for_confirmation"


def test_undelivered_offer_cannot_be_accepted(world: OfferScenario) -> None:
    offer_id = world.send()
    with world.transaction() as session, pytest.raises(Conflict) as refused:
        decide(world.ctx, session, offer_id, ACCEPT, DecidedBy("test"))
    assert refused.value.state == "waiting"


def race(*actions: Callable[[], object]) -> list[object]:
    """Run all actions at the same time; returns each result or error."""
    line = threading.Barrier(len(actions))
    outcomes: list[object] = [None] * len(actions)

    def run(index: int, action: Callable[[], object]) -> None:
        line.wait()
        try:
            outcomes[index] = action()
        except KontorError as error:
            outcomes[index] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_concurrent_accept_and_cancel_have_one_winner_and_the_other_learns_the_state(world: OfferScenario) -> None:
    winners = set()
    for _ in range(20):
        offer_id = world.delivered()
        token = token_of(world, offer_id)

        def cancel(offer_id: UUID = offer_id) -> str:
            with world.transaction() as session:
                return offers.cancel(world.ctx, session, offer_id, "key:reseller").state

        outcomes = race(partial(click, world, token), cancel)
        [loser] = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
        [winner] = [outcome for outcome in outcomes if isinstance(outcome, str)]
        assert loser.code == "illegal_transition"
        assert loser.state == winner == world.offer(offer_id).state
        assert len(world.offer(offer_id).events) == 3
        assert verifies(world, offer_id)
        winners.add(winner)
    assert winners <= {"accepted", "cancelled"}


def test_concurrent_clicks_grant_once(world: OfferScenario) -> None:
    token = token_of(world, world.delivered())
    outcomes = race(*[partial(click, world, token)] * 4)
    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False, True, True, True]
    with world.transaction() as session:
        assert session.scalar(sql("SELECT count(*) FROM grants")) == 1


def test_audit_trail_does_not_verify_when_an_event_or_the_offer_was_changed(world: OfferScenario) -> None:
    offer_id = world.delivered()
    click(world, token_of(world, offer_id))
    assert verifies(world, offer_id)
    with world.transaction() as session:
        events = offers_queries.events(session, [offer_id])[offer_id]
        offer = session.get_one(Offer, offer_id)
        assert not audit_trail_intact(world.ctx, offer, events[:-1])
        assert not audit_trail_intact(world.ctx, offer, [events[0], events[2]])
        assert not audit_trail_intact(replace(world.ctx, secrets=Secrets(DerivedKeys("another"))), offer, events)
        session.rollback()
    tampering = (
        "UPDATE offer_events SET actor = 'somebody else' WHERE number = 2",
        "UPDATE offers SET message = 'something else'",
        "UPDATE offers SET state = 'rejected'",
    )
    for statement in tampering:
        with world.transaction() as session:
            session.execute(sql(statement))
            session.expire_all()
            offer = session.get_one(Offer, offer_id)
            events = offers_queries.events(session, [offer_id])[offer_id]
            assert not audit_trail_intact(world.ctx, offer, events)
            session.rollback()


def test_closing_an_account_cancels_its_open_offers(world: OfferScenario) -> None:
    waiting, asked, done = world.send(), world.delivered(), world.delivered()
    click(world, token_of(world, done))
    with world.transaction() as session:
        assert offers.cancel_open_offers(world.ctx, session, world.client, "system") == 2
    assert {world.offer(offer).reason for offer in (waiting, asked)} == {"account_closed"}
    assert world.offer(done).state == "accepted"
