"""Who may have what done: Kontor's own tasks, other people's names, and arguments out of their range."""

import json
from collections.abc import Iterator
from typing import Any, Final

from tests.attack.attempts import Attempts
from tests.attack.console import BrowserSession, sign_in
from tests.attack.target import EVERY_SCOPE, AttackTarget
from tests.attack.tenants import create_tenant

FORGED: Final = "operator:somebody.else@kontor.example"
SCOPE_SETS: Final = (
    ("enqueue",), ("read", "enqueue"), ("enqueue:*",), ("read", "enqueue", "operate"), ("read", "decide", "enqueue"),
    EVERY_SCOPE,
)  # fmt: skip
FORGED_ARGS: Final[dict[str, dict[str, Any]]] = {
    "jobs.bulk": {"action": "cancel", "actor": FORGED, "reason": "forged", "task": "probe.echo"},
    "upkeep.retention": {"days": -1},
    "mail.send": {"mail_id": "00000000-0000-0000-0000-000000000000"},
}
ODD_JOBS: Final[tuple[dict[str, Any], ...]] = (
    {"args": {"seconds": -1}}, {"args": {"seconds": 61}}, {"args": {"seconds": "x"}}, {"args": {"actor": FORGED}},
    {"args": {"seconds": 1e308}}, {"args": {"message": ["list"]}}, {"args": [1]}, {"priority": 10}, {"priority": -1},
    {"priority": True}, {"run_at": "2026-01-01T00:00:00"}, {"queue": "no-such-queue"}, {"actor": FORGED},
    {"created_by": FORGED}, {"state": "succeeded"}, {"max_attempts": 10_000}, {"account_id": "x"},
    {"unique_key": "k" * 10_000}, {"id": "00000000-0000-0000-0000-000000000000"},
)  # fmt: skip
ODD_LISTS: Final = (
    "/v1/jobs?limit=0", "/v1/jobs?limit=1001", "/v1/jobs?limit=-1", "/v1/jobs?limit=1e3", "/v1/jobs?state=nothing",
    "/v1/jobs?cursor=%00", "/v1/jobs?created_after=yesterday", "/v1/accounts?limit=99999999999999999999",
    "/v1/events?after=-1", "/v1/events?after=99999999999999999999999", "/v1/offers?state=%27%20OR%201=1",
)  # fmt: skip


def internal_tasks(target: AttackTarget, attempts: Attempts) -> None:
    """Enqueue each of Kontor's own tasks with keys of every kind: alone, in a batch, awaited, deduplicated."""
    tenant = create_tenant(target, "inner", furnished=False)
    tasks = target.ok("GET /v1/tasks")["items"]
    own = sorted({task["name"] for task in tasks if not task["public"]} | FORGED_ARGS.keys())
    for word, key in _keys(target, tenant.reseller, tenant.client):
        for task in own[:: 6 if target.short else 1]:
            job = {"task": task, "args": FORGED_ARGS.get(task, {})}
            attempts.status(f"{word}: enqueue {task}", target.call(key, "POST /v1/jobs", job), 403)
        job = {"task": "jobs.bulk", "args": FORGED_ARGS["jobs.bulk"]}
        public = {"task": "probe.echo", "args": {}}
        for line, body in (
            ("POST /v1/jobs?wait=1", job),
            ("POST /v1/jobs/batch", {"jobs": [job]}),
            ("POST /v1/jobs/batch", {"jobs": [public, job]}),
            ("POST /v1/jobs", {**job, "queue": "probe"}),
            ("POST /v1/jobs", {**job, "unique_key": "x", "account_id": tenant.client}),
            ("POST /v1/jobs", {**job, "task": " jobs.bulk"}),
            ("POST /v1/jobs", {**job, "task": "JOBS.BULK"}),
        ):
            attempts.refused(f"{word}: {line} jobs.bulk", target.call(key, line, body))


def _keys(target: AttackTarget, reseller: str, client: str) -> Iterator[tuple[str, str]]:
    for scopes in SCOPE_SETS[:: 3 if target.short else 1]:
        yield "+".join(scopes), target.new_key(scopes)
    bound = ("read", "enqueue", "operate")
    yield "reseller", target.new_key(bound, reseller_id=reseller)
    yield "client", target.new_key(bound, account_id=client)


