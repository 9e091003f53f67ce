"""A bulk action of the console, killed during its preview and its run: it continues, with a complete audit log."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from kontor.adapters.fakes import ManualClock
from kontor.audit import Actor
from kontor.bulk import service as bulk
from kontor.engine.admin.job_filter import JobFilter
from kontor.http.context import Deps
from kontor.kernel.states import BulkAction
from models.console import BulkRun
from tests.support.console import enqueue_probe, mark_dead
from tests.support.console_bulk import BROKEN
from tests.support.sigkill import JOB_COUNTS, DatabaseCopy, EndState, Kills, SigkillHarness
from tests.support.wiring import silent_jobs

DEAD = 11
WHO = Actor("olga@kontor.example", "console", "the disk has space")
QUERIES = {
    "runs": "SELECT id, action, state, actor, reason, total, counts, foreseen, looked, seen_keys, done, refused,"
    " started_at, finished_at, foreseen_at FROM bulk_runs",
    "audit": "SELECT at, actor, action, target, reason, detail - 'job' FROM audit_log ORDER BY target, action",
    "retried": "SELECT id, state, attempt, result FROM jobs_archive WHERE task = 'probe.echo' ORDER BY id",
    "refused": "SELECT id, state, attempt, reason FROM jobs WHERE task = 'probe.echo' ORDER BY id",
    "jobs": JOB_COUNTS,
}


@pytest.fixture
def prepared(harness: SigkillHarness, deps: Deps, clock: ManualClock) -> SigkillHarness:
    """Eleven dead jobs, one of which has a taken unique key; the preview of a retry is about to run."""
    harness.sizes.update({"kontor.bulk.service.CHUNK": 3, "kontor.bulk.preview.CHUNK": 3})
    for number in range(DEAD - 1):
        mark_dead(deps, enqueue_probe(deps, f"{number}"), OSError(BROKEN))
    with deps.sessions() as session:
        taken = deps.jobs.enqueue(session, "probe.echo", {"message": "taken"}, unique_key="taken").id
        session.commit()
    mark_dead(deps, taken, OSError(BROKEN))
    with deps.sessions() as session:
        later = clock.now() + timedelta(days=300)
        deps.jobs.enqueue(session, "probe.echo", {"message": "rival"}, unique_key="taken", run_at=later)
        query = JobFilter(states=frozenset({"dead"}))
        bulk.preview(session, deps.jobs, BulkAction.RETRY, query, Actor(WHO.name, WHO.origin))
        session.commit()
    return harness


def begin(world: DatabaseCopy, clock: ManualClock) -> None:
    """Start the bulk action."""
    with world.session() as session:
        run = session.scalars(select(BulkRun)).one()
        bulk.start(session, silent_jobs(clock), run.id, WHO)


def test_bulk_retry_completes_after_sigkills(prepared: SigkillHarness, clock: ManualClock) -> None:
    def retry(world: DatabaseCopy, kills: Kills) -> EndState:
        """Run the preview with the first half of the kills; then start and run the action with the rest."""
        half = len(kills) // 2
        world.run(kills=kills[:half])
        begin(world, clock)
        world.run(kills=kills[half:])
        return world.end_state(QUERIES)

    foreseeing = ("UPDATE bulk_runs:1", "commit.before:2", "commit.after:1")
    beginning = ("INSERT INTO audit_log:1", "commit.before:1", "commit.after:1")
    going_on = ("INSERT INTO audit_log:4", "UPDATE bulk_runs:1", "commit.before:4")
    end_state = prepared.compare(retry, (*foreseeing, *beginning), (*reversed(foreseeing), *going_on))
    [run] = end_state["runs"]
    assert (run[2], run[4], run[5], run[8], run[10], run[11]) == ("done", WHO.reason, DEAD, DEAD, DEAD - 1, 1)
    assert Counter((row[2], row[4]) for row in end_state["audit"]) == {
        ("job.retry", WHO.reason): DEAD - 1,
        ("bulk.retry", WHO.reason): 1,
    }
    assert [row[1] for row in end_state["retried"]] == ["succeeded"] * (DEAD - 1)
