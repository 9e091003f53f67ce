"""A bulk action is paused, resumed and stopped between chunks."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from kontor.bulk import service as bulk
from kontor.http.context import Deps
from models.jobs import Job
from tests.support.console import ConsoleClient, enqueue_probe, mark_dead
from tests.support.console_bulk import BROKEN, load_preview, run_preview
from tests.support.worker import running_worker

As = Callable[[str], ConsoleClient]


def test_bulk_action_is_paused_resumed_and_stopped_between_chunks(
    signed_in: As, deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 2)
    for number in range(6):
        mark_dead(deps, enqueue_probe(deps, f"{number}"), OSError(BROKEN))
    someone = signed_in("operator")
    with running_worker(deps) as engine:
        place = run_preview(someone, engine, "state=dead")
        someone.post(f"{place}/start", {"reason": "space"})
        engine.inline.tick()
        assert someone.post(f"{place}/pause").status_code == 303
        engine.inline.drain()
        run, _ = load_preview(deps, place)
        assert (run.state, run.done) == ("paused", 2)
        assert someone.post(f"{place}/resume").status_code == 303
        engine.inline.tick()
        assert someone.post(f"{place}/stop", {"reason": "enough"}).status_code == 303
        engine.inline.drain()
        run, _ = load_preview(deps, place)
        assert (run.state, run.done) == ("stopped", 4)
        assert someone.post(f"{place}/resume").status_code == 409
    with deps.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Job).where(Job.state == "dead")) == 2
