"""Reconciliation: missing objects are reported by kind and repaired; a healthy deployment has no gap."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from kontor.adapters.secrets import Argon2Passwords
from kontor.operators import service as operators
from models.reconciliation import GapKind
from tests.support.fees import FeeScenario, money

HASHER = Argon2Passwords.cheap()
LINES = [{"product": "excel-basics", "count": 3, "mode": "absolute", "term": "P1Y"}]


def reconcile(world: FeeScenario, schedule: str = "reconciliation.compare") -> list[dict[str, Any]]:
    """Run reconciliation; returns the open gaps."""
    world.call(f"POST /v1/schedules/{schedule}/run")
    world.worker.inline.drain()
    gaps: list[dict[str, Any]] = world.api.ok("GET /v1/reconciliation", key=world.key)["items"]
    return gaps


def busy(world: FeeScenario) -> dict[str, str]:
    """Create fees, a plan, a trial, usage over its limit, turnover and an offer; returns ids by name."""
    for code in ("booking", "telephony", "hosting", "learning"):
        world.apply(code)
    world.settle()
    made = {code: world.reseller(code, f"Reseller {code}") for code in ("booking", "telephony", "hosting", "learning")}
    made["salon"] = world.client(made["booking"])
    made["trial"] = world.client(made["booking"])
    made["phone"] = world.client(made["telephony"])
    made["school"] = world.client(made["learning"])
    world.take(made["salon"], "basic")
    world.assign(made["phone"], "call-recording")
    world.api.ok(f"POST /v1/accounts/{made['trial']}/trial", key=world.key)
    paid = {"amount": money("52000.00", "RUB"), "paid_at": world.clock.now().isoformat(), "reference": "1"}
    world.api.ok(f"POST /v1/resellers/{made['hosting']}/payments", {**paid, "kind": "payment"}, key=world.key)
    world.api.ok(f"PUT /v1/accounts/{made['school']}/instance", {"url": "https://school.example/hook"}, key=world.key)
    offer = {"reseller_id": made["learning"], "account_id": made["school"], "lines": LINES}
    made["offer"] = world.api.ok("POST /v1/offers", offer, key=world.key)["id"]
    world.worker.inline.drain()
    return made


def use(world: FeeScenario, account: str, value: int) -> None:
    usage_report = {"metric": "appointments", "value": value, "at": world.clock.now().isoformat()}
    world.api.ok(f"POST /v1/accounts/{account}/usage", usage_report, key=world.key)


def test_healthy_quarter_with_outages_has_no_gap(world: FeeScenario) -> None:
    made = busy(world)
    assert reconcile(world) == []
    for day in ("2025-12-02", "2025-12-09", "2025-12-31T23:50:00", "2026-01-01T00:10:00", "2026-01-02", "2026-03-01"):
        world.go(day, "Europe/Moscow")
        use(world, made["trial"], 60)
        assert reconcile(world) == []


def test_manually_deleted_occurrence_charge_and_mail_are_reported(world: FeeScenario) -> None:
    made = busy(world)
    with world.transaction() as session:
        operators.create(session, HASHER, "boss@kontor.example", "admin", now=world.clock.now(), actor="test")
    world.go("2026-01-02")
    slot = "2026-01-02T09:10+00:00"
    assert world.rows(
        "DELETE FROM schedule_occurrences WHERE schedule = 'accounts.tidy' AND slot = :s RETURNING 1", s=slot
    )
    gone = "DELETE FROM charges WHERE account_id = :a AND period_start = '2025-12-30' RETURNING to_jsonb(charges)"
    ((charge,),) = world.rows(gone, a=made["phone"])
    mail = delete_mail(world, "trial-ended")

    gaps = {gap["kind"]: gap for gap in reconcile(world)}

    assert {kind: gap["subject"] for kind, gap in gaps.items()} == {
        "occurrence": f"accounts.tidy {slot}",
        "charge_gone": f"{charge['run_id']} 2025-12-30",
        "mail_gone": mail,
    }
    assert "The charge of Call recording of " in gaps["charge_gone"]["detail"]
    assert {kind: gap["mendable"] for kind, gap in gaps.items()} == {
        "occurrence": True,
        "charge_gone": True,
        "mail_gone": False,
    }
    assert alerts(world) == [("charge_gone", "mail_gone", "occurrence")]
    assert 'kontor_reconciliation_gaps{kind="charge_gone"} 1.0' in world.api.http.get("/metrics").text

    for gap in reconcile(world):
        world.call(
            f"POST /v1/reconciliation/{gap['id']}/{'repair' if gap['mendable'] else 'accept'}", {"reason": "test"}
        )
    world.worker.inline.drain()
    assert reconcile(world) == []
    ((restored,),) = world.rows("SELECT to_jsonb(c) FROM charges c WHERE id = :id", id=charge["id"])
    moved = {"how", "created_at", "percent"}
    assert {k: v for k, v in restored.items() if k not in moved} == {k: v for k, v in charge.items() if k not in moved}
    assert float(restored["percent"]) == float(charge["percent"])
    assert len(alerts(world)) == 1, "a known gap is not mailed again"
    audited = "SELECT FROM audit_log WHERE action IN ('reconciliation.mend', 'reconciliation.accept')"
    assert len(world.rows(audited)) == 3


def alerts(world: FeeScenario) -> list[tuple[str, ...]]:
    """The gaps named in the alert mails, after another digest."""
    world.call("POST /v1/schedules/alerts.digest/run")
    world.worker.inline.drain()
    digests = [mail.facts["alerts"] for mail in world.mails("operator-alert") if not mail.facts["all_clear"]]
    return [tuple(line["detail"].split(":")[0] for line in lines) for lines in digests]


def delete_mail(world: FeeScenario, template: str) -> str:
    """Delete the only mail of a template; returns its id."""
    ((mail,),) = world.rows("SELECT id::text FROM mails WHERE template = :t", t=template)
    for table, column in (("mail_recipients", "mail_id"), ("mails", "id")):
        world.rows(f"DELETE FROM {table} WHERE {column} = CAST(:m AS uuid)", m=mail)
    return str(mail)


def delete_jobs(world: FeeScenario, task: str) -> None:
    """Delete every unfinished job of a task."""
    assert world.rows("DELETE FROM jobs WHERE task = :t RETURNING 1", t=task), task


def lose_charging(world: FeeScenario, made: dict[str, str]) -> None:
    world.rows("UPDATE fee_runs SET next_start = next_start - 31 WHERE account_id = :a", a=made["phone"])
    world.rows("DELETE FROM charges WHERE account_id = :a", a=made["phone"])


def lose_trial_end(world: FeeScenario, made: dict[str, str]) -> None:
    delete_jobs(world, "trials.end")


def lose_notice(world: FeeScenario, made: dict[str, str]) -> None:
    use(world, made["salon"], 1001)
    delete_jobs(world, "quotas.tell")


def lose_digest(world: FeeScenario, made: dict[str, str]) -> None:
    for _ in range(21):
        use(world, world.client(made["booking"]), 51)
    world.worker.inline.drain()
    delete_jobs(world, "quotas.digest")
    world.clock.advance(timedelta(hours=1))


def lose_delivery(world: FeeScenario, made: dict[str, str]) -> None:
    offer = {"reseller_id": made["learning"], "account_id": made["school"], "lines": LINES}
    world.api.ok("POST /v1/offers", offer, key=world.key)
    delete_jobs(world, "offers.deliver")


def lose_expiry(world: FeeScenario, made: dict[str, str]) -> None:
    delete_jobs(world, "offers.expire")


def lose_mail(world: FeeScenario, made: dict[str, str]) -> None:
    world.client(made["booking"])
    delete_jobs(world, "mail.send")


def lose_run(world: FeeScenario, made: dict[str, str]) -> None:
    world.rows("DELETE FROM discount_run_ranges")
    world.rows("DELETE FROM discount_runs WHERE day = '2025-12-02'")


def lose_discount(world: FeeScenario, made: dict[str, str]) -> None:
    world.rows("DELETE FROM discounts")


CAUSES: dict[GapKind, Callable[[FeeScenario, dict[str, str]], None]] = {
    GapKind.CHARGE_DUE: lose_charging,
    GapKind.TRIAL_END: lose_trial_end,
    GapKind.QUOTA_MAIL: lose_notice,
    GapKind.QUOTA_DIGEST: lose_digest,
    GapKind.OFFER_DELIVERY: lose_delivery,
    GapKind.OFFER_EXPIRY: lose_expiry,
    GapKind.MAIL_UNSENT: lose_mail,
    GapKind.DISCOUNT_RUN: lose_run,
    GapKind.DISCOUNT: lose_discount,
}


@pytest.mark.parametrize("kind", CAUSES)
def test_gap_is_reported_and_repaired_by_its_job(world: FeeScenario, kind: GapKind) -> None:
    made = busy(world)
    world.go("2025-12-02")
    CAUSES[kind](world, made)

    (gap,) = reconcile(world)
    assert gap["kind"] == kind
    assert reconcile(world)[0]["id"] == gap["id"], "a known gap is not added twice"
    mended = world.api.ok(f"POST /v1/reconciliation/{gap['id']}/repair", {"reason": "test"}, key=world.key)
    assert mended["job_id"] is not None
    assert world.call(f"POST /v1/reconciliation/{gap['id']}/repair").json()["job_id"] == mended["job_id"]
    world.worker.inline.drain()

    assert reconcile(world) == []
    (closed,) = world.api.ok("GET /v1/reconciliation?open=false", key=world.key)["items"]
    assert (closed["id"], closed["mended_at"] is not None) == (gap["id"], True)
    assert world.call(f"POST /v1/reconciliation/{gap['id']}/repair").json()["code"] == "mended"


def test_every_kind_of_gap_is_covered() -> None:
    # Those of account books: tests/integration/account_book/test_gaps.py.
    books = {GapKind.BOOK_LINE, GapKind.BOOK_AMOUNT, GapKind.BOOK_FACT, GapKind.STATEMENT_TOTAL}
    assert {*CAUSES, *books, GapKind.CHARGE_GONE, GapKind.MAIL_GONE, GapKind.OCCURRENCE} == set(GapKind)


@pytest.mark.parametrize("table", ["jobs", "jobs_archive"])
def test_dead_delivery_is_a_gap_and_repaired_by_a_retry(world: FeeScenario, table: str) -> None:
    made = busy(world)
    offer = {"reseller_id": made["learning"], "account_id": made["school"], "lines": LINES}
    world.api.ok("POST /v1/offers", offer, key=world.key)
    ((job,),) = world.rows("UPDATE jobs SET state = 'dead' WHERE task = 'offers.deliver' RETURNING id::text")
    if table == "jobs_archive":
        columns = "id, task, queue, tenant, lane, state, payload, run_at, max_attempts, created_at"
        moved = f"DELETE FROM jobs WHERE state = 'dead' RETURNING {columns}"
        insert = f"INSERT INTO jobs_archive ({columns}) SELECT {columns} FROM moved RETURNING 1"
        assert world.rows(f"WITH moved AS ({moved}) {insert}")
    (gap,) = reconcile(world)
    mended = world.api.ok(f"POST /v1/reconciliation/{gap['id']}/repair", {}, key=world.key)
    assert mended["job_id"] == job
    world.worker.inline.drain()
    assert reconcile(world) == []


def test_paused_or_changed_schedule_has_no_gap(world: FeeScenario) -> None:
    busy(world)
    world.go("2025-12-03")
    world.call("POST /v1/schedules/accounts.tidy/pause")
    world.clock.advance(timedelta(hours=5))
    world.settle()
    assert reconcile(world) == []
    world.call("POST /v1/schedules/accounts.tidy/resume")
    world.clock.advance(timedelta(minutes=90))
    world.settle()
    assert reconcile(world) == []


def test_bound_keys_have_no_access_to_gaps(world: FeeScenario) -> None:
    made = busy(world)
    key = world.api.key(reseller_id=UUID(made["booking"]))
    assert world.api.call("GET /v1/reconciliation", key=key).status_code == 403
    assert world.api.call(f"POST /v1/reconciliation/{uuid4()}/repair", key=key).status_code == 404
    assert world.call(f"POST /v1/reconciliation/{uuid4()}/repair").status_code == 404


def test_old_gap_is_found_by_the_daily_run_and_stays_reported(world: FeeScenario) -> None:
    made = busy(world)
    world.go("2026-01-20")
    world.rows("DELETE FROM charges WHERE account_id = :a AND period_start < '2026-01-09'", a=made["phone"])
    mail = delete_mail(world, "trial-started")
    assert reconcile(world) == []

    everything = reconcile(world, "reconciliation.everything")
    subjects = {gap["kind"]: set[str]() for gap in everything}
    for gap in everything:
        subjects[gap["kind"]].add(gap["subject"].rpartition(" ")[2])
    months = {"2025-11-01", "2025-12-01"}
    assert subjects == {"charge_gone": {"2025-11-30", "2025-12-30"}, "mail_gone": {mail}, "statement_total": months}
    assert {gap["id"] for gap in reconcile(world)} == {gap["id"] for gap in everything}
