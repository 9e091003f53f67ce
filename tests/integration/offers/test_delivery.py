"""Delivery of an offer to the customer's instance."""

from datetime import timedelta

import pytest

from kontor.adapters.fakes import http_reply, refused, timed_out
from kontor.kernel.states import OfferEvent
from kontor.offers import queries
from kontor.offers import service as offers
from kontor.offers.rules import IllegalTransition
from kontor.offers.transitions import lock_offer, transition
from tests.support.offers import OfferScenario


def test_sent_offer_is_delivered_and_its_admin_is_asked(world: OfferScenario) -> None:
    offer_id = world.send(message="Für Sie <b>alle</b>")
    assert world.offer(offer_id).state == "waiting"
    world.work()
    offer = world.offer(offer_id)
    assert offer.state == "waiting_for_confirmation"
    assert offer.delivery.attempts == 1
    assert [(e.from_, e.to) for e in offer.events] == [
        (None, "waiting"),
        ("waiting", "waiting_for_confirmation"),
    ]
    assert offer.events[1].job == offer.delivery.job_id
    [call] = world.calls()
    assert call["type"] == "offer.delivered"
    assert call["data"]["message"] == "Für Sie <b>alle</b>"
    assert world.mails() == [("offer-received", "admin@acme.example")]


def test_unavailable_instance_holds_the_lane_and_counts_no_attempt(world: OfferScenario) -> None:
    world.http.queue_replies(refused(), http_reply(503), http_reply(429), timed_out())
    offer_id = world.send()
    world.work()
    for _ in range(3):
        world.pass_time(timedelta(minutes=10))
    offer = world.offer(offer_id)
    assert (offer.state, offer.delivery.attempts) == ("waiting", 4)
    assert offer.delivery.last_error == "no answer in 15 s"
    assert world.jobs_of("offers.deliver") == [("queued", 0, None)]
    world.pass_time(timedelta(minutes=10))
    assert world.offer(offer_id).state == "waiting_for_confirmation"
    assert world.offer(offer_id).delivery.last_error is None
    assert len({call["webhook-id"] for call in world.calls()}) == 1


def test_broken_lane_does_not_affect_the_lane_of_another_customer(world: OfferScenario) -> None:
    other = world.another_client("Other")
    world.http.queue_replies(refused())
    down = world.send()
    up = world.send(account_id=other)
    world.work()
    assert world.offer(down).state == "waiting"
    assert world.offer(up).state == "waiting_for_confirmation"


def test_retry_after_of_the_instance_is_honoured(world: OfferScenario) -> None:
    world.http.queue_replies(http_reply(503, retry_after="7200"))
    offer_id = world.send()
    world.work()
    world.pass_time(timedelta(minutes=119))
    assert world.offer(offer_id).delivery.attempts == 1
    world.pass_time(timedelta(minutes=2))
    assert world.offer(offer_id).state == "waiting_for_confirmation"


def test_refused_delivery_is_retried_until_dead_and_the_reseller_notified(world: OfferScenario) -> None:
    world.http.queue_replies(*[http_reply(status) for status in (400, 404, 410, 302, 401, 403, 422, 400)])
    offer_id = world.send()
    for _ in range(10):
        world.pass_time(timedelta(hours=2))
    offer = world.offer(offer_id)
    assert (offer.state, offer.delivery.attempts) == ("waiting", 8)
    assert offer.delivery.last_error == "answered 400"
    assert world.jobs_of("offers.deliver") == [("dead", 8, "failed")]
    assert world.mails() == [("delivery-failed", "admin@nordic-academy.example")]


def test_delivery_is_dead_after_72_hours_in_a_held_lane_and_the_reseller_notified(world: OfferScenario) -> None:
    world.http.queue_replies(*[refused() for _ in range(2_000)])
    offer_id = world.send()
    world.work()
    for _ in range(73):
        world.pass_time(timedelta(hours=1))
    assert world.offer(offer_id).state == "waiting"
    assert world.jobs_of("offers.deliver") == [("dead", 0, "lane_held")]
    assert world.mail("delivery-failed").facts["held"] is True


def test_offer_withdrawn_before_delivery_never_reaches_the_instance(world: OfferScenario) -> None:
    offer_id = world.send()
    with world.transaction() as session:
        offers.cancel(world.ctx, session, offer_id, "key:reseller")
    world.work()
    assert world.calls() == []
    assert world.mails() == []
    assert world.offer(offer_id).reason == "withdrawn"


