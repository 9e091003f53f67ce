from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from engine.handlers import JobContext
from engine.outcomes import Cancel, Done, Outcome, Snooze
from tests.integration.engine.conftest import World
from tests.integration.engine.world import WriteAlone

FORGETS = "CREATE TEMP TABLE IF NOT EXISTS passing (n int); DROP TABLE passing"
DEFERRED = """
CREATE TABLE parents (note text PRIMARY KEY);
ALTER TABLE effects ADD CONSTRAINT late FOREIGN KEY (note) REFERENCES parents DEFERRABLE INITIALLY DEFERRED
"""


def put(world: World, *notes: str) -> dict[str, Any]:
    return {note: world.put(WriteAlone(note=note)) for note in notes}


def states(world: World, jobs: dict[str, Any]) -> dict[str, str]:
    return {note: world.state(job) for note, job in jobs.items()}


def test_each_job_is_committed_before_the_next_one_runs(world: World) -> None:
    seen = []

    def look(job: JobContext, note: str) -> None:
        with psycopg.connect(world.engine.url.set(drivername="postgresql").render_as_string(False)) as other:
            rows = other.execute("SELECT note FROM effects ORDER BY note").fetchall()
        seen.append([row[0] for row in rows])

    world.script.deeds.update(dict.fromkeys("abc", look))
    world.inline.run(*put(world, "a", "b", "c").values())
    assert seen == [[], ["a"], ["a", "b"]]


def test_jobs_with_commits_of_their_own_may_end_in_every_way(world: World) -> None:
    later = world.clock.now().replace(year=2100)
    ends: dict[str, Outcome] = {"b": Snooze(later), "c": Cancel("no need"), "e": Done({"what": "it's"})}
    world.script.deeds.update(dict.fromkeys(ends, lambda job, note: ends[note]))
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


def test_a_job_that_waits_no_more_is_passed_over(world: World) -> None:
    jobs = put(world, "a", "b", "c")
    world.inline.run(jobs["b"])
    assert world.inline.run(*jobs.values()).claimed == 2
    assert world.effects() == ["a", "b", "c"]


def test_a_commit_that_is_refused_is_a_failure_of_its_own_job_alone(world: World) -> None:
    for statement in DEFERRED.split(";"):
        world.ask(statement)
    world.ask("INSERT INTO parents SELECT unnest(ARRAY['a', 'b', 'd'])")
    jobs = put(world, "a", "orphan", "b", "d")
    world.inline.run(*jobs.values())
    assert states(world, jobs) == {"a": "succeeded", "orphan": "retrying", "b": "succeeded", "d": "succeeded"}
    assert world.effects() == ["a", "b", "d"]


@pytest.mark.parametrize("forgetful", ["a", "b", "c"])
def test_a_handler_after_which_the_driver_forgets_its_statements_is_run_again_without_a_failure(
    world: World, forgetful: str
) -> None:
    tries = []

    def deed(job: JobContext, note: str) -> None:
        tries.append(note)

    world.script.deeds[forgetful] = deed
    jobs = put(world, "a", "b", "c")

    def after_effect(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if parameters.get("note") == forgetful and "effects" in statement:
            raw = connection.connection.driver_connection
            raw.execute("SELECT 1", prepare=True)  # psycopg forgets nothing while it has nothing of its own
            for part in FORGETS.split(";"):
                raw.execute(part)

    event.listen(world.engine, "after_cursor_execute", after_effect)
    world.inline.run(*jobs.values())
    assert states(world, jobs) == dict.fromkeys("abc", "succeeded")
    assert world.effects() == ["a", "b", "c"]
    assert len(tries) == 2
    assert [world.outcomes(job) for job in jobs.values()] == [[], [], []]
    assert world.ask("SELECT count(*) FROM jobs") == 0
