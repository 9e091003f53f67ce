"""Runs and payments at the same time."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID

from kontor.context import Context
from kontor.engine.enqueue import JobRequest
from kontor.kernel.money import Money
from kontor.kernel.states import PaymentKind
from kontor.payments import service as payments
from tests.support.discounts import DiscountScenario, moscow, roubles
from tests.support.polling import wait_for

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

PAST_THE_API = """
INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
VALUES (gen_random_uuid(), :reseller, :reseller, 'late', 'payment', 3000, 'RUB', :at, :at)
"""


def work(world: DiscountScenario, task: str) -> None:
    """Run the waiting jobs of one task only."""
    for row in world.rows("SELECT id FROM jobs WHERE task = :task ORDER BY id", task=task):
        world.worker.inline.run(row.id)


def test_recomputation_waits_for_the_payment_that_relies_on_its_job(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    world.pay(reseller, "1000", "2026-01-20")
    ctx = Context(world.worker.inline.jobs, world.api.deps.programmes)
    new = payments.NewPayment(PaymentKind.PAYMENT, Money(Decimal("2000.00"), "RUB"), world.clock.now(), "late")

    with world.api.deps.sessions() as session, ThreadPoolExecutor(1) as pool:
        assert payments.post(ctx, session, UUID(reseller), new).created
        recomputed = pool.submit(work, world, "discounts.recompute")
        wait_for(lambda: recomputed.done() or world.rows(BLOCKED)[0][0] > 0, "the recomputation", 30)
        session.commit()
        recomputed.result(30)

    world.worker.inline.drain()
    assert world.discount(reseller)["recorded"]["turnover"] == roubles("3000.00")


def test_discount_recorded_by_a_payment_during_a_run_is_kept(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    reseller = world.reseller()
    world.pay(reseller, "500", "2026-01-20")
    world.settle()
    world.rows(PAST_THE_API, reseller=reseller, at=world.clock.now())
    with world.transaction() as session:
        world.worker.inline.jobs.enqueue_request(session, JobRequest("discounts.run", {"programme": "hosting"}))
    work(world, "discounts.run")
    work(world, "discounts.compute")
    assert [(move["from"], move["to"]) for move in world.runs()[0]["moves"]] == [("Starter", "Partner #1")]
    world.pay(reseller, "50000", "2026-01-20")
    work(world, "discounts.recompute")
    world.worker.inline.drain()
    assert world.discount(reseller)["recorded"]["turnover"] == roubles("53500.00")
    assert [(move["from"], move["to"]) for move in world.events()] == [(None, "Starter"), ("Starter", "Partner #8")]
    assert world.runs()[0]["state"] == "done"
    left = world.rows("SELECT moved FROM discount_findings")
    assert [row.moved for row in left] == [True], "who moved stays in the report of the run"


def test_newer_run_supersedes_a_held_one(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-10"))
    world.many(100, "2026-01-10")
    for _ in range(2):
        world.api.ok("POST /v1/discount-runs", {"programme": "hosting"}, key=world.key)
        world.settle()
    later, first = world.runs()[:2]
    assert (later["state"], first["state"]) == ("held", "superseded")
    answer = world.api.call(f"POST /v1/discount-runs/{first['id']}/approve", {}, key=world.key)
    assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (409, "not_held", "superseded")


def test_turnover_is_read_by_an_index_only_scan(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-20"))
    world.many(200, "2026-01-10")
    world.rows("""
        INSERT INTO payments (id, reseller_id, origin_id, reference, kind, amount, currency, paid_at, created_at)
        SELECT gen_random_uuid(), a.id, a.id, 'n-' || n, 'payment', 10, 'RUB', :now - n * interval '1 day', :now
        FROM accounts a, generate_series(1, 200) AS n WHERE a.kind = 'reseller'
    """, now=world.clock.now())  # fmt: skip
    with world.api.deps.connection() as connection:
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE) payments")
        connection.autocommit = False
    plan = "\n".join(
        row[0]
        for row in world.rows(
            "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT a.id, t.today FROM accounts a CROSS JOIN LATERAL ("
            " SELECT sum(p.signed) AS today FROM payments p WHERE p.reseller_id = a.id"
            " AND p.paid_at >= :since AND p.paid_at < :until) t WHERE a.kind = 'reseller'",
            since=moscow("2025-12-20"),
            until=moscow("2026-01-21"),
        )
    )
    assert "Index Only Scan using ix_payments_window" in plan
    assert "Seq Scan on payments" not in plan
