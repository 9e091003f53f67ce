"""Why a waiting offer still waits, and when the next try is."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text as sql

from kontor.accounts import instances
from kontor.adapters.fakes import http_reply, refused
from kontor.audit import Actor
from kontor.engine.admin import lanes
from kontor.engine.admin.operations import Operations
from kontor.licences.payloads import INSTANCE_QUEUE
from kontor.licences.service import instance_lane
from kontor.offers.schemas import OfferWaitOut
from models.accounts import Account
from tests.support.offers import OfferScenario

STAFF = Actor("operator:x", reason="test")


def wait_of(world: OfferScenario, offer_id: UUID) -> OfferWaitOut:
    """Why an offer waits."""
    wait = world.offer(offer_id).delivery.wait
    assert wait is not None
    return wait


def test_offer_that_is_no_longer_waiting_has_no_reason_to_wait(world: OfferScenario) -> None:
    assert world.offer(world.delivered()).delivery.wait is None
    expired = world.send()
    world.clock.advance(timedelta(days=31))
    assert world.offer(expired).delivery.wait is None


def test_offers_wait_for_a_system_that_is_down_until_its_next_probe(world: OfferScenario) -> None:
    world.http.queue_replies(refused())
    first = world.send()
    assert (wait_of(world, first).reason, wait_of(world, first).next_try_at) == ("under_way", None)
    world.work()
    second, since = world.send(), world.clock.now()
    waits = [wait_of(world, each) for each in (first, second)]
    assert [(wait.reason, wait.since, wait.ahead) for wait in waits] == [("down", since, 0), ("down", since, 1)]
    with world.transaction() as session:
        probe_at = session.scalar(sql("SELECT probe_at FROM lanes"))
    assert probe_at > since
    assert {wait.next_try_at for wait in waits} == {probe_at}
    assert "refused" in str(waits[0].last_error)
    world.clock.advance(probe_at - since + timedelta(minutes=1))
    assert wait_of(world, first).next_try_at == world.clock.now()


def test_offer_that_was_turned_down_is_tried_again_until_it_is_given_up(world: OfferScenario) -> None:
    world.http.queue_replies(*[http_reply(403)] * 8)
    offer_id = world.send()
    world.work()
    wait = wait_of(world, offer_id)
    assert (wait.reason, wait.last_error) == ("refused", "answered 403")
    assert wait.next_try_at is not None
    assert wait.next_try_at > world.clock.now()
    for _ in range(8):
        world.pass_time(timedelta(days=1))
    wait = wait_of(world, offer_id)
    assert (wait.reason, wait.next_try_at, wait.last_error) == ("given_up", None, "answered 403")


def test_offer_behind_others_says_how_many_go_first(world: OfferScenario) -> None:
    for _ in range(2):
        world.send()
    wait = wait_of(world, world.send())
    assert (wait.reason, wait.ahead, wait.since) == ("behind", 2, None)


def test_offer_waits_for_a_system_when_it_was_taken_away(world: OfferScenario) -> None:
    offer_id = world.send()
    with world.transaction() as session:
        instances.delete(session, world.client)
    assert wait_of(world, offer_id).reason == "no_instance"


@pytest.mark.parametrize("what", ["lane", "queue"])
def test_offer_waits_while_its_deliveries_are_paused(world: OfferScenario, what: str) -> None:
    world.http.queue_replies(refused())
    offer_id = world.send()
    world.work()
    with world.transaction() as session:
        if what == "lane":
            lanes.hold(session, world.jobs, instance_lane(world.client), STAFF)
        else:
            Operations(world.jobs).pause_queue(session, INSTANCE_QUEUE, STAFF)
    wait = wait_of(world, offer_id)
    assert (wait.reason, wait.next_try_at, wait.last_error) == ("paused", None, None)


@pytest.mark.parametrize("side", ["client", "reseller"])
def test_offer_waits_while_either_side_is_suspended(world: OfferScenario, side: str) -> None:
    offer_id = world.send()
    with world.transaction() as session:
        session.get_one(Account, getattr(world, side)).suspended = True
    assert wait_of(world, offer_id).reason == "suspended"
    world.work()
    wait = wait_of(world, offer_id)
    assert (wait.reason, wait.next_try_at) == ("suspended", world.clock.now() + timedelta(minutes=10))
