"""A bulk action is paused, stopped, and goes on after its worker was killed."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.deps import Deps
from engine.handlers import JobContext
from engine.outcomes import Outcome
from engine.testing import Inline
from models.control import AuditEntry
from models.jobs import Job
from services import bulk
from tasks.bulk import JobsBulk, JobsBulkHandler
from tests.console_bulk import BROKEN, previewed, stored
from tests.console_engine import works
from tests.console_world import Visitor, bury, put_job

As = Callable[[str], Visitor]


def test_it_is_paused_resumed_and_stopped_between_chunks(
    signed_in: As, deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    for number in range(6):
        bury(deps, put_job(deps, f"{number}"), OSError(BROKEN))
    someone = signed_in("operator")
    with works(deps) as engine:
        place = previewed(someone, engine, "state=dead")
        someone.post(f"{place}/start", {"reason": "space"})
        engine.inline.tick()
        assert someone.post(f"{place}/pause").status_code == 303
        engine.inline.drain()
        run, _ = stored(deps, place)
        assert (run.state, run.done) == ("paused", 2)
        assert someone.post(f"{place}/resume").status_code == 303
        engine.inline.tick()
        assert someone.post(f"{place}/stop", {"reason": "enough"}).status_code == 303
        engine.inline.drain()
        run, _ = stored(deps, place)
        assert (run.state, run.done) == ("stopped", 4)
        assert someone.post(f"{place}/resume").status_code == 409
    with deps.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Job).where(Job.state == "dead")) == 2


class Killed(BaseException):
    """The worker is gone."""


@dataclass
class DiesOnce(JobsBulkHandler):
    """Is killed after its second chunk was done and before it was committed."""

    chunks: int = 0

    def run(self, job: JobContext, session: Session, payload: JobsBulk) -> Outcome:
        """Do the chunk; die."""
        done = super().run(job, session, payload)
        self.chunks += 1
        if self.chunks == 2:
            raise Killed
        return done


def test_killed_in_the_middle_it_goes_on(signed_in: As, deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    for number in range(7):
        bury(deps, put_job(deps, f"{number}"), OSError(BROKEN))
    someone = signed_in("operator")
    with works(deps) as engine:
        place = previewed(someone, engine, "state=dead")
        someone.post(f"{place}/start", {"reason": "space"})
        with Inline(deps.engine, [DiesOnce()], deps.clock) as dying, pytest.raises(Killed):
            dying.drain()
        run, _ = stored(deps, place)
        assert (run.state, run.done) == ("running", 2)
        engine.inline.drain()
        run, _ = stored(deps, place)
        assert (run.state, run.done, run.refused) == ("done", 7, 0)
        with deps.sessions() as session:
            retried = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == "job.retry")
            assert session.scalar(retried) == 7
