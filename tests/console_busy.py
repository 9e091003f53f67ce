"""A busier console, for pictures and for reading by machines: figures, turns, a preview, a worker at work."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from uuid import UUID

from sqlalchemy import func, select

from api.deps import Deps
from engine.control import Actor
from models.console import BulkAction, JobRollup
from models.control import WorkerProcess
from models.jobs import Job
from services import bulk_runs
from store.jobs_read import JobQuery
from tests.api_world import Api, Shop
from tests.console_engine import works
from tests.console_world import bury, put_job

TASKS = (
    ("mail.send", "mail", 900, 0.4),
    ("offers.deliver", "offers", 300, 1.8),
    ("webhooks.deliver", "webhooks", 250, 0.9),
    ("mail.digest", "mail", 60, 22.0),
    ("fees.charge_range", "fees", 40, 4.0),
)


def figures(deps: Deps) -> None:
    """A week of work, busier by day than by night."""
    chance, now = Random(7), deps.clock.now().replace(second=0, microsecond=0)
    with deps.sessions() as session:
        for size, step, count in (("minute", timedelta(minutes=1), 60), ("hour", timedelta(hours=1), 168)):
            for number in range(1, count):
                at = now - number * step
                at = at.replace(minute=0) if size == "hour" else at
                busy = 1.0 if 7 <= at.hour < 19 else 0.15
                for task, queue, most, wait in TASKS:
                    done = round(most * busy * chance.uniform(0.4, 1.0))
                    late = done // 12 if number == 9 and task == "offers.deliver" else 0
                    slow = 4 if wait > 10 else 3 if wait > 1 else 2
                    waits = [0] * 8
                    waits[slow - 1], waits[slow], waits[5] = done // 3, done - done // 3 - late, late
                    session.add(
                        JobRollup(
                            size=size, starts_at=at, task=task, queue=queue, succeeded=done, cancelled=done // 50,
                            late=late, wait_sum=done * wait, wait_max=wait * 9, run_sum=done * wait / 3,
                            run_max=wait * 4, waits=waits,
                        )
                    )  # fmt: skip
        session.commit()


def at_work(deps: Deps, tenants: tuple[str, ...]) -> None:
    """Jobs of several tenants, some done, some waiting; one worker drains, one runs something."""
    for tenant in tenants:
        for number in range(6):
            with deps.sessions() as session:
                deps.jobs.enqueue(session, "probe.echo", {"message": f"{number}"}, tenant=tenant)
                session.commit()
    with works(deps) as engine:
        engine.inline.drain()
    running = put_job(deps, "takes a while", seconds=40)
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


def trouble(api: Api, deps: Deps, shops: Sequence[Shop]) -> None:
    """Mails, calls and what is done already, dead of a full disk."""
    line = {"product": "excel-basics", "count": 5, "mode": "relative", "term": "P1Y"}
    for shop in shops:
        offer = {"reseller_id": str(shop.reseller), "account_id": str(shop.client), "lines": [line]}
        made = [api.ok("POST /v1/offers", offer)["id"] for _ in range(3)]
        api.ok(f"POST /v1/offers/{made[0]}/cancel")
        api.ok(f"POST /v1/accounts/{shop.client}/activation")
    names = ("offers.deliver", "offers.withdraw", "mail.send")
    with deps.sessions() as session:
        ids = list(session.scalars(select(Job.id).where(Job.task.in_(names), Job.state == "queued")))
    for job_id in ids:
        bury(deps, job_id, OSError("[Errno 28] No space left on device"))


def previewed(deps: Deps, email: str) -> UUID:
    """A finished preview of retrying every dead job."""
    actor = Actor(f"operator:{email}", "console 10.0.0.7")
    with deps.sessions() as session:
        query = JobQuery(states=frozenset({"dead"}))
        run = bulk_runs.preview(session, deps.jobs, BulkAction.RETRY, query, actor)
        session.commit()
    with works(deps) as engine:
        while engine.inline.tick():
            with deps.sessions() as session:
                if not session.scalar(select(func.count()).where(Job.task == "jobs.foresee", Job.state == "queued")):
                    break
    return run.id
