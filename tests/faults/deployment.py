"""Web, relay and worker as processes, and the handler that they call over real HTTP."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.rows.api import free_port
from kontor.adapters.clock import SystemClock
from kontor.adapters.settings import Settings
from kontor.operators import keys
from tests.faults.fleet import NOTHING, Fleet, fleet
from tests.faults.handler import Caller, ScriptedHandler, serving
from tests.support.polling import wait_for

SCOPES = ("admin", "enqueue", "read", "operate", "work")
OUTCOMES = "SELECT outcome FROM job_attempts WHERE job_id = %s ORDER BY seq"
WORKS_ON = "SELECT id FROM jobs WHERE id = %s AND state = 'running' AND worker LIKE 'push:%%'"
STALE = "UPDATE job_leases SET beat_at = beat_at - interval '61 seconds' RETURNING lease"
PROBE = "UPDATE lanes SET probe_at = clock_timestamp() WHERE state = 'open' AND probe_at IS NOT NULL RETURNING name"
ENDED = ("succeeded", "dead", "cancelled")


@dataclass(frozen=True, slots=True)
class HandlerFleet:
    """A deployment with a handler of declared tasks."""

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
            return self.api.job(job_id)["state"] in ENDED

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

    def replace_dead(self) -> None:
        """Start others for the processes that a trap killed."""
        for member in [each for each in self.made.members if each.dead]:
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


@contextmanager
def handler_fleet(
    settings: Settings, folder: Path, *more: str, environ: Mapping[str, str] = NOTHING
) -> Iterator[HandlerFleet]:
    """Start relay, worker and web, more roles if named, and the handler; the schema is there."""
    handler, port = ScriptedHandler(), free_port()
    variables = {"KONTOR_HANDLER_NETWORKS": "127.0.0.0/8", "PORT": str(port), **environ}
    secret = key_of(settings)
    with (
        serving(handler) as url,
        fleet(settings, folder, "relay", "worker", "web", *more, environ=variables) as made,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False, verify=False) as http,
    ):
        deployment = HandlerFleet(made, Caller(http, secret), handler, url)
        deployment.until_served()
        yield deployment


def key_of(settings: Settings) -> str:
    """Make an unbound key that may do everything."""
    engine = create_engine(settings.database_url)
    with Session(engine) as session:
        secret = keys.create(session, "test", SCOPES, SystemClock().now()).secret
        session.commit()
    engine.dispose()
    return secret
