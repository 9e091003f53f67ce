"""Operators hear what needs them once a quarter of an hour, once, and that it is over."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from domain.alerts import AlertKind
from models.mails import MailState
from services import alerts
from tests import trouble
from tests.at_once import at_once
from tests.discount_world import DiscountWorld, moscow
from tests.trouble import digest, next_quarter, told


def look(world: DiscountWorld) -> None:
    """Look, and leave what is posted where it is."""
    with world.transaction() as session:
        alerts.look(session, world.works.inline.jobs, world.clock.now())


TROUBLES: dict[str, Callable[[DiscountWorld], object]] = {
    "dead_jobs": trouble.dead_job,
    "late_work": trouble.late_work,
    "held_lanes": trouble.held_lane,
    "reconciliation": trouble.gap,
}


def test_a_healthy_deployment_tells_nobody_anything(world: DiscountWorld) -> None:
    for _ in range(2):
        next_quarter(world)
    assert world.mails("operator-alert") == []
    assert world.rows("SELECT count(*) FROM schedule_occurrences WHERE schedule = 'alerts.digest'")[0][0] >= 2


@pytest.mark.parametrize("kind", TROUBLES)
def test_each_alert_is_mailed_when_its_state_is_brought_about(world: DiscountWorld, kind: str) -> None:
    TROUBLES[kind](world)
    next_quarter(world)
    assert told(world) == [(False, [(kind, 1)])]
    assert told(world, "boss@kontor.example") == told(world)
    assert told(world, "guest@kontor.example") == []
    assert [mail.state for mail in world.mails("operator-alert")] == [MailState.SENT] * 2


def test_what_came_up_together_is_one_digest(world: DiscountWorld) -> None:
    trouble.gap(world)
    trouble.dead_job(world)
    trouble.held_lane(world)
    trouble.late_work(world)
    world.settle()
    assert told(world) == [(False, [("dead_jobs", 1), ("late_work", 1), ("held_lanes", 1), ("reconciliation", 1)])]
    lines = {one["kind"]: one["detail"] for one in world.mails("operator-alert")[0].facts["alerts"]}
    assert lines["dead_jobs"] == "probe.echo: killed its worker 3 times"
    assert "the queue probe is paused" in lines["late_work"]
    assert "refused" in lines["held_lanes"]
    assert "accounts.tidy" in lines["reconciliation"]


def test_what_goes_on_is_told_once_and_what_grows_again(world: DiscountWorld) -> None:
    trouble.late_work(world)
    trouble.dead_job(world)
    world.settle()
    first = told(world)
    for _ in range(2):
        next_quarter(world)
    assert told(world) == first
    trouble.dead_job(world, "once more")
    next_quarter(world)
    assert told(world) == [*first, (False, [("dead_jobs", 2)])]


def test_a_digest_run_again_in_its_quarter_doubles_nothing_and_what_is_new_waits(world: DiscountWorld) -> None:
    trouble.late_work(world)
    world.settle()
    first = told(world)
    trouble.dead_job(world)
    for _ in range(2):
        assert digest(world) == {"open": 2, "told": 0, "over": 0}
    next_quarter(world)
    assert told(world) == [*first, (False, [("dead_jobs", 1)])]


def test_two_looks_at_once_make_one_digest(world: DiscountWorld) -> None:
    trouble.late_work(world)
    jobs, now = world.works.inline.jobs, world.clock.now()
    looks = [lambda session: alerts.look(session, jobs, now)] * 4
    assert at_once(world.api.deps.engine, *looks) == {"done": 4}
    assert told(world) == [(False, [("late_work", 1)])]


def test_when_everything_told_is_over_an_all_clear_says_so_once(world: DiscountWorld) -> None:
    job = trouble.dead_job(world)
    trouble.late_work(world)
    world.settle()
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.works.inline.drain()
    next_quarter(world)
    assert len(told(world)) == 1, "one matter is still open"
    world.api.ok(f"POST /v1/jobs/{job}/cancel", key=world.key)
    next_quarter(world)
    assert told(world)[1:] == [(True, [("dead_jobs", 1), ("late_work", 1)])]
    next_quarter(world)
    assert len(told(world)) == 2
    trouble.late_work(world)
    world.settle()
    assert told(world)[2:] == [(False, [("late_work", 1)])]


def test_what_was_over_before_it_was_told_is_not_told(world: DiscountWorld) -> None:
    trouble.late_work(world)
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.works.inline.drain()
    world.settle()
    next_quarter(world)
    assert told(world) == []


def test_an_alert_that_stopped_being_true_before_it_left_is_not_sent(world: DiscountWorld) -> None:
    job = trouble.late_work(world)
    look(world)
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.works.inline.run(UUID(job))
    look(world)
    world.works.inline.drain()
    assert [mail.state for mail in world.mails("operator-alert")] == [MailState.SKIPPED] * 2


def test_an_all_clear_after_which_something_came_up_is_not_sent(world: DiscountWorld) -> None:
    job = trouble.late_work(world)
    world.settle()
    world.api.ok("POST /v1/queues/probe/resume", key=world.key)
    world.works.inline.run(UUID(job))
    world.clock.advance(trouble.QUARTER)
    look(world)
    with world.transaction() as session:
        alerts.tell_operators(session, world.works.inline.jobs, AlertKind.GUARD_RAIL, "hosting today", "too many")
    world.works.inline.drain()
    states = [(mail.facts["all_clear"], mail.state) for mail in world.mails("operator-alert")]
    assert states[2:] == [(True, MailState.SKIPPED)] * 2 + [(False, MailState.SENT)] * 2


def test_the_guard_rail_is_told_at_once_and_its_end_in_an_all_clear(world: DiscountWorld) -> None:
    world.reach(moscow("2026-01-10"))
    world.many(100, "2026-01-10")
    world.reach(moscow("2026-01-11T00:05:00"))
    assert told(world) == [(False, [("guard_rail", 100)])]
    next_quarter(world)
    assert len(told(world)) == 1, "the digest does not tell it a second time"
    run = world.runs()[0]["id"]
    world.api.ok(f"POST /v1/discount-runs/{run}/approve", {"reason": "a sale"}, key=world.key)
    world.settle()
    next_quarter(world)
    assert told(world)[1:] == [(True, [("guard_rail", 100)])]


def test_dead_mails_do_not_make_ever_more_mails(world: DiscountWorld) -> None:
    dead = "UPDATE jobs SET state = 'dead', fingerprint = 'smtp', finished_at = :now WHERE task = 'mail.send'"
    for name in ("Oka", "Kama", "Don"):
        world.reseller(name)
        world.rows(dead, now=world.clock.now())
        next_quarter(world)
    lines = [line for _, told_at_once in told(world) for line in told_at_once]
    assert [line for line in lines if line[0] == "dead_jobs"] == [("dead_jobs", 1)]


def test_after_a_year_of_standstill_one_digest_tells(world: DiscountWorld) -> None:
    trouble.late_work(world)
    world.clock.advance(timedelta(days=365))
    world.settle()
    world.settle()
    late = [line for _, lines in told(world) for line in lines if line[0] == "late_work"]
    assert late == [("late_work", 1)]