def test_offer_withdrawn_while_connections_are_refused_is_not_delivered(world: OfferScenario) -> None:
    world.http.queue_replies(refused())
    offer_id = world.send()
    world.work()
    with world.transaction() as session:
        offers.cancel(world.ctx, session, offer_id, "key:reseller")
    world.pass_time(timedelta(minutes=10))
    assert world.calls() == []


def test_possibly_delivered_offer_is_withdrawn_by_a_second_call(world: OfferScenario) -> None:
    world.http.queue_replies(timed_out())
    offer_id = world.send()
    world.work()
    with world.transaction() as session:
        offers.cancel(world.ctx, session, offer_id, "key:reseller")
    world.pass_time(timedelta(minutes=10))
    assert [call["type"] for call in world.calls()] == ["offer.delivered", "offer.withdrawn"]
    assert world.offer(offer_id).state == "cancelled"


def test_cancelling_during_delivery_wins_and_withdraws_the_offer(world: OfferScenario) -> None:
    offer_id = world.send()

    def cancel_meanwhile() -> None:
        with world.transaction() as session:
            offers.cancel(world.ctx, session, offer_id, "key:reseller")

    world.http.during_post.append(cancel_meanwhile)
    world.work()
    assert [call["type"] for call in world.calls()] == ["offer.delivered", "offer.withdrawn"]
    assert world.calls("offer.withdrawn")[0]["data"]["reason"] == "withdrawn"
    assert world.offer(offer_id).state == "cancelled"
    assert world.mails() == []


def test_withdrawal_of_a_delivered_offer_is_sent_and_its_admin_notified(world: OfferScenario) -> None:
    offer_id = world.delivered()
    with world.transaction() as session:
        offers.cancel(world.ctx, session, offer_id, "key:reseller")
    world.work()
    assert [call["type"] for call in world.calls()] == ["offer.delivered", "offer.withdrawn"]
    assert [template for template, _ in world.mails()] == ["offer-received", "offer-withdrawn"]


def test_offer_expires_after_30_days_even_before_the_job_ran(world: OfferScenario) -> None:
    offer_id = world.delivered()
    world.clock.advance(timedelta(days=30))
    assert (world.offer(offer_id).state, world.offer(offer_id).reason) == ("cancelled", "expired")
    assert len(world.offer(offer_id).events) == 2
    world.work()
    assert world.offer(offer_id).events[2].to == "cancelled"
    assert world.mails()[-1] == ("offer-expired", "admin@nordic-academy.example")


def test_offer_that_expires_during_its_delivery_is_withdrawn_and_nobody_is_asked(world: OfferScenario) -> None:
    offer_id = world.send()
    world.http.during_post.append(lambda: world.clock.advance(timedelta(days=30)))
    world.work()
    offer = world.offer(offer_id)
    assert (offer.state, offer.reason) == ("cancelled", "expired")
    assert [event.to for event in offer.events] == ["waiting", "cancelled"]
    assert [call["type"] for call in world.calls()] == ["offer.delivered", "offer.withdrawn"]
    assert world.mails() == [("offer-expired", "admin@nordic-academy.example")]


def test_only_expiry_is_possible_once_an_offer_has_expired(world: OfferScenario) -> None:
    offer_id = world.send()
    world.clock.advance(timedelta(days=30))
    with world.transaction() as session:
        offer = lock_offer(session, offer_id)
        for event in (OfferEvent.DELIVERED, OfferEvent.WITHDRAW, OfferEvent.CLOSE_ACCOUNT):
            with pytest.raises(IllegalTransition):
                transition(world.ctx, session, offer, event, "a test")
        assert (offer.state, len(queries.events(session, [offer_id])[offer_id])) == ("waiting", 1)
        transition(world.ctx, session, offer, OfferEvent.EXPIRE, "a test")


def test_offer_expires_later_when_its_timer_fires_before_its_time(world: OfferScenario) -> None:
    expires_at = world.clock.now() + timedelta(days=1)
    offer_id = world.delivered(expires_at=expires_at)
    world.clock.advance(timedelta(days=1) - timedelta(seconds=0.3))
    assert world.promote_early(timedelta(seconds=0.3)) == 1
    world.work()
    assert world.offer(offer_id).state == "waiting_for_confirmation"
    assert world.jobs_of("offers.expire") == [("scheduled", 0, None)]
    world.pass_time(timedelta(seconds=0.3))
    assert [event.to for event in world.offer(offer_id).events][-1] == "cancelled"
    assert world.mails()[-1] == ("offer-expired", "admin@nordic-academy.example")
