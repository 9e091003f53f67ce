"""Nothing from outside enqueues Kontor's own tasks, whatever key it has (security.md 1.1)."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar
from uuid import uuid4

import pytest

from kontor.engine.catalogue import Catalogue, Payload, Policy
from kontor.engine.retry import RetryPolicy
from kontor.http.keys import Principal
from kontor.jobs.service import require_enqueuable
from kontor.kernel.errors import Forbidden
from kontor.kernel.states import TaskKind
from tasks.catalogue import PAYLOADS
from tests.support.api import ALL_SCOPES, Api, ResellerAccounts

INTERNAL = sorted(payload.policy.name for payload in PAYLOADS if payload.policy.internal)
ECHO = {"task": "probe.echo", "args": {}}
FORGED = {"action": "cancel", "actor": "operator:admin@kontor.example", "task": "probe.echo", "run": str(uuid4())}


class DeclaredTask(Payload):
    policy: ClassVar[Policy] = Policy("vps.create", "vps", TaskKind.EXTERNAL, RetryPolicy(), declared=True)


class OwnTask(Payload):
    policy: ClassVar[Policy] = Policy("own.task", "own", TaskKind.TRANSACTIONAL, RetryPolicy())


CATALOGUE = Catalogue([DeclaredTask, OwnTask])
UNBOUND = Principal(uuid4(), "system", frozenset({"enqueue"}))
BOUND = Principal(uuid4(), "reseller", frozenset({"enqueue"}), reseller_id=uuid4())


def refusal(caller: Principal, task: str) -> str | None:
    """The code of the refusal, None if the task may be enqueued."""
    try:
        require_enqueuable(CATALOGUE, caller, task)
    except Forbidden as error:
        return error.code
    return None


def test_internal_task_is_refused_when_any_key_asks(api: Api, make_accounts: Callable[[str], ResellerAccounts]) -> None:
    accounts = make_accounts("elbe")
    makers: list[Callable[[], str]] = [
        api.key,
        partial(api.key, *ALL_SCOPES, reseller_id=accounts.reseller),
        partial(api.key, "enqueue", account_id=accounts.client),
    ]
    before = api.ok("GET /v1/jobs?limit=1000")["items"]
    for make_key in makers:
        for task in INTERNAL:
            key = make_key()  # one for each task: a key may ask 200 times in a burst
            for args in ({}, FORGED, {"days": -1}):
                alone = api.call("POST /v1/jobs", {"task": task, "args": args}, key=key)
                batch = api.call("POST /v1/jobs/batch", {"jobs": [ECHO, {"task": task, "args": args}]}, key=key)
                codes = [(answer.status_code, answer.json()["code"]) for answer in (alone, batch)]
                assert codes == [(403, "task_internal")] * 2, task
    assert api.ok("GET /v1/jobs?limit=1000")["items"] == before


def test_internal_task_is_refused_before_an_unknown_one_in_the_same_batch(api: Api) -> None:
    jobs = [{"task": "no.such", "args": {}}, {"task": "jobs.bulk", "args": FORGED}]
    assert api.call("POST /v1/jobs/batch", {"jobs": jobs}).json()["code"] == "task_internal"


def test_probe_is_the_only_task_of_kontor_that_outsiders_enqueue(api: Api) -> None:
    tasks = api.ok("GET /v1/tasks")["items"]
    assert [task["name"] for task in tasks if not task["internal"]] == ["probe.echo"]


@pytest.mark.parametrize(
    ("caller", "task", "code"),
    [
        (UNBOUND, "vps.create", None),
        (BOUND, "vps.create", "task_not_public"),
        (UNBOUND, "own.task", "task_internal"),
        (BOUND, "own.task", "task_internal"),
        (BOUND, "no.such", None),
    ],
)
def test_internal_wins_over_not_public_when_a_key_asks_for_a_task(
    caller: Principal, task: str, code: str | None
) -> None:
    assert refusal(caller, task) == code


def test_schedule_runs_and_its_job_is_retried_when_an_operator_asks(api: Api) -> None:
    from kontor.engine.payloads import SCHEDULES
    from kontor.engine.schedules import declare

    with api.deps.sessions() as session:
        declare(session, SCHEDULES, api.deps.clock.now())
        session.commit()
    job = api.ok("POST /v1/schedules/upkeep.retention/run", {"reason": "full disk"})
    assert job["task"] == "upkeep.retention"
    assert api.ok(f"POST /v1/jobs/{job['id']}/cancel")["state"] == "cancelled"
    assert api.ok(f"POST /v1/jobs/{job['id']}/retry")["state"] == "queued"
