"""The systems that provision the cloud programme's services: processes of their own beside the deployment."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import devtools.provisioner
from devtools.demo.deployment import DemoFailed

PROGRAMME: Final = Path(__file__).parents[2] / "examples" / "provisioning" / "cloud.yaml"
VERBS: Final = ("create", "renew", "suspend", "resume", "change", "terminate")
PROGRAM: Final = Path(devtools.provisioner.__file__)
ATTEMPT_LIMIT: Final = "2s"
"""Of a pull worker's attempt: one that was killed gives its job up after this."""
SENSITIVE: Final = {
    "type": "object",
    "properties": {"config": {"properties": {"root_password": {"type": "string", "writeOnly": True}}}},
}


@dataclass
class Program:
    """A process that prints a JSON line for whatever happens."""

    process: "subprocess.Popen[str]" = field(repr=False)

    @classmethod
    def start(cls, arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> "Program":
        """Start it; it ends with its stdin."""
        command = [sys.executable, str(PROGRAM), *arguments]
        variables = {**os.environ, **(environ or {})}
        pipe = subprocess.PIPE
        return cls(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=variables))

    def say(self, document: object) -> None:
        """Write a JSON line to its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(document) + "\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any]:
        """Return the next line that it prints. Raises DemoFailed when it ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise DemoFailed(f"a provisioner ended with {self.process.wait()}")
        document: dict[str, Any] = json.loads(line)
        return document

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """Close its pipes, and wait for its end."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass(frozen=True, slots=True)
class Provisioner:
    """The running push handler, and what it was called for."""

    handler: Program
    url: str
    log: Path

    @classmethod
    def start(cls, folder: Path) -> "Provisioner":
        """Start the push handler; its calls are written to a file of the folder."""
        log = folder / "provisioner.jsonl"
        handler = Program.start(["--calls", str(log)])
        return cls(handler, handler.read()["url"], log)

    def task_types(self) -> dict[str, Any]:
        """Return the task types of the cloud programme by name: push for virtual servers, pull for those of metal."""
        kept = {"args": SENSITIVE, "retry": {"base": "1s", "cap": "1m"}}
        types: dict[str, Any] = {
            f"cloud.{verb}": {**kept, "handler": {"push": self.url}, "lane": "account"} for verb in VERBS
        }
        return {**types, "metal.create": {**kept, "handler": "pull", "time_limit": ATTEMPT_LIMIT}}

    def learn(self, secrets: Mapping[str, str]) -> None:
        """Tell the handler the secrets that its calls are signed with."""
        self.handler.say(secrets)
        self.handler.read()

    def calls(self, service_id: str) -> list[dict[str, Any]]:
        """Return the calls about a service, oldest first."""
        calls = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
        return [call for call in calls if call["data"]["args"]["service_id"] == service_id]

    def verbs(self, service_id: str) -> list[str]:
        """Return what was asked for a service, oldest first."""
        return [call["data"]["task"].rpartition(".")[2] for call in self.calls(service_id)]


@contextmanager
def pull_worker(url: str, key: str, name: str, *, hangs: bool = False) -> Iterator[Program]:
    """Run a pull worker for servers of metal, which leases one job."""
    arguments = ["--pull", url, "--worker", name, "--tasks", "metal.*", *(["--hang"] if hangs else [])]
    program = Program.start(arguments, {devtools.provisioner.KEY: key})
    try:
        yield program
    finally:
        if hangs:
            program.kill()
        program.close()
