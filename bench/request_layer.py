"""POST /v1/jobs through our pipeline and through FastAPI's dependencies (ADR 9): `python -m bench.request_layer`.

The same key, body, statements, commit and answer, called as ASGI applications in one process, without sockets.
Each pair works once under a SQLAlchemy Session and once on the driver's connection.
"""

import argparse
import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from psycopg import Connection
from sqlalchemy.orm import Session

from bench.environment import ROOT, open_environment
from bench.kontor import DATABASE, environ, make_schema
from bench.load_client import BODY
from bench.processes import Failed
from bench.rows.api import make_key
from kontor.adapters.settings import load, settings_for
from kontor.engine.enqueue import EnqueueResult, JobRequest
from kontor.http.context import Deps, RoutePolicy
from kontor.http.keys import Principal, authenticate
from kontor.http.routing import Routes, flat
from kontor.jobs import service
from kontor.jobs.routes import enqueue_job
from kontor.jobs.schemas import JobIn, JobOut, WaitQuery, job_out
from kontor.kernel.database import psycopg_connection
from models.keys import Scope
from workers.web import web_deps
from workers.web_app import build

PATH = "/v1/jobs"
Work = Session | Connection[Any]
Sample = tuple[float, float]


def pipeline(deps: Deps, *, session: bool) -> FastAPI:
    """The API as `kontor web` serves it; `session` sends the route under a Session, as all the others are."""
    app = build(deps)
    if session:
        ours = Routes("jobs")
        ours.post(PATH, RoutePolicy(Scope.ENQUEUE), response=JobOut, status=202)(enqueue_job)
        app.router.routes[:0] = flat([ours])
    return app


def dependencies(deps: Deps, *, session: bool) -> FastAPI:
    """The same route as FastAPI's tutorial writes it."""
    app = FastAPI()

    def work() -> Iterator[Work]:
        with deps.sessions() if session else deps.connection() as opened:
            yield opened

    def caller(
        opened: Annotated[Work, Depends(work)], key: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]
    ) -> Principal:
        connection = psycopg_connection(opened) if isinstance(opened, Session) else opened
        return authenticate(connection, key.credentials, deps.clock.wall_time(), "127.0.0.1")

    def enqueue(opened: Work, request: JobRequest) -> EnqueueResult:
        if isinstance(opened, Session):
            return deps.jobs.enqueue_request(opened, request)
        return deps.jobs.enqueue_on(opened, request)

    @app.post(PATH, status_code=202, response_model=JobOut)
    def create(
        body: JobIn,
        query: Annotated[WaitQuery, Depends()],
        opened: Annotated[Work, Depends(work)],
        who: Annotated[Principal, Depends(caller)],
    ) -> JobOut:
        service.require_enqueuable(deps.jobs.catalogue, who, body.task)
        request = JobRequest(body.task, body.args, tenant=who.tenant or body.tenant or "", unique_key=body.unique_key)
        document = job_out(service.new_view(deps.jobs, request, enqueue(opened, request).id))
        opened.commit()
        deps.jobs.doorbell.ring()
        return document

    return app


async def call(app: FastAPI, key: str) -> int:
    """One request; its status."""
    headers = {
        "host": "localhost",
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "content-length": str(len(BODY)),
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    parts = iter([{"type": "http.request", "body": BODY, "more_body": False}])
    never = asyncio.Event()
    statuses: list[int] = []

    async def receive() -> Mapping[str, Any]:
        for part in parts:
            return part
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(event: Mapping[str, Any]) -> None:
        if event["type"] == "http.response.start":
            statuses.append(event["status"])

    await app(scope, receive, send)  # type: ignore[arg-type]  # a plain dict is what servers pass
    return statuses[0]


async def sample(app: FastAPI, key: str, count: int) -> Sample:
    """Microseconds of this process's processor time, and of time, for each request. Raises Failed."""
    began, used = time.perf_counter(), time.process_time()
    statuses = {await call(app, key) for _ in range(count)}
    took = (time.process_time() - used) / count * 1e6, (time.perf_counter() - began) / count * 1e6
    if statuses != {202}:
        raise Failed(f"answers were {statuses}")
    return took


async def measure(apps: Mapping[str, FastAPI], key: str, rounds: int, count: int) -> dict[str, list[Sample]]:
    """Samples of each application, taken in turn; the order is reversed with each round."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    for app in apps.values():
        await sample(app, key, count)
    for number in range(rounds):
        for name in sorted(apps, reverse=number % 2 == 1):
            samples[name].append(await sample(apps[name], key, count))
    return samples


def report(samples: Mapping[str, Sequence[Sample]]) -> Iterator[str]:
    """Medians, and each application's share of the pipeline's with the range over the rounds."""
    yield f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    for name, taken in samples.items():
        base = samples[f"pipeline {name.partition(' ')[2]}"]
        quotients = sorted(mine[0] / theirs[0] for mine, theirs in zip(taken, base, strict=True))
        processor, wall = (median(sample[n] for sample in taken) for n in (0, 1))
        spread = f"{quotients[0]:.2f} - {quotients[-1]:.2f}"
        yield f"{name:24} processor {processor:7.0f} us  time {wall:7.0f} us  x {median(quotients):.2f} ({spread})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.request_layer", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=300)
    options = parser.parse_args()
    folder = Path(os.environ.get("KONTOR_DATA_DIR", ROOT / ".kontor")).resolve() / "bench"
    with open_environment(folder, Path(sys.executable)) as environment:
        make_schema(environment)
        key = make_key(environment, DATABASE, "enqueue")
        os.environ.update(environ(environment))
        with settings_for(load()) as settings, web_deps(settings) as deps:
            apps = {
                f"{name} {way}": make(deps, session=way == "Session")
                for way in ("Session", "connection")
                for name, make in (("pipeline", pipeline), ("dependencies", dependencies))
            }
            for line in report(asyncio.run(measure(apps, key, options.rounds, options.requests))):
                print(line)
        environment.drop(DATABASE)


if __name__ == "__main__":
    main()
