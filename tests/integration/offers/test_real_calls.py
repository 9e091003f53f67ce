"""Real HTTP from end to end: a sample instance that goes down, returns, and receives licences."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from devtools.received_calls import Behaviour, ReceivedCalls, ResponseMode
from devtools.sample_instance import SampleInstance
from kontor.adapters.clock import SystemClock
from kontor.adapters.http import PinnedHttp, SignedCalls
from kontor.offers import service as offers
from kontor.offers.decisions import DecidedBy, DecisionChoice, decide
from models.accounts import Instance
from tests.support.offers import OfferScenario


@pytest.fixture
def instance(world: OfferScenario) -> Iterator[SampleInstance]:
    """The client's instance, called by the worker over the loopback."""
    with world.transaction() as session:
        row = session.get_one(Instance, world.client)
        running = SampleInstance(ReceivedCalls(world.secret_box.open(row.secret_sealed))).start()
        row.url = running.url
    http = PinnedHttp(lambda address: True, plain_http=True, time_out=1.0)
    world.call_with(SignedCalls(http, SystemClock()))
    yield running
    http.close()
    running.stop()


def taken(instance: SampleInstance) -> list[str]:
    return [call["type"] for call in instance.received.calls if call["taken"] and not call["repeat"]]


def test_offer_passes_from_waiting_to_applied(world: OfferScenario, instance: SampleInstance) -> None:
    offer_id = world.delivered(message="Grüße\r\nBcc: you@evil.example")
    with world.transaction() as session:
        decide(world.ctx, session, offer_id, DecisionChoice.ACCEPT, DecidedBy("test"))
    world.work()
    assert taken(instance) == ["offer.delivered", "licences.granted"]
    assert instance.received.calls[0]["data"]["message"] == "Grüße\r\nBcc: you@evil.example"
    assert world.offer(offer_id).grant.state == "applied"


def test_offers_are_delivered_when_the_instance_returns_after_ten_minutes(
    world: OfferScenario, instance: SampleInstance
) -> None:
    instance.set_behaviour(Behaviour(ResponseMode.REFUSE))
    sent = [world.send() for _ in range(3)]
    world.work()
    world.pass_time(timedelta(minutes=10))
    assert {world.offer(offer_id).state for offer_id in sent} == {"waiting"}
    instance.set_behaviour(Behaviour())
    world.pass_time(timedelta(minutes=10))
    assert {world.offer(offer_id).state for offer_id in sent} == {"waiting_for_confirmation"}
    assert taken(instance) == ["offer.delivered"] * 3
    assert {attempts for _, attempts, _ in world.jobs_of("offers.deliver")} == {1}


def test_lost_response_is_repeated_under_the_same_id(world: OfferScenario, instance: SampleInstance) -> None:
    instance.set_behaviour(Behaviour(ResponseMode.OK, times=1, seconds=2.0))
    offer_id = world.send()
    world.work()
    assert "no answer" in str(world.offer(offer_id).delivery.last_error)
    world.pass_time(timedelta(minutes=10))
    assert world.offer(offer_id).state == "waiting_for_confirmation"
    assert taken(instance) == ["offer.delivered"]
    assert [call["repeat"] for call in instance.received.calls] == [False, True]


def test_offer_cancelled_during_a_timed_out_delivery_is_withdrawn(
    world: OfferScenario, instance: SampleInstance
) -> None:
    instance.set_behaviour(Behaviour(ResponseMode.TIMEOUT, times=1))
    offer_id = world.send()
    world.work()
    with world.transaction() as session:
        offers.cancel(world.ctx, session, offer_id, "test")
    world.pass_time(timedelta(minutes=10))
    assert taken(instance) == ["offer.withdrawn"]
