"""The digest: operators are notified once per incident and quarter of an hour, and of its end."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from kontor.alerts import service as alerts
from kontor.alerts.rules import Incident, collapse
from kontor.kernel.states import AlertKind
from models.mails import MailState
from tests.support import incidents
from tests.support.concurrency import run_concurrently
from tests.support.discounts import DiscountScenario, moscow
from tests.support.incidents import alerts_received, digest, next_quarter


def run_check(world: DiscountScenario) -> None:
    """Run the check without sending the mails."""
    with world.transaction() as session:
        alerts.check(session, world.worker.inline.jobs, world.clock.now())


INCIDENTS: dict[str, Callable[[DiscountScenario], object]] = {
    "dead_jobs": incidents.create_dead_job,
    "late_work": incidents.delay_job,
    "held_lanes": incidents.hold_lane,
    "reconciliation": incidents.create_gap,
}


def test_healthy_deployment_sends_no_alert(world: DiscountScenario) -> None:
    for _ in range(2):
        next_quarter(world)
    assert world.mails("operator-alert") == []
    assert world.rows("SELECT count(*) FROM schedule_occurrences WHERE schedule = 'alerts.digest'")[0][0] >= 2


@pytest.mark.parametrize("kind", INCIDENTS)
def test_each_kind_of_incident_is_mailed(world: DiscountScenario, kind: str) -> None:
    INCIDENTS[kind](world)
    next_quarter(world)
    assert alerts_received(world) == [(False, [(kind, 1)])]
    assert alerts_received(world, "boss@kontor.example") == alerts_received(world)
    assert alerts_received(world, "guest@kontor.example") == []
    assert [mail.state for mail in world.mails("operator-alert")] == [MailState.SENT]


def test_incidents_at_the_same_time_make_one_digest(world: DiscountScenario) -> None:
    incidents.create_gap(world)
    incidents.create_dead_job(world)
    incidents.hold_lane(world)
    incidents.delay_job(world)
    world.settle()
    assert alerts_received(world) == [
        (False, [("dead_jobs", 1), ("late_work", 1), ("held_lanes", 1), ("reconciliation", 1)])
    ]
    lines = {line["kind"]: line["detail"] for line in world.mails("operator-alert")[0].facts["alerts"]}
    assert lines["dead_jobs"] == "probe.echo: killed its worker 3 times"
    assert "the queue probe is paused" in lines["late_work"]
    assert lines["held_lanes"].startswith("Weser client: ")
    assert "refused" in lines["held_lanes"]
    assert "accounts.tidy" in lines["reconciliation"]


def test_alert_is_one_mail_to_all_operators(world: DiscountScenario) -> None:
    incidents.create_dead_job(world)
    next_quarter(world)
    (mail,) = world.mails("operator-alert")
    query = "SELECT address, role, state FROM mail_recipients WHERE mail_id = :mail ORDER BY address"
    assert world.rows(query, mail=mail.id) == [
        ("boss@kontor.example", "cc", "sent"), ("duty@kontor.example", "to", "sent")
    ]  # fmt: skip


def test_last_line_of_many_names_what_an_operator_knows() -> None:
    lanes = [Incident(AlertKind.HELD_LANES, f"instance:{n:02}", 1, f"Customer {n:02}: refused") for n in range(12)]
    assert collapse(lanes)[-1].detail == "Customer 09, Customer 10, Customer 11, …"


def test_open_incident_is_mailed_once_and_again_when_it_grows(world: DiscountScenario) -> None:
    incidents.delay_job(world)
    incidents.create_dead_job(world)
    world.settle()
    first = alerts_received(world)
    for _ in range(2):
        next_quarter(world)
    assert alerts_received(world) == first
    incidents.create_dead_job(world, "once more")
    next_quarter(world)
    assert alerts_received(world) == [*first, (False, [("dead_jobs", 2)])]


def test_repeated_digest_sends_nothing_and_new_incidents_wait_for_the_next_quarter(world: DiscountScenario) -> None:
    incidents.delay_job(world)
    world.settle()
    first = alerts_received(world)
    incidents.create_dead_job(world)
    for _ in range(2):
        assert digest(world) == {"open": 2, "told": 0, "over": 0}
    next_quarter(world)
    assert alerts_received(world) == [*first, (False, [("dead_jobs", 1)])]


def test_concurrent_checks_make_one_digest(world: DiscountScenario) -> None:
    incidents.delay_job(world)
    jobs, now = world.worker.inline.jobs, world.clock.now()
    looks = [lambda session: alerts.check(session, jobs, now)] * 4
    assert run_concurrently(world.api.deps.engine, *looks) == {"done": 4}
    assert alerts_received(world) == [(False, [("late_work", 1)])]


def test_all_clear_is_sent_once_when_every_reported_incident_is_over(world: DiscountScenario) -> None:
    job = incidents.create_dead_job(world)
    incidents.delay_job(world)
    world.settle()
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.worker.inline.drain()
    next_quarter(world)
    assert len(alerts_received(world)) == 1, "one matter is still open"
    world.api.ok(f"POST /v1/jobs/{job}/cancel", key=world.key)
    next_quarter(world)
    assert alerts_received(world)[1:] == [(True, [("dead_jobs", 1), ("late_work", 1)])]
    next_quarter(world)
    assert len(alerts_received(world)) == 2
    incidents.delay_job(world)
    world.settle()
    assert alerts_received(world)[2:] == [(False, [("late_work", 1)])]


def test_incident_over_before_its_digest_is_not_mailed(world: DiscountScenario) -> None:
    incidents.delay_job(world)
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.worker.inline.drain()
    world.settle()
    next_quarter(world)
    assert alerts_received(world) == []


def test_alert_that_is_no_longer_true_is_not_sent(world: DiscountScenario) -> None:
    job = incidents.delay_job(world)
    run_check(world)
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.worker.inline.run(UUID(job))
    run_check(world)
    world.worker.inline.drain()
    assert [mail.state for mail in world.mails("operator-alert")] == [MailState.SKIPPED]


def test_all_clear_is_not_sent_when_a_new_incident_came_up(world: DiscountScenario) -> None:
    job = incidents.delay_job(world)
    world.settle()
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.worker.inline.run(UUID(job))
    world.clock.advance(incidents.QUARTER)
    run_check(world)
    with world.transaction() as session:
        alerts.alert_operators(session, world.worker.inline.jobs, AlertKind.GUARD_RAIL, "hosting today", "too many")
    world.worker.inline.drain()
    states = [(mail.facts["all_clear"], mail.state) for mail in world.mails("operator-alert")]
    assert states[1:] == [(True, MailState.SKIPPED), (False, MailState.SENT)]


def test_guard_rail_is_mailed_at_once_and_its_end_in_an_all_clear(world: DiscountScenario) -> None:
    world.reach(moscow("2026-01-10"))
    world.many(100, "2026-01-10")
    world.reach(moscow("2026-01-11T00:05:00"))
    assert alerts_received(world) == [(False, [("guard_rail", 100)])]
    next_quarter(world)
    assert len(alerts_received(world)) == 1, "the digest does not tell it a second time"
    run = world.runs()[0]["id"]
    world.api.ok(f"POST /v1/discount-runs/{run}/approve", {"reason": "a sale"}, key=world.key)
    world.settle()
    next_quarter(world)
    assert alerts_received(world)[1:] == [(True, [("guard_rail", 100)])]


def test_dead_mails_do_not_cause_more_mails(world: DiscountScenario) -> None:
    dead = "UPDATE jobs SET state = 'dead', fingerprint = 'smtp', finished_at = :now WHERE task = 'mail.send'"
    for name in ("Oka", "Kama", "Don"):
        world.reseller(name)
        world.rows(dead, now=world.clock.now())
        next_quarter(world)
    lines = [line for _, told_at_once in alerts_received(world) for line in told_at_once]
    assert [line for line in lines if line[0] == "dead_jobs"] == [("dead_jobs", 1)]


def test_only_one_digest_is_sent_after_a_year_of_standstill(world: DiscountScenario) -> None:
    incidents.delay_job(world)
    world.clock.advance(timedelta(days=365))
    world.settle()
    world.settle()
    late_lines = [line for _, lines in alerts_received(world) for line in lines if line[0] == "late_work"]
    assert late_lines == [("late_work", 1)]
