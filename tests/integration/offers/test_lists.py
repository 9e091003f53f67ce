"""Lists of offers."""

from datetime import timedelta

from sqlalchemy import text as sql

from kontor.kernel.states import OfferState
from kontor.offers import service as offers
from kontor.offers import templates
from kontor.offers.decisions import DecidedBy, DecisionChoice, decide
from kontor.offers.inbox import read_inbox
from tests.support.offers import LINES, OfferScenario


def test_inbox_lists_open_offers_first_and_then_the_last_decided_ones(world: OfferScenario) -> None:
    decided = [world.delivered() for _ in range(3)]
    for offer_id in decided:
        with world.transaction() as session:
            decide(world.ctx, session, offer_id, DecisionChoice.REJECT, DecidedBy("test"))
        world.clock.advance(timedelta(minutes=1))
    open_ = [world.delivered(message=f"number {n}") for n in range(3)]
    pages, cursor = [], None
    with world.transaction() as session:
        while True:
            page = read_inbox(session, world.client, world.clock.now(), cursor=cursor, limit=2)
            assert page.count == 3
            pages.append([item.id for item in page.items])
            cursor = page.next
            if cursor is None:
                break
    assert [offer_id for page in pages for offer_id in page] == open_[::-1] + decided[::-1]
    assert [len(page) for page in pages] == [2, 2, 2]


def test_overdue_offer_is_listed_as_cancelled(world: OfferScenario) -> None:
    offer_id = world.send()
    world.clock.advance(timedelta(days=30))
    with world.transaction() as session:
        now = world.clock.now()
        assert [o.id for o in offers.list_offers(session, now, state=OfferState.CANCELLED).items] == [offer_id]
        assert offers.list_offers(session, now, state=OfferState.WAITING).items == ()


def test_offer_keeps_the_lines_its_template_had(world: OfferScenario) -> None:
    with world.transaction() as session:
        template = templates.create(world.ctx, session, world.reseller, "Starter", LINES)
        template_id = template.id
    offer_id = world.send(lines=None, template_id=template_id)
    with world.transaction() as session:
        templates.change(world.ctx, session, template_id, "Starter", [dict(LINES[0], count=99)])
    assert world.offer(offer_id).lines[0].count == 10
    with world.transaction() as session:
        templates.delete(session, template_id)
    assert world.offer(offer_id).template_id is None
    with world.transaction() as session:
        assert session.scalar(sql("SELECT count(*) FROM offer_events")) == 1
