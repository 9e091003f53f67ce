"""Licences: counted when an offer is accepted, sent to the instance, ended in time."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text as sql

from kontor.adapters.fakes import http_reply, refused
from kontor.licences import service as licences
from kontor.licences.rules import Balance
from kontor.offers.decisions import DecidedBy, DecisionChoice, decide
from kontor.offers.schemas import GrantStatusOut, LicenceChangeOut
from models.offers import GrantState, Offer
from tests.support.offers import START, OfferScenario

YEAR_ON = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)


def line(count: int, mode: str = "absolute", term: str = "P1Y", product: str = "excel-basics") -> dict[str, Any]:
    return {"product": product, "count": count, "mode": mode, "term": term}


def accept(world: OfferScenario, offer_id: UUID) -> None:
    with world.transaction() as session:
        decide(world.ctx, session, offer_id, DecisionChoice.ACCEPT, DecidedBy("test"))


def accepted(world: OfferScenario, *lines: dict[str, Any]) -> UUID:
    offer_id = world.delivered(lines)
    accept(world, offer_id)
    world.work()
    return offer_id


def has(world: OfferScenario) -> tuple[Balance, ...]:
    with world.transaction() as session:
        return licences.balances(session, world.client, world.clock.now())


def seats(world: OfferScenario) -> dict[str, int]:
    return {licence.product: licence.count for licence in has(world)}


def test_absolute_line_replaces_and_relative_line_adds(world: OfferScenario) -> None:
    accepted(world, line(10))
    accepted(world, line(5, "relative"))
    assert seats(world) == {"excel-basics": 15}
    accepted(world, line(3))
    assert seats(world) == {"excel-basics": 3}


def test_preview_of_changes_is_kept_with_the_decision(world: OfferScenario) -> None:
    accepted(world, line(10))
    offer_id = world.delivered([line(5, "relative"), line(7, product="data-protection")])
    expected = [
        LicenceChangeOut(product="excel-basics", now=10, then=15),
        LicenceChangeOut(product="data-protection", now=0, then=7),
    ]
    assert world.offer(offer_id).changes == expected
    accept(world, offer_id)
    accepted(world, line(1))
    assert world.offer(offer_id).changes == expected


def test_lines_of_one_offer_apply_in_order(world: OfferScenario) -> None:
    accepted(world, line(4, "relative"), line(10), line(1, "relative"))
    assert seats(world) == {"excel-basics": 11}
    with world.transaction() as session:
        assert session.scalar(sql("SELECT count(*) FROM grants")) == 3


def test_product_expires_at_the_next_end_of_its_grants(world: OfferScenario) -> None:
    accepted(world, line(10), line(5, "relative", "2026-06-30"))
    [held] = has(world)
    assert (held.count, held.expires_at) == (15, datetime(2026, 6, 30, 22, 0, tzinfo=UTC))
    world.pass_time(datetime(2026, 6, 30, 22, 0, tzinfo=UTC) - START)
    [held] = has(world)
    assert (held.count, held.expires_at) == (10, YEAR_ON)


def test_instance_receives_the_totals_of_every_product(world: OfferScenario) -> None:
    offer_id = accepted(world, line(10), line(2, product="data-protection"))
    [call] = world.calls("licences.granted")
    assert call["data"]["offer_id"] == str(offer_id)
    assert call["data"]["licences"] == [
        {"product": "data-protection", "count": 2, "expires_at": "2027-03-10T12:00:00Z"},
        {"product": "excel-basics", "count": 10, "expires_at": "2027-03-10T12:00:00Z"},
    ]


def test_licences_count_while_the_instance_is_down(world: OfferScenario) -> None:
    offer_id = world.delivered([line(10)])
    world.http.queue_replies(refused())
    accept(world, offer_id)
    world.work()
    offer = world.offer(offer_id)
    assert seats(world) == {"excel-basics": 10}
    assert (offer.state, offer.grant.state) == ("accepted", "pending")
    assert str(offer.grant.last_error).startswith("not sent")
    world.pass_time(timedelta(minutes=10))
    assert world.offer(offer_id).grant == GrantStatusOut(state=GrantState.APPLIED, last_error=None)


def test_licences_count_when_the_instance_rejects_them_and_the_reseller_is_notified(world: OfferScenario) -> None:
    offer_id = world.delivered([line(10)])
    world.http.queue_replies(*[http_reply(400) for _ in range(8)])
    accept(world, offer_id)
    for _ in range(10):
        world.pass_time(timedelta(hours=2))
    assert world.offer(offer_id).grant == GrantStatusOut(state=GrantState.FAILED, last_error="answered 400")
    assert seats(world) == {"excel-basics": 10}
    facts = world.mail("delivery-failed").facts
    assert (facts["subject_of"], facts["attempts"]) == ("licences", 8)


def test_ended_grant_no_longer_counts_and_the_instance_receives_zero(world: OfferScenario) -> None:
    accepted(world, line(10, term="P30D"))
    world.pass_time(timedelta(days=31))
    assert has(world) == ()
    call = world.calls("licences.granted")[-1]
    assert call["data"]["reason"] == "ended"
    assert call["data"]["licences"] == [{"product": "excel-basics", "count": 0, "expires_at": None}]


def test_admin_and_reseller_are_reminded_14_days_before_an_end(world: OfferScenario) -> None:
    accepted(world, line(10, term="P30D"))
    world.pass_time(timedelta(days=15))
    assert "licences-ending" not in [template for template, _ in world.mails()]
    world.pass_time(timedelta(days=1, hours=2))
    recipients = [address for template, address in world.mails() if template == "licences-ending"]
    assert recipients == ["admin@acme.example", "admin@nordic-academy.example"]
    assert world.mail("licences-ending").facts["days"] == 14


def test_replaced_grant_neither_warns_nor_ends(world: OfferScenario) -> None:
    accepted(world, line(10, term="P30D"))
    accepted(world, line(20))
    calls = len(world.calls())
    world.pass_time(timedelta(days=20))
    world.pass_time(timedelta(days=20))
    assert len(world.calls()) == calls
    assert "licences-ending" not in [template for template, _ in world.mails()]
    assert seats(world) == {"excel-basics": 20}


def test_concurrent_acceptances_of_one_account_are_serialised(world: OfferScenario) -> None:
    waiting = [world.delivered([line(1, "relative")]) for _ in range(8)]
    threads = [threading.Thread(target=accept, args=(world, offer_id)) for offer_id in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seats(world) == {"excel-basics": 8}
    assert sorted(world.offer(offer_id).changes[0].now for offer_id in waiting) == list(range(8))


def test_concurrent_absolute_offers_leave_one_of_the_two(world: OfferScenario) -> None:
    waiting = [world.delivered([line(count)]) for count in (3, 5)]
    threads = [threading.Thread(target=accept, args=(world, offer_id)) for offer_id in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seats(world)["excel-basics"] in (3, 5)


def test_repeated_grant_call_is_applied_once(world: OfferScenario) -> None:
    offer_id = accepted(world, line(10))
    with world.transaction() as session:
        licences.enqueue_provision(session, world.jobs, session.get_one(Offer, offer_id))
    world.work()
    first, second = world.calls("licences.granted")
    assert first["webhook-id"] == second["webhook-id"]
    assert seats(world) == {"excel-basics": 10}


def test_grants_ending_at_the_same_instant_are_reported_once(world: OfferScenario) -> None:
    accepted(world, line(10, term="2026-06-30"), line(2, term="2026-06-30", product="data-protection"))
    accepted(world, line(5, "relative", "2026-06-30"))
    calls = len(world.calls())
    world.pass_time(datetime(2026, 6, 17, tzinfo=UTC) - START)
    assert [template for template, _ in world.mails()].count("licences-ending") == 2
    assert [(licence["product"], licence["count"]) for licence in world.mail("licences-ending").facts["licences"]] == [
        ("Data protection", 2),
        ("Excel basics", 10),
        ("Excel basics", 5),
    ]
    world.pass_time(timedelta(days=14))
    assert len(world.calls()) == calls + 1
    assert [licence["count"] for licence in world.calls()[-1]["data"]["licences"]] == [0, 0]


def test_reminder_is_mailed_in_time_when_its_timer_fires_40_days_early(world: OfferScenario) -> None:
    accepted(world, line(10, term="P30D"))
    assert world.promote_early(timedelta(days=40)) > 0
    world.work()
    assert "licences-ending" not in [template for template, _ in world.mails()]
    world.pass_time(timedelta(days=16, hours=2))
    assert world.mail("licences-ending").facts["days"] == 14
    world.pass_time(timedelta(days=14))
    assert has(world) == ()
    assert world.calls("licences.granted")[-1]["data"]["reason"] == "ended"
