"""What each page of the console costs on a grown ledger: `python -m bench.console_reads --finished 10000000`.

The ledger is filled by the statements of `ledger_fill`, dead jobs and figures beside; pages are asked over HTTP as a
signed-in admin would. `--plans` prints the plan of every statement that takes over 20 ms.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx
import psycopg
from sqlalchemy import Engine, event, make_url

from adapters.embedded.sharing import shared_servers
from adapters.settings import Settings
from api.app import build
from api.deps import Deps
from bench.ledger_fill import CHUNK, FINISHED, QUEUED
from engine.control import Actor
from models.console import BulkAction
from services import bulk_runs, operators
from store import rollups
from store.jobs_read import JobQuery
from store.schema import migrate
from tests.api_world import served
from workers.web import web_deps

PASSWORD = "a password for the bench"
EMAIL = "bench@kontor.example"
REPEATS = 20
LIMIT_MS = 200
DEAD = """
INSERT INTO jobs (id, task, queue, tenant, priority, state, payload, run_at, max_attempts, attempt, created_at,
    finished_at, error, fingerprint, reason)
SELECT uuidv7(), 'mail.send', 'bench', 'tenant-' || n %% 100, 0, 'dead', jsonb_build_object('n', n), now(), 3, 3, now(),
    now(), jsonb_build_object('type', 'OSError', 'message', 'disk ' || n %% 40 || ' is full'), 'f' || n %% 40, 'failed'
FROM generate_series(1, %s) AS n
"""
PAGES = (
    "", "?span=day", "?span=week", "/jobs", "/jobs?state=queued", "/jobs?state=succeeded", "/jobs?state=dead",
    "/jobs?task=probe.echo", "/jobs?tenant=tenant-7", "/jobs?queue=bench&state=queued", "/jobs?error=disk+7",
    "/jobs?args.n=77", "/jobs?fingerprint=f7", "/dead", "/bulk", "/bulk/{run}", "/queues", "/queues/probe",
    "/schedules", "/workers", "/instances", "/mail", "/audit", "/people", "/keys", "/jobs/{job}",
)  # fmt: skip


def main() -> None:
    """Fill, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finished", type=int, default=1_000_000)
    parser.add_argument("--queued", type=int, default=100_000)
    parser.add_argument("--dead", type=int, default=20_000)
    parser.add_argument("--plans", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, shared_servers(Path(folder), "--scratch") as servers:
        migrate(servers.database_url)
        settings = Settings(
            data_dir=Path(folder), database_url=servers.database_url, redis_url=servers.redis_url,
            smtp_url="smtp://127.0.0.1:1", secret_key="a secret of the bench", namespace="bench",
        )  # fmt: skip
        fill(servers.database_url, given.finished, given.queued, given.dead)
        with web_deps(settings) as deps, visitor(deps) as http:
            run, job = prepared(deps)
            for page in PAGES:
                report(deps.engine, page, http, "/console" + page.format(run=run, job=job), plans=given.plans)
            preview(deps, http)


def fill(url: str, finished: int, queued: int, dead: int) -> None:
    """Jobs of 90 days, a backlog of 100 tenants, dead jobs in 40 groups, and their figures."""
    with psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        connection.autocommit = True
        connection.execute("SET synchronous_commit = off")
        for first in range(1, finished + 1, CHUNK):
            last = min(first + CHUNK - 1, finished)
            connection.execute(FINISHED, {"first": first, "last": last, "total": finished})
            print(f"finished jobs to {last:,}", flush=True)
        connection.execute(QUEUED, {"first": 1, "last": queued})
        connection.execute(DEAD, (dead,))
        connection.execute("VACUUM (ANALYZE) jobs, jobs_archive")
        now = datetime.now(UTC)
        rollups.roll(connection, (now - timedelta(days=7)).replace(second=0, microsecond=0), now, {"probe.echo": 30.0})


@contextmanager
def visitor(deps: Deps) -> Iterator[httpx.Client]:
    """A browser that is signed in."""
    with deps.sessions() as session:
        operators.create(
            session, deps.passwords, EMAIL, "admin", now=deps.clock.now(), actor="bench", password=PASSWORD
        )
        session.commit()
    with served(build(deps)) as url, httpx.Client(base_url=url, timeout=60) as http:
        form = http.get("/console/login").text
        ticket = re.search(r'name="ticket" value="([^"]+)"', form)
        assert ticket
        sent = {"email": EMAIL, "password": PASSWORD, "ticket": ticket[1], "next": "/console"}
        assert http.post("/console/login", data=sent).status_code == 303
        yield http


def prepared(deps: Deps) -> tuple[str, str]:
    """A preview of retrying every dead job, and any job."""
    with deps.sessions() as session:
        query = JobQuery(states=frozenset({"dead"}))
        run = bulk_runs.preview(session, deps.jobs, BulkAction.RETRY, query, Actor("bench"))
        session.commit()
        return str(run.id), str(run.job_id)


def report(engine: Engine, name: str, http: httpx.Client, path: str, *, plans: bool) -> None:
    """The median of 20, and what PostgreSQL took of it."""
    status = http.get(path).status_code
    samples, slow = [], list[tuple[float, str]]()
    with watched(engine, slow):
        for _ in range(REPEATS):
            began = time.monotonic()
            http.get(path)
            samples.append((time.monotonic() - began) * 1_000)
    middle = median(samples)
    mark = "" if middle < LIMIT_MS else "  OVER"
    print(f"{middle:8.1f} ms  {status}  {name or 'overview'}{mark}", flush=True)
    for took, statement in sorted(slow, reverse=True)[:3] if plans else ():
        print(f"    {took:7.1f} ms {' '.join(statement.split())[:160]}")


@contextmanager
def watched(engine: Engine, slow: list[tuple[float, str]]) -> Iterator[None]:
    """Collect the statements of SQLAlchemy that take over 20 ms."""
    began: list[float] = []

    def before(*_: object) -> None:
        began.append(time.monotonic())

    def after(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        took = (time.monotonic() - began.pop()) * 1_000
        if took > 20:
            slow.append((took, statement))

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


def preview(deps: Deps, http: httpx.Client) -> None:
    """What it costs to begin a preview on the page: the work itself is a job's."""
    page = http.get("/console").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    timed("begin a bulk preview", lambda: http.post(
        "/console/bulk", data={"csrf": csrf[1], "action": "retry", "filter": "state=dead&fingerprint=f7"}
    ))  # fmt: skip


def timed(name: str, action: Callable[[], object]) -> None:
    """The median of 20."""
    samples = []
    for _ in range(REPEATS):
        began = time.monotonic()
        action()
        samples.append((time.monotonic() - began) * 1_000)
    print(f"{median(samples):8.1f} ms       {name}")


if __name__ == "__main__":
    main()
