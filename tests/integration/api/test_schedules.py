"""Schedules over HTTP."""

from kontor.adapters.fakes import ManualClock
from kontor.engine.schedules import declare
from tasks.schedules import all_schedules
from tests.support.api import Api


def declared(api: Api) -> None:
    """Declare the schedules as the scheduler does when it starts."""
    with api.deps.sessions() as session:
        declare(session, all_schedules(session), api.deps.clock.now())
        session.commit()


def test_schedules_are_empty_without_a_scheduler(api: Api) -> None:
    assert api.ok("GET /v1/schedules") == {"items": [], "next": None}


def test_schedule_shows_its_next_twelve_runs(api: Api, clock: ManualClock) -> None:
    declared(api)

    items = {item["name"]: item for item in api.ok("GET /v1/schedules")["items"]}

    hourly = items["upkeep.idempotency"]
    assert (hourly["cron"], hourly["timezone"], hourly["misfire"]) == ("40 * * * *", "UTC", "once")
    assert (len(hourly["next"]), hourly["next"][0], hourly["last"]) == (12, "2026-03-02T12:40:00Z", None)


def test_schedule_is_run_now_paused_and_resumed(api: Api) -> None:
    declared(api)

    job = api.call("POST /v1/schedules/upkeep.idempotency/run", {"reason": "now"})
    paused = api.ok("POST /v1/schedules/upkeep.idempotency/pause")["paused"]
    resumed = api.ok("POST /v1/schedules/upkeep.idempotency/resume")["paused"]

    assert (job.status_code, job.json()["task"], paused, resumed) == (202, "upkeep.idempotency", True, False)
    assert api.call("POST /v1/schedules/nothing/run").json()["code"] == "unknown_schedule"
