from datetime import timedelta

import psycopg
from sqlalchemy import make_url

from kontor.engine.handlers import Permanent
from kontor.engine.retention import delete_finished
from tests.integration.engine.conftest import EngineHarness
from tests.integration.engine.scripted_tasks import Write


def forget(world: EngineHarness, age: timedelta) -> int:
    url = make_url(world.engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as driver:
        return delete_finished(driver, world.clock.now(), world.clock.now() - age)


def test_old_finished_jobs_are_deleted_with_their_attempts_and_recent_ones_kept(world: EngineHarness) -> None:
    world.script.actions["x"] = lambda job, note: None
    old = world.put(Write(note="old"))
    world.ask("INSERT INTO job_attempts (job_id, number, ended_at, outcome) VALUES (:id, 1, now(), 'failed')", id=old)
    world.inline.drain()
    world.clock.advance(timedelta(days=31))
    young = world.put(Write(note="young"))
    world.inline.drain()
    assert forget(world, timedelta(days=30)) == 1
    assert world.state(young) == "succeeded"
    assert world.ask("SELECT count(*) FROM jobs_archive") == 1
    assert world.outcomes(old) == []


def test_dead_jobs_are_never_deleted_by_age(world: EngineHarness) -> None:
    def never(*_: object) -> None:
        raise Permanent("no")

    world.script.actions["x"] = never
    dead = world.put(Write(note="x"))
    world.inline.drain()
    world.clock.advance(timedelta(days=400))
    forget(world, timedelta(days=30))
    assert world.state(dead) == "dead"


def test_once_key_outlives_its_job(world: EngineHarness) -> None:
    first = world.put(Write(note="x"), effect_key="2026-03")
    world.inline.drain()
    world.clock.advance(timedelta(days=400))
    assert forget(world, timedelta(days=30)) == 1
    assert world.put(Write(note="x"), effect_key="2026-03") == first
    assert world.inline.drain() == 0
