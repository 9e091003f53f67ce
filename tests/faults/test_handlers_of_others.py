"""Jobs that others run, over real HTTP with real processes: what each answer means, and what is killed in the act."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.rows.api import free_port
from kontor.adapters.clock import SystemClock
from kontor.adapters.embedded.servers import owned_servers
from kontor.operators import keys
from tests.faults.chaos import settings_of
from tests.faults.fleet import Fleet, fleet
from tests.faults.handler import NO_ANSWER, Caller, ScriptedHandler, serving
from tests.support.polling import wait_for
from workers.migrations import migrate

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]

SCOPES = ("admin", "enqueue", "read", "operate", "work")
OUTCOMES = "SELECT outcome FROM job_attempts WHERE job_id = %s ORDER BY seq"
WORKS_ON = "SELECT id FROM jobs WHERE id = %s AND state = 'running' AND worker LIKE 'push:%%'"
STALE = "UPDATE job_leases SET beat_at = beat_at - interval '61 seconds' RETURNING lease"
PROBE = "UPDATE lanes SET probe_at = clock_timestamp() WHERE state = 'open' AND probe_at IS NOT NULL RETURNING name"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Web, relay and worker, and the handler that they call."""

    made: Fleet
    api: Caller
    handler: ScriptedHandler
    url: str

    def declare_push(self, task: str, **members: Any) -> None:
        """Declare a push type of the handler."""
        self.api.declare(task, **{"handler": {"push": self.url}, **members})

    def run(self, task: str, plan: str, *answers: tuple[int, Any]) -> dict[str, Any]:
        """Run a job that is answered so; return it when it has ended."""
        self.handler.script(plan, *answers)
        return self.ended(self.api.enqueue(task, plan))

    def ended(self, job_id: str) -> dict[str, Any]:
        """Wait for the end of a job; the breaker of its handler is hurried."""

        def over() -> bool:
            self.made.ask(PROBE)
            return self.api.job(job_id)["state"] in ("succeeded", "dead", "cancelled")

        wait_for(over, f"the end of {job_id}", 60)
        return self.api.job(job_id)

    def works_on(self, job_id: str) -> bool:
        """Whether the 202 of a job's handler is recorded."""
        return bool(self.made.ask(WORKS_ON, [job_id]))

    def kill(self, *roles: str) -> None:
        """Kill the processes of these roles and start others."""
        for member in [each for each in self.made.members if each.role in roles]:
            member.send_signal(signal.SIGKILL)
            member.process.join()
            self.made.replace(member)

    def until_served(self) -> None:
        """Wait until the web process answers and a worker is registered."""
        wait_for(self.answers, "the web process", 60)
        self.made.workers(1)

    def answers(self) -> bool:
        """Whether the web process answers."""
        try:
            return self.api.call("GET", "/v1/tasks").is_success
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """One deployment for all tests of this module; each declares types of its own."""
    folder: Path = tmp_path_factory.mktemp("handlers")
    handler, port = ScriptedHandler(), free_port()
    environ = {"KONTOR_HANDLER_NETWORKS": "127.0.0.0/8", "PORT": str(port)}
    with owned_servers(folder / "servers") as servers, serving(handler) as url:
        migrate(servers.postgres.url)
        engine = create_engine(servers.endpoints.database_url)
        with Session(engine) as session:
            secret = keys.create(session, "test", SCOPES, SystemClock().now()).secret
            session.commit()
        settings = settings_of(servers, "handlers")
        with (
            fleet(settings, folder / "fleet", "relay", "worker", "web", environ=environ) as made,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http,
        ):
            deployment = Deployment(made, Caller(http, secret), handler, url)
            deployment.until_served()
            yield deployment
        engine.dispose()


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
    deployment: Deployment, name: str, answers: list[tuple[int, Any]], state: str, attempts: int, outcomes: list[str]
) -> None:
    deployment.declare_push(f"answer.{name}")
    job = deployment.run(f"answer.{name}", name, *answers)
    assert (job["state"], job["attempt"]) == (state, attempts)
    assert [outcome for (outcome,) in deployment.made.ask(OUTCOMES, [job["id"]])] == outcomes
    calls = deployment.handler.of(job["id"])
    assert [call.type for call in calls] == ["job.run"] * len(answers)
    assert {call.webhook_id for call in calls} == {job["id"]}


def test_handler_works_on_with_its_token_when_it_answered_202(deployment: Deployment) -> None:
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


