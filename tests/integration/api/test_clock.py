"""The test clock over HTTP, and settling."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from kontor.adapters.fakes import ManualClock
from kontor.engine import test_clock
from kontor.engine.schedules import declare, fire_due
from kontor.engine.test_clock import due_work
from kontor.http.context import Deps
from kontor.jobs import routes as jobs_routes
from kontor.kernel.database import PgConnection
from tasks.schedules import all_schedules
from tests.support.api import Api, running_server
from workers.web_app import build

LATER = "2026-03-09T12:00:00Z"


def test_clock_route_is_404_without_the_test_clock(deps: Deps, api: Api) -> None:
    app = build(replace(deps, test_clock=False))
    with running_server(app) as url, httpx.Client(base_url=url, verify=False) as http:
        real = Api(http, deps, app)
        for line in ("GET /v1/clock", "POST /v1/clock"):
            answer = real.call(line, None if line.startswith("GET") else {"now": LATER})
            assert (answer.status_code, answer.json()["code"]) == (404, "no_test_clock")


def test_first_call_sets_any_instant_and_later_calls_only_move_forward(api: Api) -> None:
    assert api.ok("POST /v1/clock", {"now": "2020-01-01T01:00:00+01:00"}) == {"now": "2020-01-01T00:00:00Z"}
    assert api.ok("POST /v1/clock", {"now": LATER}) == {"now": LATER}
    assert api.ok("POST /v1/clock", {"now": LATER}) == {"now": LATER}
    back = api.call("POST /v1/clock", {"now": "2026-03-09T11:59:59Z"})

    assert (back.status_code, back.json()["code"], back.json()["now"]) == (409, "clock_backwards", LATER)
    with api.deps.sessions() as session:
        stands = session.execute(text("SELECT now FROM clock")).scalar_one()
    assert stands == datetime(2026, 3, 9, 12, tzinfo=UTC)


def test_first_call_into_the_past_moves_the_schedules_back(api: Api, clock: ManualClock) -> None:
    with api.deps.sessions() as session:
        declare(session, all_schedules(session), clock.now())
        session.commit()
    api.ok("POST /v1/clock", {"now": "2020-01-01T00:00:00Z"})

    with api.deps.sessions() as session:
        query = "SELECT checked_until, next_at FROM schedules WHERE name = 'upkeep.idempotency'"
        seen = session.execute(text(query)).one()
    assert tuple(seen) == (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, 0, 40, tzinfo=UTC))


def test_schedules_fired_during_the_check_still_count_as_due(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with api.deps.sessions() as session:
        declare(session, all_schedules(session), clock.now())
        session.commit()
    later, due_schedules = clock.now() + timedelta(days=1), test_clock.due_schedules

    def fired_before(connection: PgConnection, now: datetime) -> Sequence[str]:
        with api.deps.sessions() as other:
            assert fire_due(other, api.deps.jobs, now)
            other.commit()
        return due_schedules(connection, now)

    monkeypatch.setattr(test_clock, "due_schedules", fired_before)
    with api.deps.sessions() as session:
        assert due_work(session, later).jobs


def test_settle_ignores_paused_queues_and_reports_the_rest(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_routes, "SETTLE_SECONDS", 0.05)
    job = {"task": "probe.echo", "args": {}, "run_at": LATER}
    api.ok("POST /v1/jobs", job)

    before = api.call("POST /v1/clock", {"now": "2026-03-08T12:00:00Z", "settle": True})
    left = api.call("POST /v1/clock", {"now": LATER, "settle": True})
    api.ok("POST /v1/queues/probe/pause")
    paused = api.call("POST /v1/clock", {"now": LATER, "settle": True})

    assert (before.status_code, left.status_code, paused.status_code) == (200, 202, 200)
    assert left.json() == {"now": LATER, "due": {"jobs": {"probe.echo": 1}, "schedules": [], "probes": []}}
