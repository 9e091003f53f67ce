"""Jobs that others run, over real HTTP with real processes: what each answer means, and what is killed in the act."""

from collections.abc import Iterator
from typing import Any

import pytest

from bench.rows.api import free_port
from kontor.adapters.embedded.servers import owned_servers
from tests.faults import handler_rows
from tests.faults.chaos import settings_of
from tests.faults.deployment import OUTCOMES, STALE, HandlerFleet, handler_fleet
from tests.faults.handler import NO_ANSWER, ScriptedHandler, serving
from tests.faults.handler_rows import KILLED, Killed
from tests.support.polling import wait_for
from workers.migrations import migrate

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HandlerFleet]:
    """One deployment for all tests of this module; each declares types of its own."""
    folder = tmp_path_factory.mktemp("handlers")
    with owned_servers(folder / "servers") as servers:
        migrate(servers.postgres.url)
        with handler_fleet(settings_of(servers, "handlers"), folder / "fleet") as made:
            yield made


@pytest.mark.parametrize(
    ("name", "answers", "state", "attempts", "outcomes"),
    [
        ("done", [(200, {"result": 1})], "succeeded", 1, []),
        ("refused", [(422, {"error": "no such plan"})], "dead", 1, ["failed"]),
        ("conflict", [(409, {"error": "busy"}), (200, None)], "succeeded", 2, ["failed"]),
        ("missing", [(404, None), (200, None)], "succeeded", 2, ["failed"]),
        ("no-json", [(200, b"<html>"), (200, None)], "succeeded", 2, ["failed"]),
        ("too-large", [(200, b'{"result": "' + b"x" * 70_000 + b'"}')], "dead", 1, ["failed"]),
        ("down", [(503, None), (200, None)], "succeeded", 1, ["down"]),
        ("busy", [(429, None), (200, None)], "succeeded", 1, ["down"]),
        ("silent", [(NO_ANSWER, None), (200, None)], "succeeded", 1, ["down"]),
    ],
)
def test_answer_means_what_the_table_says(
    deployment: HandlerFleet, name: str, answers: list[tuple[int, Any]], state: str, attempts: int, outcomes: list[str]
) -> None:
    deployment.declare_push(f"answer.{name}")
    job = deployment.run(f"answer.{name}", name, *answers)
    assert (job["state"], job["attempt"]) == (state, attempts)
    assert [outcome for (outcome,) in deployment.made.ask(OUTCOMES, [job["id"]])] == outcomes
    calls = deployment.handler.of(job["id"])
    assert [call.type for call in calls] == ["job.run"] * len(answers)
    assert {call.webhook_id for call in calls} == {job["id"]}


def test_handler_works_on_with_its_token_when_it_answered_202(deployment: HandlerFleet) -> None:
    deployment.declare_push("long.work")
    deployment.handler.script("long", (202, None))
    job_id = deployment.api.enqueue("long.work", "long")
    wait_for(lambda: bool(deployment.handler.of(job_id)), "the call")
    (call,) = deployment.handler.of(job_id)
    lease, token = call.data["lease"], call.data["token"]
    wait_for(lambda: deployment.works_on(job_id), "the record of 202")
    deployment.api.ok("POST", f"/v1/leases/{lease}/heartbeat", key=token)
    deployment.api.ok("POST", f"/v1/leases/{lease}/complete", {"result": [1]}, key=token)
    assert (deployment.ended(job_id)["result"], len(deployment.handler.of(job_id))) == ([1], 1)


def test_handler_is_asked_again_when_it_worked_on_without_a_heartbeat(deployment: HandlerFleet) -> None:
    deployment.declare_push("quiet.work")
    deployment.handler.script("quiet", (202, None), (200, None))
    job_id = deployment.api.enqueue("quiet.work", "quiet")
    wait_for(lambda: deployment.works_on(job_id), "the record of 202")
    first = deployment.handler.of(job_id)[0].data
    assert deployment.made.ask(STALE)
    job = deployment.ended(job_id)
    assert (job["state"], job["attempt"], deployment.made.ask(OUTCOMES, [job_id])) == ("succeeded", 2, [("crashed",)])
    assert {call.webhook_id for call in deployment.handler.of(job_id)} == {job_id}
    answer = deployment.api.call("POST", f"/v1/leases/{first['lease']}/complete", {}, key=first["token"])
    assert (answer.status_code, answer.json()["code"]) == (409, "lease_lost")


@pytest.mark.parametrize("row", KILLED, ids=lambda row: row.name)
def test_policy_decides_when_kontor_is_killed_before_the_record(deployment: HandlerFleet, row: Killed) -> None:
    row(deployment)


def test_another_worker_gets_the_job_when_a_puller_is_killed(deployment: HandlerFleet) -> None:
    handler_rows.killed_puller(deployment, hurried=True)


def test_puller_that_hung_has_lost_its_lease_when_it_is_back(deployment: HandlerFleet) -> None:
    handler_rows.hung_puller(deployment)


def test_lease_outlives_kontor_when_all_of_it_is_killed(deployment: HandlerFleet) -> None:
    handler_rows.killed_kontor(deployment)


def test_order_ref_is_one_order_when_it_is_raced_fifty_times(deployment: HandlerFleet) -> None:
    handler_rows.raced_orders(deployment)


def test_nothing_is_lost_and_order_is_kept_when_a_handler_is_down_for_long(deployment: HandlerFleet) -> None:
    port = free_port()
    deployment.declare_push("down.long", handler={"push": f"http://127.0.0.1:{port}/kontor"}, lane="handler")
    ids = [deployment.api.enqueue("down.long", f"down-{number}") for number in range(5)]
    wait_for(lambda: bool(deployment.made.ask(OUTCOMES, [ids[0]])), "a call that nobody answers")
    handler = ScriptedHandler()
    with serving(handler, port):
        jobs = [deployment.ended(job_id) for job_id in ids]
    assert {(job["state"], job["attempt"]) for job in jobs} == {("succeeded", 1)}
    assert [call.data["job_id"] for call in handler.calls] == ids


def test_handler_is_asked_to_stop_when_its_job_is_cancelled(deployment: HandlerFleet) -> None:
    deployment.declare_push("stop.work")
    deployment.handler.script("stop", (202, None), (200, None))
    job_id = deployment.api.enqueue("stop.work", "stop")
    wait_for(lambda: deployment.works_on(job_id), "the record of 202")
    deployment.api.ok("POST", f"/v1/jobs/{job_id}/cancel")
    assert deployment.ended(job_id)["state"] == "cancelled"
    assert [call.type for call in deployment.handler.of(job_id)] == ["job.run", "job.cancel"]
