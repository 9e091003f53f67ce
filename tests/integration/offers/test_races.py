"""Concurrent accept, reject and cancel from separate processes."""

import pytest
from sqlalchemy import text as sql

from kontor.audit import Actor
from kontor.limits import service as limits
from kontor.offers import queries as offers_queries
from kontor.offers.transitions import audit_trail_intact
from models.offers import Offer
from tests.support.offer_race import CANCEL, race
from tests.support.offers import OfferScenario

ROUNDS = 200
RELATIVE = ({"product": "excel-basics", "count": 1, "mode": "relative", "term": "P1Y"},)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_every_contested_offer_has_one_winner_and_a_verified_audit_trail(
    world: OfferScenario, database_url: str
) -> None:
    with world.transaction() as session:
        limits.set_limit(session, "offers_open", ROUNDS, Actor("test"), world.clock.now())
    offer_ids = [world.send(RELATIVE) for _ in range(ROUNDS)]
    world.work()

    outcomes = race(database_url, ["accept", CANCEL, "reject"], offer_ids)

    with world.transaction() as session:
        events = offers_queries.events(session, offer_ids)
        for offer_id, fates in zip(offer_ids, zip(*outcomes, strict=True), strict=True):
            offer = session.get_one(Offer, offer_id)
            assert sorted(code for code, _ in fates) == ["illegal_transition", "illegal_transition", "won"]
            assert {state for _, state in fates} == {offer.state}
            assert len(events[offer_id]) == 3
            assert audit_trail_intact(world.ctx, offer, events[offer_id])
        accepted = sum(session.get_one(Offer, offer_id).state == "accepted" for offer_id in offer_ids)
        assert session.scalar(sql("SELECT coalesce(sum(count), 0) FROM grants")) == accepted
