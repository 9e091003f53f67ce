"""A bulk action is paused, resumed and stopped between its chunks."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from api.deps import Deps
from models.jobs import Job
from services import bulk
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
