"""Operators hear what needs them once a quarter of an hour, once, and that it is over."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from domain.alerts import AlertKind
from models.mails import MailState
from services import alerts
from tests.support import incidents
from tests.support.concurrency import run_concurrently
from tests.support.discounts import DiscountScenario, moscow
from tests.support.incidents import alerts_received, digest, next_quarter


def look(world: DiscountScenario) -> None:
    """Look, and leave what is posted where it is."""
    with world.transaction() as session:
        alerts.look(session, world.worker.inline.jobs, world.clock.now())


TROUBLES: dict[str, Callable[[DiscountScenario], object]] = {
    "dead_jobs": incidents.create_dead_job,
    "late_work": incidents.delay_job,
    "held_lanes": incidents.hold_lane,
    "reconciliation": incidents.create_gap,
}


def test_a_healthy_deployment_tells_nobody_anything(world: DiscountScenario) -> None:
    for _ in range(2):
        next_quarter(world)
    assert world.mails("operator-alert") == []
    assert world.rows("SELECT count(*) FROM schedule_occurrences WHERE schedule = 'alerts.digest'")[0][0] >= 2


@pytest.mark.parametrize("kind", TROUBLES)
def test_each_alert_is_mailed_when_its_state_is_brought_about(world: DiscountScenario, kind: str) -> None:
    TROUBLES[kind](world)
    next_quarter(world)
    assert alerts_received(world) == [(False, [(kind, 1)])]
    assert alerts_received(world, "boss@kontor.example") == alerts_received(world)
    assert alerts_received(world, "guest@kontor.example") == []
    assert [mail.state for mail in world.mails("operator-alert")] == [MailState.SENT] * 2


def test_what_came_up_together_is_one_digest(world: DiscountScenario) -> None:
    incidents.create_gap(world)
    incidents.create_dead_job(world)
    incidents.hold_lane(world)
    incidents.delay_job(world)
    world.settle()
    assert alerts_received(world) == [
        (False, [("dead_jobs", 1), ("late_work", 1), ("held_lanes", 1), ("reconciliation", 1)])
    ]
    lines = {one["kind"]: one["detail"] for one in world.mails("operator-alert")[0].facts["alerts"]}
    assert lines["dead_jobs"] == "probe.echo: killed its worker 3 times"
    assert "the queue probe is paused" in lines["late_work"]
    assert "refused" in lines["held_lanes"]
    assert "accounts.tidy" in lines["reconciliation"]


def test_what_goes_on_is_told_once_and_what_grows_again(world: DiscountScenario) -> None:
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


def test_a_digest_run_again_in_its_quarter_doubles_nothing_and_what_is_new_waits(world: DiscountScenario) -> None:
    incidents.delay_job(world)
    world.settle()
    first = alerts_received(world)
    incidents.create_dead_job(world)
    for _ in range(2):
        assert digest(world) == {"open": 2, "told": 0, "over": 0}
    next_quarter(world)
    assert alerts_received(world) == [*first, (False, [("dead_jobs", 1)])]


def test_two_looks_at_once_make_one_digest(world: DiscountScenario) -> None:
    incidents.delay_job(world)
    jobs, now = world.worker.inline.jobs, world.clock.now()
    looks = [lambda session: alerts.look(session, jobs, now)] * 4
    assert run_concurrently(world.api.deps.engine, *looks) == {"done": 4}
    assert alerts_received(world) == [(False, [("late_work", 1)])]


def test_when_everything_told_is_over_an_all_clear_says_so_once(world: DiscountScenario) -> None:
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


def test_what_was_over_before_it_was_told_is_not_told(world: DiscountScenario) -> None:
    incidents.delay_job(world)
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.worker.inline.drain()
    world.settle()
    next_quarter(world)
    assert alerts_received(world) == []


def test_an_alert_that_stopped_being_true_before_it_left_is_not_sent(world: DiscountScenario) -> None:
    job = incidents.delay_job(world)
    look(world)
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.worker.inline.run(UUID(job))
    look(world)
    world.worker.inline.drain()
    assert [mail.state for mail in world.mails("operator-alert")] == [MailState.SKIPPED] * 2


def test_an_all_clear_after_which_something_came_up_is_not_sent(world: DiscountScenario) -> None:
    job = incidents.delay_job(world)
    world.settle()
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.worker.inline.run(UUID(job))
    world.clock.advance(incidents.QUARTER)
    look(world)
    with world.transaction() as session:
        alerts.tell_operators(session, world.worker.inline.jobs, AlertKind.GUARD_RAIL, "hosting today", "too many")
    world.worker.inline.drain()
    states = [(mail.facts["all_clear"], mail.state) for mail in world.mails("operator-alert")]
    assert states[2:] == [(True, MailState.SKIPPED)] * 2 + [(False, MailState.SENT)] * 2


def test_the_guard_rail_is_told_at_once_and_its_end_in_an_all_clear(world: DiscountScenario) -> None:
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


def test_dead_mails_do_not_make_ever_more_mails(world: DiscountScenario) -> None:
    dead = "UPDATE jobs SET state = 'dead', fingerprint = 'smtp', finished_at = :now WHERE task = 'mail.send'"
    for name in ("Oka", "Kama", "Don"):
        world.reseller(name)
        world.rows(dead, now=world.clock.now())
        next_quarter(world)
    lines = [line for _, told_at_once in alerts_received(world) for line in told_at_once]
    assert [line for line in lines if line[0] == "dead_jobs"] == [("dead_jobs", 1)]


def test_after_a_year_of_standstill_one_digest_tells(world: DiscountScenario) -> None:
    incidents.delay_job(world)
    world.clock.advance(timedelta(days=365))
    world.settle()
    world.settle()
    late = [line for _, lines in alerts_received(world) for line in lines if line[0] == "late_work"]
    assert late == [("late_work", 1)]
