"""One running Kontor for the client libraries: web and relay as processes, restarted where a test asks for it."""

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.rows.api import free_port
from kontor.adapters.clock import SystemClock
from kontor.adapters.settings import Settings
from kontor.operators import keys
from tests.conftest import Servers, copied, new_namespace
from tests.faults.fleet import Fleet, fleet
from tests.faults.handler import Caller
from tests.support.polling import wait_for
from tests.support.wiring import SECRET

SCOPES = ("admin", "enqueue", "read", "operate", "work")
PROGRAMME = """
name: Data centre
locale: en
currency: EUR
timezone: UTC
terms: {version: "1"}
sender: {name: Data centre, address: noreply@centre.example}
billing: {mode: prepaid}
plans: {free: {name: Free}}
discount: {kind: flat, percent: 10}
products:
  server:
    name: Server
    price: "30.00"
    provisioning: {create: srv.create, suspend: srv.suspend, resume: srv.resume, terminate: srv.terminate}
    config: {type: object, properties: {region: {enum: [eu, us]}, password: {type: string, writeOnly: true}}}
    term: P1M
    renewal: manual
    grace: P3D
"""
VERBS = ("create", "suspend", "resume", "terminate")
TYPE: dict[str, Any] = {"handler": "pull", "lane": "none", "retry": {"max_attempts": 3, "base": "100ms", "cap": "1s"}}


@dataclass
class RunningKontor:
    """Web and relay, an admin's key, and what tests make there."""

    made: Fleet
    url: str
    api: Caller
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def declare(self, task: str, **members: Any) -> str:
        """Declare a pull type; return its name."""
        self.api.ok("PUT", f"/v1/task-types/{task}", {**TYPE, **members})
        return task

    def key(self, *scopes: str, **bound: Any) -> str:
        """Create a key; return its secret."""
        name = f"client {next(self.numbers)}"
        return str(self.api.ok("POST", "/v1/keys", {"name": name, "scopes": list(scopes), **bound})["secret"])

    def enqueue(self, task: str, **args: Any) -> str:
        """Enqueue a job; return its id."""
        return str(self.api.ok("POST", "/v1/jobs", {"task": task, "args": args})["id"])

    def ended(self, job_id: str, *states: str) -> dict[str, Any]:
        """Wait until a job is over, or in one of these states; return it."""
        states_in_question = states or ("succeeded", "dead", "cancelled")
        wait_for(lambda: self.api.job(job_id)["state"] in states_in_question, f"the end of {job_id}", 30)
        return self.api.job(job_id)

    def answers(self) -> bool:
        """Whether the web process answers."""
        with suppress(httpx.TransportError):
            return self.api.call("GET", "/v1/tasks").is_success
        return False

    def kill(self, *roles: str) -> Callable[[], None]:
        """Kill processes; return what starts them again and waits until they answer."""
        killed = [member for member in self.made.members if member.role in roles]
        for member in killed:
            member.send_signal(signal.SIGKILL)
            member.process.join()

        def start() -> None:
            for member in killed:
                self.made.replace(member)
            wait_for(self.answers, "the web process", 30)

        return start

    def reseller(self, balance: str = "1000.00") -> str:
        """Create a reseller of `centre` with money; return its id."""
        name = f"Reseller {next(self.numbers)}"
        new = {"programme": "centre", "name": name, "admin_email": f"r{next(self.numbers)}@reseller.example"}
        reseller = str(self.api.ok("POST", "/v1/accounts", new)["id"])
        self.api.ok("POST", f"/v1/accounts/{reseller}/become-reseller")
        payment = {
            "amount": {"amount": balance, "currency": "EUR"},
            "paid_at": SystemClock().now().isoformat(),
            "reference": f"P-{next(self.numbers)}",
            "kind": "payment",
        }
        self.api.ok("POST", f"/v1/resellers/{reseller}/payments", payment)
        return reseller


def node() -> str:
    """Return the program node; skip the test where there is none."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no node on this machine (Debian: apt-get install nodejs)")
    return program


@pytest.fixture(scope="session")
def kontor(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKontor]:
    """A deployment of the whole run; each test has task types and resellers of its own.

    Each worker of xdist has one of these at the same Redis, so its namespace is not the name of a folder.
    """
    folder: Path = tmp_path_factory.mktemp("clients")
    port = free_port()
    with copied(servers, template) as database_url:
        settings = Settings(
            data_dir=folder, database_url=database_url, redis_url=servers.redis_url, smtp_url="smtp://127.0.0.1:1",
            secret_key=SECRET, namespace=new_namespace(), allow_private_instances=True,
        )  # fmt: skip
        engine = create_engine(database_url)
        with Session(engine) as session:
            secret = keys.create(session, "test", SCOPES, SystemClock().now()).secret
            session.commit()
        engine.dispose()
        url = f"http://127.0.0.1:{port}"
        with (
            fleet(settings, folder / "fleet", "relay", "web", environ={"PORT": str(port)}) as made,
            httpx.Client(base_url=url, timeout=60, verify=False) as http,
        ):
            running = RunningKontor(made, url, Caller(http, secret))
            wait_for(running.answers, "the web process", 60)
            for verb in VERBS:
                running.declare(f"srv.{verb}")
            headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/yaml"}
            http.post("/v1/programmes/centre", content=PROGRAMME, headers=headers).raise_for_status()
            yield running
