"""The stage: a deployment of its own in a temporary folder, spoken to only from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import httpx

from workers.demo.mailbox import Letter, letters
from workers.instance import SampleInstance
from workers.instance_book import CallBook
from workers.up import free_port

PATIENCE = 30.0
LOOK_SECONDS = 0.02
START = "2026-03-02T09:00:00+01:00"


class DemoFailed(Exception):
    """A story did not end as it has to."""


T = TypeVar("T")


def wait_for(what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """Look until there is something. Raises DemoFailed when it takes too long."""
    deadline = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {patience:g} s in vain for {what}")
        time.sleep(LOOK_SECONDS)


@dataclass(slots=True)
class World:
    """A running deployment, its API key, and the customers' instances."""

    data: Path
    environ: dict[str, str]
    api: httpx.Client
    process: subprocess.Popen[bytes]
    instances: list[SampleInstance] = field(default_factory=list)

    def kontor(self, *arguments: str) -> Any:
        """Run a command beside the deployment; its JSON document."""
        command = [sys.executable, str(kontor_command()), *arguments]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DemoFailed(f"kontor {' '.join(arguments)}: {done.stderr.strip()}")
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    def call(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """Call the API; the document. Raises DemoFailed on an unexpected status."""
        answer = self.api.request(method, path, json=body)
        if answer.status_code != expect and (expect is not None or answer.is_error):
            raise DemoFailed(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def instance(self, account: str) -> SampleInstance:
        """Give an account a system of its own, reachable over HTTP."""
        made = SampleInstance(CallBook()).start()
        self.instances.append(made)
        told = self.call("PUT", f"/v1/accounts/{account}/instance", {"url": made.url})
        made.book.secret = told["secret"]
        return made

    def offer(self, offer_id: str) -> Any:
        """An offer as the API shows it."""
        return self.call("GET", f"/v1/offers/{offer_id}")

    def wait_state(self, offer_id: str, state: str) -> Any:
        """Wait until an offer is in a state; the offer."""

        def look() -> Any:
            offer = self.offer(offer_id)
            return offer if offer["state"] == state else None

        return wait_for(f"the offer to be {state}", look)

    def letter(self, template: str, account: str, address: str, number: int = 1) -> Letter:
        """Wait for the `number`th mail of a kind about an account, and read it where it arrived."""

        def look() -> Letter | None:
            path = f"/v1/mails?account={account}&template={template}&state=sent"
            sent = {mail["message_id"] for mail in self.call("GET", path)["items"]}
            if len(sent) < number:
                return None
            found = [one for one in letters(self.data / "mail") if one.message_id in sent and one.is_for(address)]
            return found[-1] if len(found) >= number else None

        return wait_for(f"the mail {template} to {address}", look)

    def advance(self, span: timedelta) -> None:
        """Move the test clock and wait until nothing due is left."""
        now = datetime.fromisoformat(self.call("GET", "/v1/clock")["now"])
        later = (now + span).isoformat()
        self.call("POST", "/v1/clock", {"now": later, "settle": True})

    def worker_pids(self) -> list[int]:
        """The worker processes of this deployment."""
        return [pid for pid in _processes("kontor worker") if self._is_mine(pid)]

    def _is_mine(self, pid: int) -> bool:
        try:
            environ = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return f"KONTOR_DATA_DIR={self.data}".encode() in environ.split(b"\0")


def kontor_command() -> Path:
    """The installed command, beside the interpreter."""
    return Path(sys.executable).with_name("kontor")


def _processes(title: str) -> Iterator[int]:
    """Every process whose command line begins with a title."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if line.startswith(title.encode()):
            yield int(folder.name)


@contextmanager
def deployment() -> Iterator[World]:
    """A deployment in a temporary folder, stopped and removed at the end."""
    with TemporaryDirectory(prefix="kontor-demo-") as folder:
        port = free_port()
        environ = {name: text for name, text in os.environ.items() if name not in OVERRIDDEN}
        environ |= {
            "KONTOR_DATA_DIR": folder,
            "PORT": str(port),
            "KONTOR_ALLOW_PRIVATE_INSTANCES": "1",
            "KONTOR_TEST_CLOCK": START,
        }
        log = Path(folder) / "up.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(kontor_command()), "up"], env=environ, stdout=output, stderr=output
            )
        api = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=70, trust_env=False)
        world = World(Path(folder), environ, api, process)
        try:
            wait_for("the web process", lambda: _ready(world, log), patience=60)
            key = world.kontor("keys", "create", "--name", "demo", *SCOPES, "--json")
            api.headers["Authorization"] = f"Bearer {key['secret']}"
            yield world
        finally:
            close(world)


OVERRIDDEN = frozenset({"DATABASE_URL", "REDIS_URL", "SMTP_URL", "PUBLIC_URL", "SECRET_KEY"})
SCOPES = ("--scope", "read", "--scope", "enqueue", "--scope", "operate", "--scope", "admin")


def _ready(world: World, log: Path) -> bool:
    if world.process.poll() is not None:
        raise DemoFailed(f"kontor up ended: {log.read_text()[-2000:]}")
    try:
        return world.api.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def close(world: World) -> None:
    """Stop everything that was started."""
    for instance in world.instances:
        instance.stop()
    world.api.close()
    if world.process.poll() is None:
        world.process.send_signal(signal.SIGTERM)
    try:
        world.process.wait(40)
    except subprocess.TimeoutExpired:
        world.process.kill()
        world.process.wait()
