"""The scheduler, killed between writing an occurrence and enqueueing its job: neither exists, then both."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.engine.admin import overview
from kontor.engine.schedules import declare
from kontor.http.context import Deps
from tasks.schedules import all_schedules
from tests.support.sigkill import JOB_COUNTS, DatabaseCopy, EndState, Kills, SigkillHarness
from tests.support.sigkill_child import SCHEDULER

AFTERWARDS = "commit.after:2"
WRITTEN = "SELECT (SELECT count(*) FROM schedule_occurrences), (SELECT count(*) FROM jobs)"
QUERIES = {
    "fired": "SELECT o.schedule, o.slot, o.skipped, j.task, j.run_at FROM schedule_occurrences o"
    " LEFT JOIN jobs j ON j.id = o.job_id ORDER BY 1, 2",
    "next": "SELECT name, checked_until, next_at FROM schedules ORDER BY 1",
    "jobs": JOB_COUNTS,
}


@pytest.fixture
def overdue(harness: SigkillHarness, deps: Deps, clock: ManualClock) -> SigkillHarness:
    """The scheduler did not run for two days."""
    with deps.sessions() as session:
        declare(session, all_schedules(session), clock.now())
        session.commit()
    clock.advance(timedelta(days=2))
    return harness


def test_occurrence_and_job_are_both_written_after_sigkills(overdue: SigkillHarness, clock: ManualClock) -> None:
    def fire(world: DatabaseCopy, kills: Kills) -> EndState:
        """Run the scheduler."""
        for kill in kills:
            world.run_killed(kill, replace(world.task, command=SCHEDULER))
            if kill != AFTERWARDS:
                assert world.rows(WRITTEN) == [(0, 0)]
                with world.session() as session:
                    assert overview.overdue_schedules(session, clock.now()) != []
        world.run(*SCHEDULER)
        return world.end_state(QUERIES)

    writing = ("INSERT INTO schedule_occurrences:1", "INSERT INTO schedule_occurrences:3")
    enqueued = ("UPDATE schedule_occurrences:1", "UPDATE schedules:1", "commit.before:2", AFTERWARDS)
    end_state = overdue.compare(fire, (*writing, *enqueued))
    assert [row for row in end_state["fired"] if row[3] is None and not row[2]] == []
    assert sum(1 for row in end_state["fired"] if row[3] is not None) == sum(count for _, _, count in end_state["jobs"])