def test_handler_is_asked_again_when_it_worked_on_without_a_heartbeat(deployment: Deployment) -> None:
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


@pytest.mark.parametrize(
    ("crash", "second", "state", "asked"),
    [
        ("rerun", (200, {"result": 2}), "succeeded", ["job.run", "job.run"]),
        ("verify", (200, {"state": "done", "result": 2}), "succeeded", ["job.run", "job.verify"]),
        ("verify", (200, {"state": "unknown"}), "dead", ["job.run", "job.verify"]),
        ("park", (200, None), "dead", ["job.run"]),
    ],
)
def test_policy_decides_when_kontor_is_killed_before_the_record(
    deployment: Deployment, crash: str, second: tuple[int, Any], state: str, asked: list[str]
) -> None:
    task, plan = f"killed.{crash}", f"{crash}-{state}"
    deployment.declare_push(task, crash=crash)
    deployment.handler.script(plan, (200, {"result": 1}), second)
    deployment.made.trap.set("effect.after")
    job_id = deployment.api.enqueue(task, plan)
    wait_for(lambda: any(member.dead for member in deployment.made.members), "the kill")
    for member in [each for each in deployment.made.members if each.dead]:
        deployment.made.replace(member)
    job = deployment.ended(job_id)
    calls = deployment.handler.of(job_id)
    assert (job["state"], [call.type for call in calls]) == (state, asked)
    assert {call.webhook_id for call in calls} == {job_id}


def test_another_worker_gets_the_job_when_a_puller_is_killed_or_hangs(deployment: Deployment) -> None:
    deployment.api.declare("pulled.hang", handler="pull")
    job_id = deployment.api.enqueue("pulled.hang", "x")
    first = deployment.api.lease("hung", "pulled.hang")
    assert deployment.made.ask(STALE)
    second = deployment.api.lease("other", "pulled.hang")
    assert (second["job"]["id"], second["job"]["attempt"]) == (job_id, 2)
    back = deployment.api.call("POST", f"/v1/leases/{first['lease']}/complete", {"result": "afterwards"})
    assert (back.status_code, back.json()["code"]) == (409, "lease_lost")
    deployment.api.ok("POST", f"/v1/leases/{second['lease']}/complete", {"result": "in time"})
    assert deployment.api.job(job_id)["result"] == "in time"


def test_lease_outlives_kontor_when_all_of_it_is_killed(deployment: Deployment) -> None:
    deployment.api.declare("pulled.kept", handler="pull")
    job_id = deployment.api.enqueue("pulled.kept", "x")
    leased = deployment.api.lease("steady", "pulled.kept")
    deployment.kill("web", "relay", "worker")
    deployment.until_served()
    deployment.api.ok("POST", f"/v1/leases/{leased['lease']}/heartbeat")
    deployment.api.ok("POST", f"/v1/leases/{leased['lease']}/complete", {"result": 1})
    job = deployment.api.job(job_id)
    assert (job["state"], job["attempt"], job["result"]) == ("succeeded", 1, 1)


def test_nothing_is_lost_and_order_is_kept_when_a_handler_is_down_for_long(deployment: Deployment) -> None:
    port = free_port()
    deployment.declare_push("down.long", handler={"push": f"http://127.0.0.1:{port}/kontor"}, lane="handler")
    ids = [deployment.api.enqueue("down.long", f"down-{number}") for number in range(5)]
    wait_for(lambda: bool(deployment.made.ask(OUTCOMES, [ids[0]])), "a call that nobody answers")
    handler = ScriptedHandler()
    with serving(handler, port):
        jobs = [deployment.ended(job_id) for job_id in ids]
    assert {(job["state"], job["attempt"]) for job in jobs} == {("succeeded", 1)}
    assert [call.data["job_id"] for call in handler.calls] == ids


def test_handler_is_asked_to_stop_when_its_job_is_cancelled(deployment: Deployment) -> None:
    deployment.declare_push("stop.work")
    deployment.handler.script("stop", (202, None), (200, None))
    job_id = deployment.api.enqueue("stop.work", "stop")
    wait_for(lambda: deployment.works_on(job_id), "the record of 202")
    deployment.api.ok("POST", f"/v1/jobs/{job_id}/cancel")
    assert deployment.ended(job_id)["state"] == "cancelled"
    assert [call.type for call in deployment.handler.of(job_id)] == ["job.run", "job.cancel"]
