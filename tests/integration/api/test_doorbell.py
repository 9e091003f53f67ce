"""The relay is notified of a job after the commit, not before."""

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from kontor.adapters.fakes import ManualClock
from kontor.engine.enqueue import JobRequest, Jobs
from tasks.catalogue import catalogue

ECHO = JobRequest("probe.echo", {})


class Bell:
    """Counts the committed jobs at each ring."""

    def __init__(self, engine: Engine) -> None:
        self.seen: list[int] = []
        self._engine = engine

    def ring(self) -> None:
        """Count the jobs on a separate connection."""
        with self._engine.connect() as other:
            self.seen.append(int(other.execute(text("SELECT count(*) FROM jobs")).scalar_one()))

    def offer(self, task: str, tenant: str) -> None:
        """Do nothing: no worker waits."""


def test_doorbell_rings_once_after_the_commit_and_not_at_a_savepoint(engine: Engine, clock: ManualClock) -> None:
    bell = Bell(engine)
    jobs = Jobs(catalogue(), clock, bell)
    with Session(engine) as session:
        savepoint = session.begin_nested()
        jobs.enqueue_request(session, ECHO)
        savepoint.commit()
        assert bell.seen == []
        session.commit()
        session.commit()

    assert bell.seen == [1]
