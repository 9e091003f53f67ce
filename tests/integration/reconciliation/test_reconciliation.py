"""What should exist and does not is named, by kind, and mended; a healthy deployment has no gap."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters.passwords import Argon2Passwords
from models.reconciliation import GapKind
from services import operators
from tests.support.fees import FeeScenario, money

HASHER = Argon2Passwords.cheap()
LINES = [{"product": "excel-basics", "count": 3, "mode": "absolute", "term": "P1Y"}]


def look(world: FeeScenario, schedule: str = "reconciliation.compare") -> list[dict[str, Any]]:
    """The open gaps after one more look."""
    world.call(f"POST /v1/schedules/{schedule}/run")
    world.worker.inline.drain()
    found: list[dict[str, Any]] = world.api.ok("GET /v1/reconciliation", key=world.key)["items"]
    return found


def busy(world: FeeScenario) -> dict[str, str]:
    """A bit of everything: fees, a plan, a trial, usage over its limit, turnover, an offer."""
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
    told = {"metric": "appointments", "value": value, "at": world.clock.now().isoformat()}
    world.api.ok(f"POST /v1/accounts/{account}/usage", told, key=world.key)


def test_in_a_quarter_of_a_year_with_outages_nothing_is_missing(world: FeeScenario) -> None:
    made = busy(world)
    assert look(world) == []
    for day in ("2025-12-02", "2025-12-09", "2025-12-31T23:50:00", "2026-01-01T00:10:00", "2026-01-02", "2026-03-01"):
        world.go(day, "Europe/Moscow")
        use(world, made["trial"], 60)
        assert look(world) == []


def test_one_occurrence_one_charge_and_one_mail_deleted_by_hand_are_named(world: FeeScenario) -> None:
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

    found = {gap["kind"]: gap for gap in look(world)}

    assert {kind: gap["subject"] for kind, gap in found.items()} == {
        "occurrence": f"accounts.tidy {slot}",
        "charge_gone": f"{charge['run_id']} 2025-12-30",
        "mail_gone": mail,
    }
    assert "call-recording" in found["charge_gone"]["detail"]
    assert {kind: gap["mendable"] for kind, gap in found.items()} == {
        "occurrence": True,
        "charge_gone": True,
        "mail_gone": False,
    }
    assert alerts(world) == [("charge_gone", "mail_gone", "occurrence")]
    assert 'kontor_reconciliation_gaps{kind="charge_gone"} 1.0' in world.api.http.get("/metrics").text

    for gap in look(world):
        world.call(f"POST /v1/reconciliation/{gap['id']}/{'mend' if gap['mendable'] else 'accept'}", {"reason": "test"})
    world.worker.inline.drain()
    assert look(world) == []
    ((restored,),) = world.rows("SELECT to_jsonb(c) FROM charges c WHERE id = :id", id=charge["id"])
    moved = {"how", "created_at", "percent"}
    assert {k: v for k, v in restored.items() if k not in moved} == {k: v for k, v in charge.items() if k not in moved}
    assert float(restored["percent"]) == float(charge["percent"])
    assert len(alerts(world)) == 1, "what is known is not told again"
    audited = "SELECT FROM audit_log WHERE action IN ('reconciliation.mend', 'reconciliation.accept')"
    assert len(world.rows(audited)) == 3


def alerts(world: FeeScenario) -> list[tuple[str, ...]]:
    """The gaps that mails to operators name, after one more digest."""
    world.call("POST /v1/schedules/alerts.digest/run")
    world.worker.inline.drain()
    told = [mail.facts["alerts"] for mail in world.mails("operator-alert") if not mail.facts["all_clear"]]
    return [tuple(line["detail"].split(":")[0] for line in lines) for lines in told]


def delete_mail(world: FeeScenario, template: str) -> str:
    """Delete the one mail of a kind by hand; its id."""
    ((mail,),) = world.rows("SELECT id::text FROM mails WHERE template = :t", t=template)
    for table, column in (("mail_recipients", "mail_id"), ("mails", "id")):
        world.rows(f"DELETE FROM {table} WHERE {column} = CAST(:m AS uuid)", m=mail)
    return str(mail)


def dropped(world: FeeScenario, task: str) -> None:
    """Delete every unfinished job of a task by hand."""
    assert world.rows("DELETE FROM jobs WHERE task = :t RETURNING 1", t=task), task


def lost_charging(world: FeeScenario, made: dict[str, str]) -> None:
    world.rows("UPDATE fee_runs SET next_start = next_start - 31 WHERE account_id = :a", a=made["phone"])
    world.rows("DELETE FROM charges WHERE account_id = :a", a=made["phone"])


def lost_trial_end(world: FeeScenario, made: dict[str, str]) -> None:
    dropped(world, "trials.end")


def lost_notice(world: FeeScenario, made: dict[str, str]) -> None:
    use(world, made["salon"], 1001)
    dropped(world, "quotas.tell")


def lost_digest(world: FeeScenario, made: dict[str, str]) -> None:
    for _ in range(21):
        use(world, world.client(made["booking"]), 51)
    world.worker.inline.drain()
    dropped(world, "quotas.digest")
    world.clock.advance(timedelta(hours=1))


def lost_delivery(world: FeeScenario, made: dict[str, str]) -> None:
    offer = {"reseller_id": made["learning"], "account_id": made["school"], "lines": LINES}
    world.api.ok("POST /v1/offers", offer, key=world.key)
    dropped(world, "offers.deliver")


def lost_expiry(world: FeeScenario, made: dict[str, str]) -> None:
    dropped(world, "offers.expire")


def lost_mail(world: FeeScenario, made: dict[str, str]) -> None:
    world.client(made["booking"])
    dropped(world, "mail.send")


def lost_run(world: FeeScenario, made: dict[str, str]) -> None:
    world.rows("DELETE FROM discount_run_ranges")
    world.rows("DELETE FROM discount_runs WHERE day = '2025-12-02'")


def lost_discount(world: FeeScenario, made: dict[str, str]) -> None:
    world.rows("DELETE FROM discounts")


LOST: dict[GapKind, Callable[[FeeScenario, dict[str, str]], None]] = {
    GapKind.CHARGE_DUE: lost_charging,
    GapKind.TRIAL_END: lost_trial_end,
    GapKind.QUOTA_MAIL: lost_notice,
    GapKind.QUOTA_DIGEST: lost_digest,
    GapKind.OFFER_DELIVERY: lost_delivery,
    GapKind.OFFER_EXPIRY: lost_expiry,
    GapKind.MAIL_UNSENT: lost_mail,
    GapKind.DISCOUNT_RUN: lost_run,
    GapKind.DISCOUNT: lost_discount,
}


@pytest.mark.parametrize("kind", LOST)
def test_what_was_lost_is_named_and_mended_by_its_job(world: FeeScenario, kind: GapKind) -> None:
    made = busy(world)
    world.go("2025-12-02")
    LOST[kind](world, made)

    (gap,) = look(world)
    assert gap["kind"] == kind
    assert look(world)[0]["id"] == gap["id"], "a gap that is known stays one"
    mended = world.api.ok(f"POST /v1/reconciliation/{gap['id']}/mend", {"reason": "test"}, key=world.key)
    assert mended["job_id"] is not None
    assert world.call(f"POST /v1/reconciliation/{gap['id']}/mend").json()["job_id"] == mended["job_id"]
    world.worker.inline.drain()

    assert look(world) == []
    (closed,) = world.api.ok("GET /v1/reconciliation?open=false", key=world.key)["items"]
    assert (closed["id"], closed["mended_at"] is not None) == (gap["id"], True)
    assert world.call(f"POST /v1/reconciliation/{gap['id']}/mend").json()["code"] == "mended"


def test_every_kind_is_tried_here() -> None:
    assert {*LOST, GapKind.CHARGE_GONE, GapKind.MAIL_GONE, GapKind.OCCURRENCE} == set(GapKind)


def test_a_dead_delivery_is_a_gap_that_is_mended_by_a_retry(world: FeeScenario) -> None:
    made = busy(world)
    offer = {"reseller_id": made["learning"], "account_id": made["school"], "lines": LINES}
    world.api.ok("POST /v1/offers", offer, key=world.key)
    ((job,),) = world.rows("UPDATE jobs SET state = 'dead' WHERE task = 'offers.deliver' RETURNING id::text")
    (gap,) = look(world)
    mended = world.api.ok(f"POST /v1/reconciliation/{gap['id']}/mend", {}, key=world.key)
    assert mended["job_id"] == job
    world.worker.inline.drain()
    assert look(world) == []


def test_a_schedule_that_was_paused_or_changed_misses_nothing(world: FeeScenario) -> None:
    busy(world)
    world.go("2025-12-03")
    world.call("POST /v1/schedules/accounts.tidy/pause")
    world.clock.advance(timedelta(hours=5))
    world.settle()
    assert look(world) == []
    world.call("POST /v1/schedules/accounts.tidy/resume")
    world.clock.advance(timedelta(minutes=90))
    world.settle()
    assert look(world) == []


def test_bound_keys_see_nothing_of_it(world: FeeScenario) -> None:
    made = busy(world)
    key = world.api.key(reseller_id=UUID(made["booking"]))
    assert world.api.call("GET /v1/reconciliation", key=key).status_code == 403
    assert world.api.call(f"POST /v1/reconciliation/{uuid4()}/mend", key=key).status_code == 404
    assert world.call(f"POST /v1/reconciliation/{uuid4()}/mend").status_code == 404


def test_what_is_gone_since_long_is_found_by_the_daily_look_and_stays_named(world: FeeScenario) -> None:
    made = busy(world)
    world.go("2026-01-20")
    world.rows("DELETE FROM charges WHERE account_id = :a AND period_start < '2026-01-09'", a=made["phone"])
    mail = delete_mail(world, "trial-started")
    assert look(world) == []

    everything = look(world, "reconciliation.everything")
    assert {gap["subject"].rpartition(" ")[2] for gap in everything} == {"2025-11-30", "2025-12-30", mail}
    assert {gap["id"] for gap in look(world)} == {gap["id"] for gap in everything}
