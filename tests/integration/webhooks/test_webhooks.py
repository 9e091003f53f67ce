"""Outgoing events: subscriptions, signatures and failures."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text as sql
from standardwebhooks.webhooks import Webhook

from kontor.adapters.fakes import ReceivedPost, http_reply, refused
from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.offers.decisions import DecidedBy, DecisionChoice, decide
from kontor.webhooks import events
from kontor.webhooks import service as webhooks
from kontor.webhooks.signing import validate_events
from models.accounts import Account
from tasks.maintenance import DELIVERIES
from tests.support.offers import OfferScenario, account, body_of

URL = "https://listener.example/hook"

MAKES_EVENTS_UP = True


def listen(world: OfferScenario, *types: str, reseller: UUID | None = None, url: str = URL) -> tuple[UUID, str]:
    with world.transaction() as session:
        made = webhooks.create(
            session,
            world.secret_box,
            reseller_id=reseller,
            url=url,
            events=types or ("*",),
            secret=None,
            now=world.clock.now(),
        )
        return made.endpoint.id, made.secret


def happen(
    world: OfferScenario, event_type: str = "trial.started", account_id: UUID | None = None, **data: Any
) -> None:
    with world.transaction() as session:
        whose = session.get_one(Account, account_id or world.client)
        events.emit(session, world.jobs, event_type, whose, data, at=world.clock.now())


def heard(world: OfferScenario) -> list[ReceivedPost]:
    return [posted for posted in world.http.posted if posted.url == URL]


def states(world: OfferScenario, endpoint_id: UUID) -> list[tuple[str, int]]:
    with world.transaction() as session:
        deliveries = webhooks.deliveries(session, endpoint_id).items
        return [(delivery.state, delivery.tries) for delivery in deliveries][::-1]


def signed_with(posted: ReceivedPost, secret: str) -> bool:
    """Whether a receiver with that secret accepts the message."""
    stamp, signatures = posted.headers["webhook-timestamp"], posted.headers["webhook-signature"].split()
    at = datetime.fromtimestamp(int(stamp), UTC)
    return Webhook(secret).sign(posted.headers["webhook-id"], at, posted.body.decode()) in signatures


def test_event_is_delivered_once_signed_to_matching_endpoints(world: OfferScenario) -> None:
    _, secret = listen(world, "trial.started", reseller=world.reseller)
    listen(world, "charge.created", reseller=world.reseller)
    happen(world, name="Weser", wholesale="13.37")
    world.work()
    [posted] = heard(world)
    assert signed_with(posted, secret)
    assert body_of(posted)["data"] == {"name": "Weser"}
    assert posted.headers["webhook-id"].startswith("evt_")


def test_reseller_gets_no_events_of_another_resellers_clients(world: OfferScenario) -> None:
    stranger = new_id()
    with world.transaction() as session:
        session.add(account(stranger, "Stranger", "reseller"))
    listen(world, reseller=stranger)
    everybodys, _ = listen(world)
    happen(world)
    world.work()
    assert len(heard(world)) == 1
    assert states(world, everybodys) == [("delivered", 1)]


def test_every_attempt_and_replay_has_the_same_id(world: OfferScenario) -> None:
    endpoint, _ = listen(world)
    world.http.queue_replies(refused(), http_reply(503), http_reply(404))
    happen(world)
    for _ in range(4):
        world.pass_time(timedelta(minutes=20))
    assert states(world, endpoint) == [("delivered", 4)]
    with world.transaction() as session:
        assert webhooks.replay(session, world.jobs, endpoint, since=world.clock.now() - timedelta(days=1)) == 1
    world.work()
    assert len(heard(world)) == 4
    assert len({posted.headers["webhook-id"] for posted in heard(world)}) == 1


def test_deliveries_leave_after_thirty_days_unless_they_are_under_way(world: OfferScenario) -> None:
    endpoint, _ = listen(world)
    happen(world)
    world.work()
    with world.transaction() as session:
        [old] = webhooks.deliveries(session, endpoint).items
    for age, left in ((DELIVERIES, 2), (timedelta(seconds=1), 1)):
        world.clock.advance(age)
        if age == DELIVERIES:
            world.http.queue_replies(*[http_reply(503) for _ in range(9)])
            happen(world)
            world.work()
        with world.transaction() as session:
            world.jobs.enqueue(session, "upkeep.retention", {})
        world.work()
        assert len(states(world, endpoint)) == left
    with world.transaction() as session:
        world.jobs.enqueue(session, "webhooks.deliver", {"delivery_id": str(old.id)})
    world.work()
    assert world.jobs_of("webhooks.deliver")[-1][0] == "cancelled"


def test_410_disables_an_endpoint_until_a_replay(world: OfferScenario) -> None:
    endpoint, _ = listen(world)
    world.http.queue_replies(http_reply(410))
    happen(world)
    happen(world, "trial.ended")
    world.work()
    assert states(world, endpoint) == [("failed", 1), ("failed", 0)]
    with world.transaction() as session:
        assert webhooks.get(session, endpoint).disabled_at is not None
        with pytest.raises(Conflict):
            webhooks.send_test(session, world.jobs, endpoint)
    happen(world)
    world.work()
    assert len(states(world, endpoint)) == 2
    with world.transaction() as session:
        assert webhooks.replay(session, world.jobs, endpoint) == 2
    world.work()
    assert [state for state, _ in states(world, endpoint)] == ["delivered", "delivered"]


def test_endpoint_that_keeps_refusing_fails_without_causing_further_events(world: OfferScenario) -> None:
    endpoint, _ = listen(world)
    world.http.queue_replies(*[http_reply(400) for _ in range(8)])
    happen(world)
    for _ in range(10):
        world.pass_time(timedelta(hours=2))
    assert states(world, endpoint) == [("failed", 8)]
    happen(world, "job.dead", task="webhooks.deliver")
    happen(world, "job.dead", task="offers.deliver")
    world.work()
    assert len(states(world, endpoint)) == 2


def test_both_secrets_sign_for_a_day_after_a_rotation(world: OfferScenario) -> None:
    endpoint, old = listen(world)
    with world.transaction() as session:
        new = webhooks.rotate_secret(session, world.secret_box, endpoint, world.clock.now()).secret
    happen(world)
    world.work()
    world.pass_time(timedelta(hours=24))
    happen(world)
    world.work()
    during, after = heard(world)
    assert signed_with(during, old)
    assert signed_with(during, new)
    assert signed_with(after, new)
    assert not signed_with(after, old)


def test_secret_is_stored_encrypted_and_nowhere_else(world: OfferScenario) -> None:
    _, secret = listen(world)
    happen(world)
    with world.transaction() as session:
        dump = session.execute(sql("SELECT e::text FROM webhook_endpoints e UNION ALL SELECT j::text FROM jobs j"))
        assert not any(secret.removeprefix("whsec_")[:12] in row[0] for row in dump)


def test_test_delivery_goes_to_that_endpoint_only(world: OfferScenario) -> None:
    endpoint, _ = listen(world, "charge.created")
    listen(world)
    with world.transaction() as session:
        webhooks.send_test(session, world.jobs, endpoint)
    world.work()
    assert [body_of(posted)["type"] for posted in heard(world)] == ["webhook.test"]


def test_disabled_endpoint_gets_no_events(world: OfferScenario) -> None:
    disabled, _ = listen(world)
    other, _ = listen(world, url=f"{URL}/2")
    with world.transaction() as session:
        webhooks.disable(webhooks.get(session, disabled, lock=True), "It answered 410 Gone.", world.clock.now())
    happen(world)
    world.work()
    assert (states(world, disabled), states(world, other)) == ([], [("delivered", 1)])


def test_same_event_is_fanned_out_once(world: OfferScenario) -> None:
    endpoint, _ = listen(world)
    happen(world)
    with world.transaction() as session:
        world.jobs.enqueue(session, "webhooks.fan_out", {"event_seq": 1})
    world.work()
    assert states(world, endpoint) == [("delivered", 1)]


def test_deleted_endpoint_gets_no_events(world: OfferScenario) -> None:
    endpoint, _ = listen(world)
    happen(world)
    with world.transaction() as session:
        webhooks.delete(session, endpoint, world.clock.now())
    world.work()
    assert heard(world) == []
    with world.transaction() as session, pytest.raises(NotFound):
        webhooks.get(session, endpoint)


@pytest.mark.parametrize("events_", [[], ["offer.sent"], ["trial.started", "x"]])
def test_unknown_events_are_refused(events_: list[str]) -> None:
    with pytest.raises(Invalid) as refusal:
        validate_events(events_)
    assert refusal.value.code == "unknown_event"


def test_lifecycle_of_an_offer_is_sent_to_its_reseller(world: OfferScenario) -> None:
    listen(world, reseller=world.reseller)
    offer_id = world.delivered()
    with world.transaction() as session:
        decide(world.ctx, session, offer_id, DecisionChoice.ACCEPT, DecidedBy("test"))
    world.work()
    assert {body_of(posted)["type"] for posted in heard(world)} == {
        "offer.delivered",
        "offer.accepted",
        "licences.granted",
    }
