"""Sending offers: validation, access and instances."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text as sql

from kontor.accounts import instances
from kontor.adapters.fakes import refused
from kontor.kernel.errors import Conflict, Invalid, NotFound
from kontor.kernel.ids import new_id
from kontor.offers import service as offers
from kontor.offers import templates
from models.accounts import Instance
from tests.support.offers import LINES, START, OfferScenario, account


def line(**changes: Any) -> dict[str, Any]:
    return {**LINES[0], **changes}


BAD_LINES = [
    ("unknown_product", [line(product="no-such-course")], "lines.0.product"),
    ("no_lines", [], "lines"),
    ("invalid", [line()] * 101, "lines"),
    ("invalid", [line(), line(count=0)], "lines.1.count"),
    ("invalid", [line(count=1_000_001)], "lines.0.count"),
    ("invalid", [line(count=True)], "lines.0.count"),
    ("invalid", [line(count="10")], "lines.0.count"),
    ("invalid", [line(mode="more")], "lines.0.mode"),
    ("invalid", [line(term="soon")], "lines.0.term"),
    ("invalid", [line(term="2026-03-09")], "lines.0.term"),
]


@pytest.mark.parametrize(("code", "lines", "loc"), BAD_LINES)
def test_invalid_line_is_refused_with_its_position(
    world: OfferScenario, code: str, lines: list[dict[str, Any]], loc: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        world.send(lines)
    assert (refusal.value.code, refusal.value.errors[0].loc) == (code, loc)


def test_last_day_of_a_term_is_in_the_customers_time_zone(world: OfferScenario) -> None:
    world.clock.advance(timedelta(hours=11, minutes=30))
    with pytest.raises(Invalid):
        world.send([line(term="2026-03-10")])
    world.send([line(term="2026-03-11")])


@pytest.mark.parametrize("message", ["x" * 4_001, "bell\a", "nul\0", "escape\x1b[31m"])
def test_message_must_be_plain_text_of_limited_length(world: OfferScenario, message: str) -> None:
    with pytest.raises(Invalid) as refusal:
        world.send(message=message)
    assert refusal.value.errors[0].loc == "message"


def test_message_is_stored_unchanged_up_to_the_limit(world: OfferScenario) -> None:
    text = 'Zeile 1\r\nTo: "x" <script>\t' + "ß" * 3_900
    assert world.offer(world.send(message=text)).message == text


@pytest.mark.parametrize(
    "expires_at", [START, (START + timedelta(days=1)).replace(tzinfo=None), datetime(2037, 1, 1, tzinfo=UTC)]
)
def test_expiry_must_be_aware_in_the_future_and_limited(world: OfferScenario, expires_at: datetime) -> None:
    with pytest.raises(Invalid) as refusal:
        world.send(expires_at=expires_at)
    assert refusal.value.errors[0].loc == "expires_at"


def test_offer_expires_after_30_days_by_default(world: OfferScenario) -> None:
    assert world.offer(world.send()).expires_at == world.clock.now() + timedelta(days=30)
    soon = world.clock.now() + timedelta(seconds=1)
    assert world.offer(world.send(expires_at=soon)).expires_at == soon


def test_account_without_an_instance_gets_no_offer(world: OfferScenario) -> None:
    with world.transaction() as session:
        session.execute(sql("DELETE FROM instances"))
    with pytest.raises(Conflict) as refusal:
        world.send()
    assert refusal.value.code == "no_instance"


def test_only_the_accounts_reseller_sends_and_only_with_its_own_templates(world: OfferScenario) -> None:
    stranger = new_id()
    with world.transaction() as session:
        session.add(account(stranger, "Stranger", "reseller"))
        session.flush()
        foreign = templates.create(world.ctx, session, stranger, "Theirs", LINES).id
    strange: list[dict[str, Any]] = [{"reseller_id": stranger}, {"account_id": stranger}, {"account_id": new_id()}]
    for options in strange:
        with pytest.raises(NotFound):
            world.send(**options)
    for template_id in (foreign, new_id()):
        with pytest.raises(NotFound):
            world.send(None, template_id=template_id)


@pytest.mark.parametrize("options", [{"lines": None}, {"lines": LINES, "template_id": new_id()}])
def test_exactly_one_of_lines_and_template_is_required(world: OfferScenario, options: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        world.send(**options)


def test_refused_offer_leaves_no_rows(world: OfferScenario) -> None:
    with pytest.raises(Invalid):
        world.send(message="x" * 5_000)
    with world.transaction() as session:
        assert session.scalar(sql("SELECT count(*) FROM offers")) == 0
        assert session.scalar(sql("SELECT count(*) FROM jobs")) == 0


def test_template_names_are_unique_per_reseller_and_free_after_deletion(world: OfferScenario) -> None:
    with world.transaction() as session:
        first = templates.create(world.ctx, session, world.reseller, " Starter ", LINES)
        second = templates.create(world.ctx, session, world.reseller, "Other", LINES)
        with pytest.raises(Conflict, match="Starter"):
            templates.create(world.ctx, session, world.reseller, "Starter", LINES)
        with pytest.raises(Conflict, match="Starter"):
            templates.change(world.ctx, session, second.id, "Starter", LINES)
        assert templates.change(world.ctx, session, first.id, "Starter", LINES).name == "Starter"
        templates.delete(session, first.id)
        templates.create(world.ctx, session, world.reseller, "Starter", LINES)


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "line\nbreak", "nul\0"])
def test_template_name_must_be_printable(world: OfferScenario, name: str) -> None:
    with world.transaction() as session, pytest.raises(Invalid) as refusal:
        templates.create(world.ctx, session, world.reseller, name, LINES)
    assert refusal.value.errors[0].loc == "name"


def test_next_page_starts_where_the_previous_one_ended(world: OfferScenario) -> None:
    sent = [world.send() for _ in range(5)]
    seen, cursor = [], None
    with world.transaction() as session:
        for size in (2, 2, 1):
            page = offers.list_offers(session, world.clock.now(), reseller_id=world.reseller, cursor=cursor, limit=2)
            assert len(page.items) == size
            seen += [offer.id for offer in page.items]
            cursor = page.next
        assert cursor is None
        with pytest.raises(Invalid):
            offers.list_offers(session, world.clock.now(), cursor="not a cursor")
    assert seen == sent[::-1]


def test_instance_secret_is_shown_once_and_the_old_one_signs_for_a_day(world: OfferScenario) -> None:
    with world.transaction() as session:
        old = world.secret_box.open(session.get_one(Instance, world.client).secret_sealed)
        new = instances.put(
            session, world.secret_box, world.client, "https://new.example/", None, world.clock.now()
        ).secret
    assert new.startswith("whsec_")
    assert new != old
    world.delivered()
    assert len(world.http.posted[-1].headers["webhook-signature"].split()) == 2
    world.clock.advance(timedelta(hours=24))
    world.delivered()
    assert len(world.http.posted[-1].headers["webhook-signature"].split()) == 1
    assert world.http.posted[-1].url == "https://new.example/"
    with world.transaction() as session:
        stored = session.scalar(sql("SELECT i::text FROM instances i"))
    assert new.removeprefix("whsec_") not in str(stored)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "plain", "whsec_" + "A" * 200, "whsec_ä"])
def test_weak_or_unreadable_secret_is_refused(world: OfferScenario, secret: str) -> None:
    with world.transaction() as session, pytest.raises(Invalid) as refusal:
        instances.put(session, world.secret_box, world.client, "https://new.example/", secret, world.clock.now())
    assert refusal.value.code == "invalid_secret"


def test_moved_instance_is_tried_at_once(world: OfferScenario) -> None:
    world.http.queue_replies(refused())
    offer_id = world.send()
    world.work()
    with world.transaction() as session:
        instances.put(session, world.secret_box, world.client, "https://new.example/", None, world.clock.now())
    world.work()
    assert world.offer(offer_id).state == "waiting_for_confirmation"
