"""Nightly charging: concurrent, in ranges, after failures and repeated."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.fees import queries, statements
from kontor.fees.assignments import Assignments
from kontor.fees.charging import Billing
from kontor.fees.runs import owner_of
from kontor.kernel.errors import Conflict
from models.accounts import Account
from tests.support.fees import HOUSE, HOUSE_LINE, FeeScenario, money
from workers.migrations import ROOT

NEW_YORK = "America/New_York"
CONCURRENT = 8


@pytest.fixture
def accounts(world: FeeScenario) -> tuple[str, str]:
    """A reseller of `telephony` and its client, on 15 January."""
    reseller = world.reseller("telephony")
    client = world.client(reseller)
    world.go("2026-01-15", NEW_YORK)
    return reseller, client


def request_concurrently(world: FeeScenario, *calls: tuple[str, Any]) -> Counter[int]:
    """Send all requests at the same time; count the responses by status."""
    start = Barrier(len(calls))

    def send(call: tuple[str, Any]) -> int:
        start.wait(10)
        return world.call(*call).status_code

    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(pool.map(send, calls))


def test_concurrent_assignments_make_one_assignment_and_one_charge(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    reseller, client = accounts
    call = (f"POST /v1/accounts/{client}/products", {"product": "call-recording"})

    assert request_concurrently(world, *[call] * CONCURRENT) == {201: 1, 200: CONCURRENT - 1}
    assert len(world.charges(f"resellers/{reseller}")) == 1
    assert world.rows("SELECT count(*) FROM fee_runs") == [(1,)]


def test_concurrent_assignments_of_a_single_subscription_let_one_client_in(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    reseller, _ = accounts
    clients = [world.client(reseller) for _ in range(CONCURRENT)]
    calls = [(f"POST /v1/accounts/{client}/products", {"product": "voicemail"}) for client in clients]

    assert request_concurrently(world, *calls) == {201: 1, 409: CONCURRENT - 1}
    assert len(world.charges(f"resellers/{reseller}")) == 1


def test_second_client_waits_for_the_first_and_is_refused(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, first = accounts
    second = world.client(reseller)
    ctx = Context(world.worker.inline.jobs, world.api.deps.programmes)
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with ThreadPoolExecutor(1) as pool, world.api.deps.sessions() as session:
        assert Assignments.of(ctx, session, UUID(first)).assign("voicemail", None).created
        other = pool.submit(world.assign, second, "voicemail")
        while not other.done() and world.rows(waiting) == [(0,)]:
            pass
        session.commit()
        assert other.result().json()["code"] == "not_multiple"


def test_concurrent_plan_changes_charge_once(world: FeeScenario) -> None:
    reseller = world.reseller("booking", "Weser")
    client = world.client(reseller)
    call = (f"PUT /v1/accounts/{client}/subscription", {"plan": "basic"})

    assert request_concurrently(world, *[call] * CONCURRENT) == {200: CONCURRENT}
    assert len(world.charges(f"resellers/{reseller}")) == 1


def test_every_period_is_charged_once_when_clients_leave_during_charging(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    reseller, _ = accounts
    clients = [world.client(reseller) for _ in range(4)]
    for client in clients:
        world.assign(client, "call-recording")
    world.clock.advance(world.clock.now().replace(month=4) - world.clock.now())
    calls = [(f"POST /v1/resellers/{reseller}/clients/{client}/disconnect", None) for client in clients]
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(request_concurrently, world, *calls)
        world.settle()
        assert done.result() == {200: 4}
    world.settle()

    periods = Counter(
        (charge["account_id"], charge["period_start"]) for charge in world.charges(f"resellers/{reseller}")
    )
    assert set(periods.values()) == {1}
    assert len(periods) == 4 * 4


def test_failed_charging_job_is_run_again_and_charges_once(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    world.rows("ALTER TABLE domain_events ADD CONSTRAINT no_room CHECK (type <> 'charge.created') NOT VALID")
    world.go("2026-02-15", NEW_YORK)
    assert world.starts(f"resellers/{reseller}") == ["2026-01-15"]
    world.rows("ALTER TABLE domain_events DROP CONSTRAINT no_room")
    world.go("2026-02-15T13:00:00", NEW_YORK)

    assert world.starts(f"resellers/{reseller}") == ["2026-01-15", "2026-02-15"]
    assert len(world.events()) == 2


def test_ranges_cover_every_due_run_once(
    world: FeeScenario, accounts: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reseller, _ = accounts
    clients = [world.client(reseller) for _ in range(7)]
    for number, client in enumerate(clients):
        world.go(f"2026-01-{16 + number // 3}", NEW_YORK)
        world.assign(client, "call-recording")
    monkeypatch.setattr(statements, "RANGE", 3)
    for day in ("2026-02-05", "2026-02-20"):
        world.go(day, NEW_YORK)

    assert Counter(charge["account_id"] for charge in world.charges(f"resellers/{reseller}")) == dict.fromkeys(
        clients, 2
    )
    tried = world.api.ok("GET /v1/jobs?task=fees.charge_range", key=world.key)["items"]
    assert sorted(job["result"]["charges"] for job in tried) == [1, 3, 3]


def test_payments_are_queried_once_for_any_number_of_resellers(world: FeeScenario) -> None:
    for name in ("Elbe", "Weser", "Oder"):
        assert world.assign(world.client(world.reseller("house", name)), "line").status_code == 201
    world.clock.advance(timedelta(days=40))
    ctx = Context(world.worker.inline.jobs, world.api.deps.programmes)
    asked: list[str] = []
    with world.api.deps.sessions() as session:
        event.listen(session.connection(), "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
        [(first, before)] = statements.ranges(ctx, session, "house")
        assert statements.charge_range(ctx, session, "house", first, before) == 3
    assert sum("FROM payments" in statement for statement in asked) == 1


def test_discontinued_product_ends_with_its_paid_period(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    world.rows("UPDATE fee_runs SET code = 'gone'")
    world.go("2026-03-20", NEW_YORK)

    assert world.starts(f"resellers/{reseller}") == ["2026-01-15"]
    assert world.rows("SELECT ended, stopped_by, until FROM fee_runs") == [(True, "not_sold", date(2026, 2, 15))]


def test_programme_that_removes_a_charged_product_is_refused(world: FeeScenario, accounts: tuple[str, str]) -> None:
    _, client = accounts
    world.assign(client, "call-recording")
    source = (ROOT / "examples" / "programmes" / "telephony.yaml").read_text()
    without = source.replace("    account_subscription: call-recording-retail\n", "").replace(
        "    reseller_subscription: call-recording-wholesale\n", ""
    )
    with pytest.raises(Conflict) as refused:
        world.apply("telephony", without)
    assert refused.value.code == "product_in_use"


def test_currency_cannot_change_once_there_are_charges(world: FeeScenario, accounts: tuple[str, str]) -> None:
    source = (ROOT / "examples" / "programmes" / "telephony.yaml").read_text()
    world.apply("telephony", source.replace("currency: USD", "currency: CAD"))
    world.apply("telephony", source)
    world.assign(accounts[1], "call-recording")
    with pytest.raises(Conflict) as refused:
        world.apply("telephony", source.replace("currency: USD", "currency: CAD"))
    assert refused.value.code == "currency_in_use"


def test_currency_cannot_change_once_a_reseller_has_set_a_fee(world: FeeScenario) -> None:
    elbe = world.reseller("house", "Elbe")
    source = HOUSE + HOUSE_LINE.format(reseller=elbe)
    yen = source.replace("currency: EUR", "currency: JPY").replace("9.99", "9").replace("4.00", "4")
    yen = yen.replace("3.33", "3").replace("2.00", "2").replace("20.00", "20")
    body = {"retail_fee": money("12.34", "EUR")}
    world.api.ok(f"PATCH /v1/resellers/{elbe}/products/house-line", body, key=world.key)
    with pytest.raises(Conflict) as refused:
        world.apply("house", yen)
    assert refused.value.code == "currency_in_use"
    world.api.ok(f"PATCH /v1/resellers/{elbe}/products/house-line", {"retail_fee": None}, key=world.key)
    world.apply("house", yen)
    assert world.call(f"GET /v1/resellers/{elbe}/products").status_code == 200


def test_charged_period_is_never_charged_again_when_the_pointer_is_wrong(
    world: FeeScenario, accounts: tuple[str, str]
) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    world.rows("UPDATE fee_runs SET next_start = since")
    world.go("2026-01-17", NEW_YORK)

    assert world.starts(f"resellers/{reseller}") == ["2026-01-15"]
    assert len(world.events()) == 1


@pytest.mark.parametrize("act", ["charge", "change"])
def test_period_is_charged_once_when_its_run_is_charged_alone_with_a_wrong_pointer(
    world: FeeScenario, accounts: tuple[str, str], act: str
) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    world.rows("UPDATE fee_runs SET next_start = since")
    if act == "change":
        world.unassign(client, "call-recording")
    else:
        ctx = Context(world.worker.inline.jobs, world.api.deps.programmes)
        with world.api.deps.sessions() as session, session.begin():
            assert statements.charge_reseller(ctx, session, UUID(reseller)) == 0

    assert world.starts(f"resellers/{reseller}") == ["2026-01-15"]
    assert len(world.events()) == 1


def test_payer_and_account_are_locked_when_a_range_is_charged(world: FeeScenario, accounts: tuple[str, str]) -> None:
    reseller, client = accounts
    world.assign(client, "call-recording")
    world.clock.advance(timedelta(days=40))
    ctx = Context(world.worker.inline.jobs, world.api.deps.programmes)
    with world.api.deps.sessions() as session, world.api.deps.sessions() as other:
        [(first, before)] = statements.ranges(ctx, session, "telephony")
        assert statements.charge_range(ctx, session, "telephony", first, before) == 1
        for account, strength in ((client, "NO KEY UPDATE"), (reseller, "UPDATE")):
            locked = text(f"SELECT id FROM accounts WHERE id = :id FOR {strength} SKIP LOCKED")
            assert other.execute(locked, {"id": account}).all() == [], account


def test_range_is_charged_by_the_same_rules_in_sets_and_one_by_one(world: FeeScenario) -> None:
    """Runs of two resellers, of plans and products, with an end, a plan that follows and missed periods."""
    first, second = world.reseller("booking"), world.reseller("booking", "Weser")
    clients = [world.client(reseller) for reseller in (first, second, first, second)]
    own = world.account("booking")
    world.go("2026-01-31", "Europe/Paris")
    for account, plan in zip([*clients, own], ("basic", "premium", "premium", "basic", "basic"), strict=True):
        world.take(account, plan)
    world.take(clients[1], "basic")
    world.cancel(clients[3])
    world.clock.advance(timedelta(days=70))
    ctx = Context(world.worker.inline.jobs, world.api.deps.programmes)
    columns = "account_id, reseller_id, product, period_start, period_end, fee, percent, discount, total, how - 'list'"
    query = text(f"SELECT {columns} FROM charges ORDER BY account_id, period_start, product")
    events = text("SELECT data - 'id', account_id, reseller_id FROM domain_events WHERE type = 'charge.created'")
    results = []
    for charge in (_in_sets, _one_by_one):
        with world.api.deps.sessions() as session:
            charge(ctx, session)
            data = sorted(map(str, session.execute(events)))
            runs = session.execute(
                text("SELECT account_id, next_start, monthly, ended FROM fee_runs ORDER BY 1, 2")
            ).all()
            results.append((list(map(str, session.execute(query))), data, list(map(str, runs))))
            session.rollback()
    assert results[0] == results[1]
    assert len(results[0][0]) == 5 + 4 * 2


def _in_sets(ctx: Context, session: Session) -> None:
    for first, before in statements.ranges(ctx, session, "booking"):
        statements.charge_range(ctx, session, "booking", first, before)


def _one_by_one(ctx: Context, session: Session) -> None:
    billing = Billing.of(ctx, session, "booking")
    accounts = list(session.scalars(select(Account).order_by(Account.id)))
    due = [
        run
        for run in queries.lock_open(session, [account.id for account in accounts])
        if run.next_start <= billing.today
    ]
    billing.charge(due, {account.id: owner_of(account) for account in accounts})
