from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from kontor.engine.handlers import Cancel, Done, JobContext, Outcome, Snooze
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import WriteAlone

FORGETS = "CREATE TEMP TABLE IF NOT EXISTS passing (n int); DROP TABLE passing"
DEFERRED = """
CREATE TABLE parents (note text PRIMARY KEY);
ALTER TABLE effects ADD CONSTRAINT late FOREIGN KEY (note) REFERENCES parents DEFERRABLE INITIALLY DEFERRED
"""


def put(world: EngineHarness, *notes: str) -> dict[str, Any]:
    return {note: world.put(WriteAlone(note=note)) for note in notes}


def states(world: EngineHarness, jobs: dict[str, Any]) -> dict[str, str]:
    return {note: world.state(job) for note, job in jobs.items()}


def test_each_job_is_committed_before_the_next_one_runs(world: EngineHarness) -> None:
    seen = []

    def read_effects(job: JobContext, note: str) -> None:
        with psycopg.connect(world.engine.url.set(drivername="postgresql").render_as_string(False)) as other:
            rows = other.execute("SELECT note FROM effects ORDER BY note").fetchall()
        seen.append([row[0] for row in rows])

    world.script.actions.update(dict.fromkeys("abc", read_effects))
    world.inline.run(*put(world, "a", "b", "c").values())
    assert seen == [[], ["a"], ["a", "b"]]


def test_jobs_with_their_own_commit_may_end_with_any_outcome(world: EngineHarness) -> None:
    later = world.clock.now().replace(year=2100)
    ends: dict[str, Outcome] = {"b": Snooze(later), "c": Cancel("no need"), "e": Done({"what": "it's"})}
    world.script.actions.update(dict.fromkeys(ends, lambda job, note: ends[note]))
    jobs = put(world, "a", "b", "c", "d", "e")
    assert world.inline.run(*jobs.values()).claimed == 5
    assert states(world, jobs) == {
        "a": "succeeded",
        "b": "scheduled",
        "c": "cancelled",
        "d": "succeeded",
        "e": "succeeded",
    }
    assert world.job(jobs["e"]).result == {"what": "it's"}
    assert world.effects() == ["a", "b", "c", "d", "e"]


def test_finished_job_is_skipped(world: EngineHarness) -> None:
    jobs = put(world, "a", "b", "c")
    world.inline.run(jobs["b"])
    assert world.inline.run(*jobs.values()).claimed == 2
    assert world.effects() == ["a", "b", "c"]


def test_refused_commit_fails_only_its_own_job(world: EngineHarness) -> None:
    for statement in DEFERRED.split(";"):
        world.ask(statement)
    world.ask("INSERT INTO parents SELECT unnest(ARRAY['a', 'b', 'd'])")
    jobs = put(world, "a", "orphan", "b", "d")
    world.inline.run(*jobs.values())
    assert states(world, jobs) == {"a": "succeeded", "orphan": "retrying", "b": "succeeded", "d": "succeeded"}
    assert world.effects() == ["a", "b", "d"]


@pytest.mark.parametrize("forgetful", ["a", "b", "c"])
def test_handler_is_run_again_when_the_driver_drops_its_prepared_statements(
    world: EngineHarness, forgetful: str
) -> None:
    tries = []

    def action(job: JobContext, note: str) -> None:
        tries.append(note)

    world.script.actions[forgetful] = action
    jobs = put(world, "a", "b", "c")

    def after_effect(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if parameters.get("note") == forgetful and "effects" in statement:
            raw = connection.connection.driver_connection
            raw.execute("SELECT 1", prepare=True)  # psycopg drops nothing while it has prepared nothing of its own
            for part in FORGETS.split(";"):
                raw.execute(part)

    event.listen(world.engine, "after_cursor_execute", after_effect)
    world.inline.run(*jobs.values())
    assert states(world, jobs) == dict.fromkeys("abc", "succeeded")
    assert world.effects() == ["a", "b", "c"]
    assert len(tries) == 2
    assert [world.outcomes(job) for job in jobs.values()] == [[], [], []]
    assert world.ask("SELECT count(*) FROM jobs") == 0
