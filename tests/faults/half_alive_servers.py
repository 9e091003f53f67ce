"""Faults of PostgreSQL, of Redis and of what stands in the ledger: rows of `make chaos`."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from kontor.adapters.clock import SystemClock
from kontor.adapters.redis_doorbell import SilentRelayHint
from kontor.engine.catalogue import Catalogue, Payload, Policy
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.kernel.states import TaskKind
from tests.faults.fleet import Fleet
from tests.faults.scene import EXTERNAL, REPLY, TRANSACTIONAL, Fault, Scene
from tests.faults.tasks import RETRY
from tests.support.polling import wait_for

FAULT_SECONDS = 6.0
ACTS = 6
UNKNOWN = 3000
READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = on"
WRITABLE = "ALTER SYSTEM RESET default_transaction_read_only"
RELOAD = "SELECT pg_reload_conf()"
FULL = """
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE OR DELETE ON jobs FOR EACH STATEMENT EXECUTE FUNCTION disk_full();
CREATE TRIGGER disk_full BEFORE INSERT ON jobs_archive FOR EACH STATEMENT EXECUTE FUNCTION disk_full();
CREATE TRIGGER disk_full BEFORE INSERT ON effects FOR EACH STATEMENT EXECUTE FUNCTION disk_full();
"""
SPACE = "DROP FUNCTION disk_full() CASCADE"
HELD = "SELECT id FROM jobs WHERE held AND lane = 'remote'"
FORGET_UNKNOWN = "DELETE FROM jobs WHERE task = 'gone.task'"


def write_through(made: Fleet, *statements: str) -> None:
    """Change the server although it takes no writes."""
    with made.connect() as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in statements:
            connection.execute(statement)


@contextmanager
def no_writes(made: Fleet, begin: Sequence[str], end: Sequence[str]) -> Iterator[None]:
    """A server that refuses writes for the length of the block and six seconds more."""
    write_through(made, *begin)
    try:
        yield
        threading.Event().wait(FAULT_SECONDS)
    finally:
        write_through(made, *end)


def refuse_records(scene: Scene, begin: Sequence[str], end: Sequence[str]) -> float:
    """Outside acts end while PostgreSQL refuses every write; counted from the end of that."""
    worker, mine, others = scene.in_hand("rerun", ACTS)
    numbers = [*mine, *others]
    with no_writes(scene.made, begin, end):
        scene.open_gates(numbers)
        wait_for(lambda: len([n for n in numbers if scene.made.sink.lines(effect=n)]) == ACTS, "the acts")
        assert not worker.dead
    since = time.monotonic()
    seconds = scene.until(since, lambda: scene.effects(numbers), "the records")
    assert scene.load.refused > 0
    return max(seconds, scene.until_served(since))


def read_only(scene: Scene) -> float:
    return refuse_records(scene, (READ_ONLY, RELOAD), (WRITABLE, RELOAD))


def disk_full(scene: Scene) -> float:
    return refuse_records(scene, (FULL,), (SPACE,))


def restart_postgres(scene: Scene) -> float:
    """A fast shutdown of PostgreSQL and a start; counted from the moment at which nothing is left of it."""
    scene.servers.postgres.stop()
    since = time.monotonic()
    scene.servers.postgres.start()
    scene.servers.postgres.wait_ready()
    return scene.until_served(since)


def lose_redis(scene: Scene) -> float:
    """SIGKILL of Redis, and a start without its data."""
    server = scene.servers.valkey
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    since = time.monotonic()
    server.start()
    server.wait_ready()
    return scene.until_served(since)


def lock_held_job(scene: Scene) -> float:
    """The next job of a lane is locked by another session in the instant in which the lane becomes free."""
    first = scene.put("rerun", lane="remote", gated=True)
    wait_for(lambda: bool(scene.made.sink.lines(began=first[0])), "the first job of the lane")
    second = scene.put("rerun", lane="remote")
    wait_for(lambda: len(scene.ask(HELD)) == 1, "the held job")
    with scene.made.connect() as connection, connection.transaction():
        connection.execute(f"{HELD} FOR UPDATE")
        scene.open_gates(first)
        wait_for(lambda: scene.effects(first), "the end of the first job")
    since = time.monotonic()
    return scene.until(since, lambda: scene.effects(second), "the job that was locked")


class Gone(Payload):
    """A task of another release."""

    policy: ClassVar[Policy] = Policy("gone.task", "fault-transactional", TaskKind.TRANSACTIONAL, RETRY)


def put_unknown(scene: Scene) -> float:
    """3,000 jobs of a task that no process knows, in front of others of their tenant and queue."""
    engine = create_engine(scene.made.settings.database_url)
    jobs = Jobs(Catalogue([Gone]), SystemClock(), SilentRelayHint())
    with Session(engine) as session, session.begin():
        jobs.enqueue_many(session, [JobRequest.of(Gone(), tenant="flooded")] * UNKNOWN)
    engine.dispose()
    since = time.monotonic()
    numbers = scene.put("single", 3, tenant="flooded")
    seconds = scene.until(since, lambda: scene.effects(numbers), "the jobs behind them")
    assert scene.ask("SELECT count(*) FROM jobs WHERE task = 'gone.task' AND state = 'queued'") == [(UNKNOWN,)]
    scene.ask(f"{FORGET_UNKNOWN} RETURNING id")
    return seconds


SERVER_FAULTS: Sequence[Fault] = (
    Fault("PostgreSQL read-only for 6 s", "every write", EXTERNAL, read_only),
    Fault("disk full for 6 s (53100)", "every job", EXTERNAL, disk_full),
    Fault("PostgreSQL restarted", "everything", EXTERNAL, restart_postgres),
    Fault("Redis killed, started empty", "all doorbells", REPLY, lose_redis),
    Fault("held job locked as its lane became free", "one lane", TRANSACTIONAL, lock_held_job),
    Fault("3,000 jobs of an unknown task in front", "nothing", TRANSACTIONAL, put_unknown),
)