def forged_actors(target: AttackTarget, attempts: Attempts) -> None:
    """Act in another person's name: by an argument, a field, a header, or by editing a job and running it again."""
    tenant = create_tenant(target, "forger", furnished=False)
    owner = create_tenant(target, "owner", furnished=False)
    job = {"task": "probe.echo", "args": {}, "run_at": "2099-01-01T00:00:00Z", "tenant": owner.reseller}
    victim = target.ok("POST /v1/jobs", job)["id"]
    headers = {"X_Actor": FORGED, "X_Forwarded_User": FORGED, "X_Remote_User": FORGED, "From": FORGED}
    for key in (target.new_key(("read", "enqueue")), tenant.key, tenant.client_key):
        bulk = {"action": "cancel", "filter": {"task": "probe.echo"}, "actor": FORGED}
        attempts.refused("bulk with an actor", target.call(key, "POST /v1/jobs/bulk", bulk))
        answer = target.call(key, f"POST /v1/jobs/{victim}/cancel", {"reason": "forged", "actor": FORGED})
        attempts.refused("cancel with an actor", answer)
        answer = target.call(key, f"POST /v1/jobs/{victim}/cancel", {"reason": "forged"}, **headers)
        attempts.refused("cancel with headers", answer)
    state = target.ok(f"GET /v1/jobs/{victim}")["state"]
    attempts.held("the victim's job", state == "scheduled", state)
    admin = sign_in(target, "admin")
    _run_again(target, admin, attempts)
    attempts.absent("the audit log", admin.get("/console/audit.csv").text, FORGED)


def _run_again(target: AttackTarget, admin: BrowserSession, attempts: Attempts) -> None:
    """Edit jobs of Kontor's own tasks in the console and run them again."""
    bulk = {"action": "retry", "filter": {"task": "probe.echo", "state": ["dead"]}, "reason": "to be edited"}
    target.ok("POST /v1/jobs/bulk", bulk)
    target.settle()
    jobs = [job for job in target.ok("GET /v1/jobs?limit=200")["items"] if job["task"] != "probe.echo"]
    first = {job["task"]: job["id"] for job in jobs}
    for task, job_id in first.items():
        form = {"args": json.dumps({"action": "cancel", "actor": FORGED}), "reason": "forged"}
        answer = admin.post(f"/console/jobs/{job_id}/again", form)
        attempts.refused(f"edit and run {task} again", answer)
    attempts.held("jobs to edit", first, "there were none")


def argument_ranges(target: AttackTarget, attempts: Attempts) -> None:
    """Send arguments and filters out of their range to what outsiders may call."""
    tenant = create_tenant(target, "ranger", furnished=False)
    for word, key in (("admin", target.admin), ("reseller", tenant.key)):
        for odd in ODD_JOBS:
            job = {"task": "probe.echo", "args": {}, **odd}
            attempts.refused(f"{word}: job {odd}", target.call(key, "POST /v1/jobs", job))
        for path in ODD_LISTS:
            attempts.refused(f"{word}: {path}", target.call(key, f"GET {path}"))
        attempts.refused(f"{word}: a batch too long", target.call(key, "POST /v1/jobs/batch", {"jobs": [{}] * 10_001}))
        answer = target.call(key, "POST /v1/jobs?wait=31", {"task": "probe.echo", "args": {}})
        attempts.refused(f"{word}: a long wait", answer)
        names = {f"unknown{number}": number for number in range(2_000)}
        answer = target.call(key, "POST /v1/jobs", {"task": "probe.echo", "args": names})
        attempts.refused(f"{word}: unknown arguments", answer)
        attempts.held(f"{word}: at most 100 errors", len(answer.json().get("errors", ())) <= 100, len(answer.text))
    for body in (b"[" * 100_000, b"NaN", b'{"task": 1' + b"0" * 1_000_000 + b"}", b"\xff\xfe", b'{"a":1,"a":2}'):
        headers = {"Content_Type": "application/json"}
        answer = target.call(target.admin, "POST /v1/jobs", body, **headers)
        attempts.refused(f"body {body[:12]!r}", answer)
