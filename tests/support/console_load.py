"""Fills a console for screenshots and accessibility checks: job stats, fairness, a preview, a busy worker."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from uuid import UUID

from sqlalchemy import func, select

from kontor.audit import Actor
from kontor.bulk import service as bulk
from kontor.engine.admin.job_filter import JobFilter
from kontor.http.context import Deps
from kontor.kernel.states import BulkAction
from models.console import JobRollup
from models.control import WorkerProcess
from models.jobs import Job
from tests.support.api import Api, ResellerAccounts
from tests.support.console import enqueue_probe, mark_dead
from tests.support.worker import running_worker

TASKS = (
    ("mail.send", "mail", 900, 0.4),
    ("offers.deliver", "offers", 300, 1.8),
    ("webhooks.deliver", "webhooks", 250, 0.9),
    ("mail.digest", "mail", 60, 22.0),
    ("fees.charge_range", "fees", 40, 4.0),
)


def add_job_stats(deps: Deps) -> None:
    """Add a week of job stats, busier by day than by night."""
    chance, now = Random(7), deps.clock.now().replace(second=0, microsecond=0)
    with deps.sessions() as session:
        for size, step, count in (("minute", timedelta(minutes=1), 60), ("hour", timedelta(hours=1), 168)):
            for number in range(1, count):
                at = now - number * step
                at = at.replace(minute=0) if size == "hour" else at
                busy = 1.0 if 7 <= at.hour < 19 else 0.15
                for task, queue, most, wait in TASKS:
                    done = round(most * busy * chance.uniform(0.4, 1.0))
                    overdue = done // 12 if number == 9 and task == "offers.deliver" else 0
                    slow = 4 if wait > 10 else 3 if wait > 1 else 2
                    waits = [0] * 8
                    waits[slow - 1], waits[slow], waits[5] = done // 3, done - done // 3 - overdue, overdue
                    session.add(
                        JobRollup(
                            size=size, starts_at=at, task=task, queue=queue, succeeded=done, cancelled=done // 50,
                            overdue=overdue, wait_sum=done * wait, wait_max=wait * 9, run_sum=done * wait / 3,
                            run_max=wait * 4, waits=waits,
                        )
                    )  # fmt: skip
        session.commit()


def add_running_work(deps: Deps, tenants: tuple[str, ...]) -> None:
    """Add finished and waiting jobs of several tenants, one draining worker and one with a running job."""
    for tenant in tenants:
        for number in range(6):
            with deps.sessions() as session:
                deps.jobs.enqueue(session, "probe.echo", {"message": f"{number}"}, tenant=tenant)
                session.commit()
    with running_worker(deps) as worker:
        worker.inline.drain()
    running = enqueue_probe(deps, "takes a while", seconds=40)
    with deps.sessions() as session:
        for name, host, draining in (("web-2-9f31c2", "web-2", False), ("web-3-0b77aa", "web-3", True)):
            session.add(
                WorkerProcess(
                    id=name, host=host, pid=811, version="0", threads=8, queues=["mail", "offers", "probe"],
                    started_at=func.clock_timestamp() - timedelta(days=3), heartbeat_at=func.clock_timestamp(),
                    memory_bytes=97_000_000, draining=draining,
                )
            )  # fmt: skip
        job = session.get_one(Job, running)
        job.state, job.worker, job.started_at = "running", "web-2-9f31c2", deps.clock.now() - timedelta(seconds=31)
        session.commit()


def add_dead_jobs(api: Api, deps: Deps, resellers: Sequence[ResellerAccounts]) -> None:
    """Add dead mail and call jobs, some of them obsolete, all failed by a full disk."""
    line = {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}
    for accounts in resellers:
        offer = {"reseller_id": str(accounts.reseller), "account_id": str(accounts.client), "lines": [line]}
        offers = [api.ok("POST /v1/offers", offer)["id"] for _ in range(3)]
        api.ok(f"POST /v1/offers/{offers[0]}/cancel")
        api.ok(f"POST /v1/accounts/{accounts.client}/activation")
    names = ("offers.deliver", "offers.withdraw", "mail.send")
    with deps.sessions() as session:
        ids = list(session.scalars(select(Job.id).where(Job.task.in_(names), Job.state == "queued")))
    for job_id in ids:
        mark_dead(deps, job_id, OSError("[Errno 28] No space left on device"))


def create_preview(deps: Deps, email: str) -> UUID:
    """Run a preview of retrying every dead job to its end."""
    actor = Actor(f"operator:{email}", "console 10.0.0.7")
    with deps.sessions() as session:
        query = JobFilter(states=frozenset({"dead"}))
        run = bulk.preview(session, deps.jobs, BulkAction.RETRY, query, actor)
        session.commit()
    with running_worker(deps) as worker:
        while worker.inline.tick():
            with deps.sessions() as session:
                if not session.scalar(select(func.count()).where(Job.task == "jobs.foresee", Job.state == "queued")):
                    break
    return run.id
