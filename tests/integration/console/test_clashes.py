"""A console request whose transaction is lost is run again, as a request of the API is."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
from sqlalchemy import select, text

from kontor.http.context import Deps
from models.control import AuditEntry, Queue
from tests.conftest import libpq
from tests.support.console import ConsoleClient
from tests.support.polling import wait_for

As = Callable[[str], ConsoleClient]
PAUSE = "/console/queues/probe/pause"
GATE = "SELECT pg_advisory_xact_lock(77)"
LOCK_QUEUE = "SELECT 1 FROM queues WHERE name = 'probe' FOR UPDATE"
CROSSED_LOCKS = f"""
INSERT INTO queues (name, paused) VALUES ('probe', false);
CREATE SEQUENCE attempts;
CREATE FUNCTION cross_locks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('attempts') > 1 THEN
        RETURN NEW;
    END IF;
    FOR pause IN 1 .. 2000 LOOP
        EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)));
        PERFORM pg_sleep(0.01);
    END LOOP;
    PERFORM {GATE.removeprefix("SELECT ")};
    RETURN NEW;
END $$;
CREATE TRIGGER cross_locks BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION cross_locks()
"""
"""The first action waits for the gate once another session waits for its queue: a deadlock, whose victim it is."""

TERMINATE = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def run_sql(deps: Deps, statement: str) -> None:
    """Run SQL in a transaction."""
    with deps.sessions() as session:
        session.connection().exec_driver_sql(statement)
        session.commit()


def is_queue_locked(deps: Deps) -> bool:
    """Whether a transaction has locked the queue."""
    with deps.sessions() as session:
        return session.scalar(text(f"{LOCK_QUEUE} SKIP LOCKED")) is None


def test_action_is_run_again_when_it_loses_a_deadlock(signed_in: As, deps: Deps, database_url: str) -> None:
    someone = signed_in("operator")
    run_sql(deps, CROSSED_LOCKS)
    with psycopg.connect(libpq(database_url)) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SET deadlock_timeout = '1min'")  # so that the console's session finds the deadlock
        other.execute(GATE)
        posted = pool.submit(someone.post, PAUSE, {"reason": "the disk is full"})
        wait_for(lambda: is_queue_locked(deps), "the action locks the queue")
        other.execute(LOCK_QUEUE)
        other.commit()
        assert posted.result().headers["location"] == "/console/queues?done=pause-queue"
    with deps.sessions() as session:
        assert session.scalar(text("SELECT last_value FROM attempts")) == 2
        assert session.get_one(Queue, "probe").paused
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "queue.pause")).all()
    assert [entry.reason for entry in noted] == ["the disk is full"]


def test_page_and_action_work_when_postgresql_has_closed_the_connections(
    signed_in: As, deps: Deps, database_url: str
) -> None:
    someone = signed_in("operator")
    csrf = someone.fields("/console")["csrf"]
    with psycopg.connect(libpq(database_url)) as other:
        other.execute(TERMINATE)
        assert someone.http.get("/console/queues").status_code == 200
        other.execute(TERMINATE)
        paused = someone.http.post(PAUSE, data={"csrf": csrf, "reason": "the disk is full"})
    assert paused.status_code == 303
