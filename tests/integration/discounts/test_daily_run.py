"""The daily run at 00:05: what it records, who is notified, and when it is held."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from kontor.adapters.secrets import Argon2Passwords
from kontor.kernel.ports import MailDeferred
from kontor.operators import service as operators
from models.jobs import Job
from tests.support.discounts import DiscountScenario, moscow, roubles

DAY = timedelta(days=1)


PAY = """
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
SELECT gen_random_uuid(), id, id, CAST(:amount AS text), 'payment', CAST(CAST(:amount AS text) AS numeric), 'RUB',
    :at, :at
FROM (SELECT id FROM accounts WHERE kind = 'reseller' ORDER BY id LIMIT :payers) AS payers
"""
"""Payments past the API: nothing is computed before the next run."""


def operator(world: DiscountScenario) -> None:
    """Create an operator who receives alerts."""
    with world.transaction() as session:
        passwords = Argon2Passwords.cheap()
        operators.create(session, passwords, "duty@kontor.example", "operator", now=world.clock.now(), actor="test")


def mail_facts(world: DiscountScenario, template: str, *names: str) -> list[tuple[Any, ...]]:
    """Selected facts of the mails of a template, sorted."""
    return sorted(tuple(mail.facts[name] for name in names) for mail in world.mails(template))


def test_tier_drops_when_a_payment_leaves_the_window_and_a_warning_precedes_it(world: DiscountScenario) -> None:
    world.reach(moscow("2025-12-20"))
    reseller = world.reseller()
    world.pay(reseller, "3000", "2025-12-20", reference="R-1")
    world.reach(moscow("2026-01-05"))
    world.pay(reseller, "49000", "2026-01-05")
    for day in range(6, 20):
        world.reach(moscow(f"2026-01-{day:02}T00:05:00"))
    assert world.mails("tier-drop-tomorrow") == []
    world.reach(moscow("2026-01-20T00:04:59"))
    assert world.mails("tier-drop-tomorrow") == []
    world.reach(moscow("2026-01-20T00:05:00"))
    warning = world.mails("tier-drop-tomorrow")[0]
    assert warning.state == "sent"
    assert (warning.facts["on"], warning.facts["before"], warning.facts["after"]) == (
        "2026-01-21",
        "Partner #8",
        "Partner #7",
    )
    assert (warning.facts["keep_with"]["amount"], warning.facts["turnover"]["amount"]) == ("1000.0000", "49000.0000")
    assert [payment["reference"] for payment in warning.facts["leaving"]] == ["R-1"]
    explained = world.discount(reseller)["tomorrow"]
    assert (explained["keep_with"], explained["tier"]) == (roubles("1000.00"), "Partner #7")
    world.reach(moscow("2026-01-21T00:05:00"))
    assert [(payment["from"], payment["to"]) for payment in world.events()] == [
        (None, "Partner #1"),
        ("Partner #1", "Partner #8"),
        ("Partner #8", "Partner #7"),
    ]
    assert len(world.mails("tier-drop-tomorrow")) == 1


@pytest.mark.parametrize("hold", ["deferred", "skipped"])
def test_delayed_warning_is_sent_with_current_facts(world: DiscountScenario, hold: str) -> None:
    world.reach(moscow("2025-12-20"))
    reseller = world.reseller()
    world.pay(reseller, "30000", "2025-12-20")
    world.reach(moscow("2026-01-05"))
    world.pay(reseller, "500", "2026-01-05")
    answers = world.worker.mail_transport.answers
    answers["Volga@shop.example"] = MailDeferred("try later")
    world.reach(moscow("2026-01-20T00:05:00"))
    first = world.mails("tier-drop-tomorrow")[0]
    assert (first.state, first.facts["before"]) == ("queued", "Partner #6")
    if hold == "skipped":
        world.rows("UPDATE mails SET state = 'skipped' WHERE template = 'tier-drop-tomorrow'")
    world.pay(reseller, "30000", "2026-01-20T00:05:00")
    world.settle()
    answers.clear()
    world.reach(moscow("2026-01-20T03:00:00"))
    (warning,) = world.mails("tier-drop-tomorrow")
    assert (warning.state, warning.facts["before"], warning.facts["after"]) == ("sent", "Partner #8", "Partner #6")
    world.pay(reseller, "100000", "2026-01-20T03:00:00")
    world.settle()
    assert len(world.mails("tier-drop-tomorrow")) == 1


def test_repeated_run_of_a_day_changes_nothing_and_notifies_once(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    world.many(30, "2025-12-20")
    world.reach(moscow("2026-01-20") + timedelta(hours=13))
    before = (
        world.recorded(),
        len(world.events()),
        len(world.mails("tier-changed")),
        world.mails("tier-drop-tomorrow"),
    )
    assert (before[1], before[2], before[3]) == (0, 0, [])
    world.many(5, "2026-01-20")
    begun = world.api.call("POST /v1/discount-runs", {"programme": "hosting"}, key=world.key)
    assert begun.status_code == 202
    assert begun.headers["Location"] == f"/v1/discount-runs/{begun.json()['id']}"
    world.settle()
    once = (world.recorded(), len(world.events()), len(world.mails("tier-changed")))
    assert once[1:] == (5, 5)
    for _ in range(2):
        world.api.ok("POST /v1/discount-runs", {"programme": "hosting"}, key=world.key)
        world.settle()
    assert (world.recorded(), len(world.events()), len(world.mails("tier-changed"))) == once
    newest = world.runs()[0]
    assert (newest["state"], newest["resellers"], newest["moved"], newest["moves"]) == ("done", 35, 0, [])


def test_run_with_too_many_moves_is_held_while_prices_stay_current(world: DiscountScenario) -> None:
    operator(world)
    world.reach(moscow("2026-01-10"))
    world.many(100, "2026-01-10")
    world.reach(moscow("2026-01-11T00:05:00"))
    held = world.runs()[0]
    assert (held["state"], held["resellers"], held["moved"]) == ("held", 100, 100)
    assert held["moves"] == [{"from": None, "to": "Starter", "resellers": 100}]
    assert (world.recorded(), world.events(), world.mails("tier-changed")) == ([], [], [])
    alerts = [mail.facts["alerts"][0] for mail in world.mails("operator-alert")]
    assert [(mail["kind"], mail["count"]) for mail in alerts] == [("guard_rail", 100)]
    reseller = world.rows("SELECT id FROM accounts LIMIT 1")[0][0]
    order = {"product": "vps-small", "order_ref": "O-1"}
    assert world.api.ok(f"POST /v1/resellers/{reseller}/orders", order, key=world.key)["percent"] == 3
    assert world.discount(reseller)["recorded"] is None
    path = f"/v1/discount-runs/{held['id']}"
    movers = world.api.ok(f"GET {path}/movers?limit=60", key=world.key)
    rest = world.api.ok(f"GET {path}/movers?limit=60&cursor={movers['next']}", key=world.key)
    assert len({mail["reseller_id"] for mail in movers["items"] + rest["items"]}) == 100
    assert world.api.call(f"POST {path}/approve", key=world.api.key("read", "enqueue")).status_code == 403
    assert world.api.call(f"GET {path}", key=world.api.key(reseller_id=reseller)).status_code == 404
    approved = world.api.ok(f"POST {path}/approve", {"reason": "a sale"}, key=world.key)
    assert (approved["state"], approved["reason"]) == ("applying", "a sale")
    assert world.api.call(f"POST {path}/approve", key=world.key).json()["code"] == "not_held"
    world.settle()
    assert {tier for _, tier, _ in world.recorded()} == {"Starter"}
    assert (len(world.events()), len(world.mails("tier-changed"))) == (100, 100)
    assert world.runs()[0]["state"] == "done"


def test_rejected_run_records_nothing_and_the_next_run_is_held_again(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-10"))
    world.many(120, "2026-01-10")
    world.reach(moscow("2026-01-11T00:05:00"))
    first = world.runs()[0]["id"]
    assert world.api.ok(f"POST /v1/discount-runs/{first}/reject", {}, key=world.key)["state"] == "rejected"
    world.reach(moscow("2026-01-12T00:05:00"))
    world.reach(moscow("2026-01-13T00:05:00"))
    assert [(run["day"], run["state"]) for run in world.runs()][:3] == [
        ("2026-01-13", "held"),
        ("2026-01-12", "superseded"),
        ("2026-01-11", "rejected"),
    ]
    assert world.recorded() == []


def test_run_is_held_from_a_hundred_resellers_when_moves_exceed_the_share(world: DiscountScenario) -> None:
    def after(payers: int, amount: str, day: str) -> tuple[str, int, int]:
        values = {"payers": payers, "amount": amount, "at": world.clock.now()}
        world.rows(PAY, **values)
        world.reach(moscow(f"{day}T00:05:00"))
        run = world.runs()[0]
        return run["state"], run["resellers"], run["moved"]

    world.reach(moscow("2026-01-10"))
    world.many(99, "2026-01-10")
    assert after(0, "1", "2026-01-11") == ("done", 99, 99)
    world.many(1, "2025-11-01")
    assert after(30, "3000", "2026-01-12") == ("done", 100, 30)
    assert after(31, "10000", "2026-01-13") == ("held", 100, 31)


def test_dry_run_lists_the_moves_and_writes_nothing(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-10"))
    world.many(3, "2026-01-10")
    world.many(2, "2026-01-09", "3000.00")
    body = {"programme": "hosting", "dry_run": True}
    dry = world.api.call("POST /v1/discount-runs", body, key=world.key)
    assert dry.status_code == 200
    shown = dry.json()
    assert (shown["resellers"], shown["moved"], shown["needs_approval"]) == (5, 5, False)
    assert shown["moves"] == [
        {"from": None, "to": "Partner #1", "resellers": 2},
        {"from": None, "to": "Starter", "resellers": 3},
    ]
    assert {mover["to"] for mover in shown["movers"]} == {"Starter", "Partner #1"}
    assert (world.recorded(), len(world.runs())) == (
        [],
        len([mover for mover in world.runs() if mover["state"] == "done"]),
    )
    world.apply("booking")
    refused = world.api.call("POST /v1/discount-runs", {**body, "programme": "booking"}, key=world.key)
    assert (refused.status_code, refused.json()["code"]) == (422, "no_turnover_discount")


def test_recorded_discount_is_shown_next_to_a_later_recomputation(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-10"))
    reseller = world.reseller()
    world.pay(reseller, "500", "2026-01-10")
    world.settle()
    for day in range(11, 15):
        world.reach(moscow(f"2026-01-{day}T00:05:00"))
    world.pay(reseller, "49500", "2026-01-11")
    world.settle()
    discount = world.discount(reseller, "as_of=2026-01-12")
    assert (discount["tier"], discount["turnover"]) == ("Partner #8", roubles("50000.00"))
    assert discount["recorded"] == {
        "as_of": "2026-01-12",
        "since": "2026-01-10",
        "turnover": roubles("500.00"),
        "tier": "Starter",
        "percent": {"vps": 3, "dedicated": 1, "ssl": 1},
    }
    assert world.discount(reseller, "as_of=2026-01-14")["recorded"]["tier"] == "Partner #8"
    assert world.discount(reseller, "as_of=2026-01-09")["recorded"] is None
    world.reach(moscow("2026-01-20T00:05:00"))
    assert world.discount(reseller, "as_of=2026-01-17")["recorded"] is None, "nobody recorded anything that day"
    rows = world.rows("SELECT count(*) FROM discount_records")
    assert rows[0][0] == 2, "days on which nothing differed cost nothing"


def test_warning_is_skipped_when_a_payment_keeps_the_tier(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-19"))
    reseller = world.reseller()
    world.pay(reseller, "600", "2025-12-20")
    world.worker.inline.drain()
    world.clock.advance(moscow("2026-01-20T00:05:00") - world.clock.now())
    world.rows("INSERT INTO queues (name, paused) VALUES ('mail', true)")
    world.settle()
    assert [mail.state for mail in world.mails("tier-drop-tomorrow")] == ["queued"]
    world.pay(reseller, "500", "2026-01-19")
    world.rows("UPDATE queues SET paused = false")
    world.settle()
    skipped = world.mails("tier-drop-tomorrow")
    assert [(mail.state, mail.reason) for mail in skipped] == [("skipped", "a payment keeps the tier")]


def test_only_one_run_is_made_after_an_outage(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    before = len(world.runs())
    world.reach(moscow("2026-02-20"))
    assert [run["day"] for run in world.runs()][: len(world.runs()) - before] == ["2026-02-20"]
    with world.transaction() as session:
        assert session.scalars(select(Job.task).where(Job.queue == "discounts")).all() == []
