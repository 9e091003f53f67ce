"""The deployment under attack: a running `kontor up`, keys of every kind, and the calls of a stranger."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from devtools.demo.deployment import Deployment, check, processes_titled, wait_for
from devtools.demo.world import World, running_world
from kontor.adapters.database_url import libpq_url
from workers.supervisor import kontor_command
from workers.up import free_port

EVERY_SCOPE = ("read", "enqueue", "work", "decide", "operate", "admin", "keys")
BOUND_SCOPES = ("read", "enqueue", "work", "operate", "keys")
START_SECONDS = 60.0
CALL_SECONDS = 60.0
PATIENCE = 30
"""How often a call is sent again that the rate of its key refuses."""


@dataclass(frozen=True, slots=True)
class AttackTarget:
    """A deployment with a full administrator's key; `short` leaves repetitions out."""

    world: World
    http: httpx.Client
    admin: str
    short: bool
    strict_url: str
    """A second web process of the deployment: private addresses are refused, the name server never answers."""
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def deployment(self) -> Deployment:
        """The running deployment."""
        return self.world.deployment

    def call(self, key: str | None, line: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send `METHOD /path` with a key; waits for the key's rate, which is not what is attacked."""
        method, path = line.split(" ", 1)
        all_headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            all_headers["Authorization"] = f"Bearer {key}"
        for _ in range(PATIENCE):
            content = {"content": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
            answer = self.http.request(method, path, headers=all_headers, **content)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or "api_rate" not in answer.text:
                return answer
            time.sleep(1)
        return answer

    def ok(self, line: str, body: Any = None, key: str | None = None) -> Any:
        """Send a request that must succeed, by default as the administrator; returns the parsed body."""
        answer = self.call(key or self.admin, line, body)
        check(f"{line}: {answer.status_code} {answer.text[:300]}", answer.is_success)
        return answer.json()

    def new_key(self, scopes: Sequence[str] = BOUND_SCOPES, **binding: str) -> str:
        """Return the secret of a new key; `binding`: `reseller_id`, `account_id` or `expires_at`."""
        made = self.ok("POST /v1/keys", {"name": "attack", "scopes": list(scopes), **binding})
        return str(made["secret"])

    def settle(self) -> None:
        """Do all that is due now."""
        self.world.move_to(self.world.now)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the deployment, whatever it exits with."""
        command = [sys.executable, str(kontor_command()), *arguments]
        environment = {**self.deployment.environ, **environ}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def web_pid(self) -> int | None:
        """Return the pid of the attacked web process, which `kontor up` forked; None if none is there."""
        port = f"PORT={urlsplit(self.deployment.url).port}".encode()
        for pid in processes_titled("kontor web"):
            with suppress(OSError):
                if port in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                    return pid
        return None

    def sql(self, statement: str) -> list[Any]:
        """Run a statement on the database, past Kontor; returns its rows, if it returns any."""
        import psycopg

        url = json.loads((self.deployment.data / "servers.json").read_text())["database_url"]
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running_target(*, short: bool) -> Iterator[AttackTarget]:
    """Start a deployment with the example programmes and a second web process; stop both at the end of the block."""
    with running_world() as world:
        scopes = [word for scope in EVERY_SCOPE for word in ("--scope", scope)]
        secret = world.deployment.kontor("keys", "create", "--name", "attack", *scopes)["secret"]
        with (
            strict_web(world.deployment) as strict_url,
            httpx.Client(base_url=world.deployment.url, timeout=CALL_SECONDS, trust_env=False, verify=False) as http,
        ):
            yield AttackTarget(world, http, secret, short, strict_url)


@contextmanager
def strict_web(deployment: Deployment) -> Iterator[str]:
    """Run one more web process as in production: only public addresses, and a name server that never answers."""
    port = free_port()
    environ = {
        **os.environ,
        **deployment.environ,
        "PORT": str(port),
        "KONTOR_ALLOW_PRIVATE_INSTANCES": "0",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }
    log = deployment.data / "strict-web.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "tests.attack.silent_names_web"]
        process = subprocess.Popen(command, env=environ, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for("the second web process", lambda: _is_ready(url, process, log), START_SECONDS)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _is_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    check(f"the second web process ended: {log.read_text()[-1000:]}", process.poll() is None)
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False, verify=False).is_success
    except httpx.TransportError:
        return False
