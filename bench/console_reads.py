"""What each page of the console costs on a grown ledger: `python -m bench.console_reads --finished 10000000`.

What it is filled with is said in `console_fill`; pages are asked over HTTP as a
signed-in admin would. `--plans` prints the plan of every statement that takes over 20 ms.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
from sqlalchemy import Engine, event

from bench.console_fill import client, fill_books, fill_jobs, offer
from bench.daily_fill import reseller
from kontor.adapters.embedded.endpoints import shared_servers
from kontor.adapters.settings import Settings
from kontor.audit import Actor
from kontor.bulk import service as bulk
from kontor.engine.admin.job_filter import JobFilter
from kontor.http.context import Deps
from kontor.kernel.states import BulkAction
from kontor.operators import service as operators
from tests.support.api import running_server
from workers.migrations import migrate
from workers.web import web_deps
from workers.web_app import build

PASSWORD = "a password for the bench"
EMAIL = "bench@kontor.example"
REPEATS = 20
LIMIT_MS = 200
PAGES = (
    "", "?span=day", "?span=week", "/jobs", "/jobs?state=queued", "/jobs?state=succeeded", "/jobs?state=dead",
    "/jobs?task=probe.echo", "/jobs?tenant=tenant-7", "/jobs?queue=bench&state=queued", "/jobs?error=disk+7",
    "/jobs?args.n=77", "/jobs?fingerprint=f7", "/dead", "/bulk", "/bulk/{run}", "/queues", "/queues/probe",
    "/schedules", "/workers", "/instances", "/mail", "/audit", "/people", "/keys", "/jobs/{job}",
    "/accounts", "/accounts?q=r777", "/accounts?q=nobody", "/accounts/{reseller}", "/accounts/{client}",
    "/offers/{offer}", "/resellers/{reseller}/discount", "/reconciliation", "/programmes",
    "/mail/gallery", "/mail/gallery?q=r777", "/mail/gallery/offer-received/ru?brand={reseller}",
    "/mail/gallery/offer-received/ru/frame?brand={reseller}",
)  # fmt: skip


def main() -> None:
    """Fill, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finished", type=int, default=1_000_000)
    parser.add_argument("--queued", type=int, default=100_000)
    parser.add_argument("--dead", type=int, default=20_000)
    parser.add_argument(
        "--resellers", type=int, default=20_000, help="each with 30 payments; the first has 50,000 clients"
    )
    parser.add_argument("--plans", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, shared_servers(Path(folder), "--scratch") as servers:
        migrate(servers.database_url)
        settings = Settings(
            data_dir=Path(folder), database_url=servers.database_url, redis_url=servers.redis_url,
            smtp_url="smtp://127.0.0.1:1", secret_key="a secret of the bench and of some length", namespace="bench",
        )  # fmt: skip
        fill_jobs(servers.database_url, options.finished, options.queued, options.dead)
        fill_books(servers.database_url, options.resellers)
        with web_deps(settings) as deps, visitor(deps) as http:
            run, job = prepared(deps)
            ids = {"run": run, "job": job, "reseller": reseller(1), "client": client(1), "offer": offer(1)}
            for page in PAGES:
                report(deps.engine, page, http, "/console" + page.format_map(ids), plans=options.plans)
            preview(deps, http)


@contextmanager
def visitor(deps: Deps) -> Iterator[httpx.Client]:
    """A browser that is signed in."""
    with deps.sessions() as session:
        operators.create(
            session, deps.passwords, EMAIL, "admin", now=deps.clock.now(), actor="bench", password=PASSWORD
        )
        session.commit()
    with running_server(build(deps)) as url, httpx.Client(base_url=url, timeout=60) as http:
        form = http.get("/console/login").text
        ticket = re.search(r'name="ticket" value="([^"]+)"', form)
        assert ticket
        sent = {"email": EMAIL, "password": PASSWORD, "ticket": ticket[1], "next": "/console"}
        assert http.post("/console/login", data=sent).status_code == 303
        yield http


def prepared(deps: Deps) -> tuple[str, str]:
    """A preview of retrying every dead job, and any job."""
    with deps.sessions() as session:
        query = JobFilter(states=frozenset({"dead"}))
        run = bulk.preview(session, deps.jobs, BulkAction.RETRY, query, Actor("bench"))
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
