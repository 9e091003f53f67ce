"""The programs of docs/how-to/run-a-worker.md run as they stand there."""

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bench.rows.api import free_port
from kontor.adapters.clock import SystemClock
from kontor_client.webhooks import sign
from tests.acceptance.clients.conftest import RunningKontor, node
from tests.support.polling import wait_for
from workers.migrations import ROOT
from workers.up import is_listening

pytestmark = pytest.mark.timeout(300)  # the first test of a run starts Kontor
PAGE = (ROOT / "docs" / "how-to" / "run-a-worker.md").read_text()
PROGRAM = re.compile(r"<!-- (\S+) -->\n *```\w+\n(.*?)\n *```", re.DOTALL)
PROGRAMS = {name: textwrap.dedent(text) for name, text in PROGRAM.findall(PAGE)}
SECRETS = ["whsec_" + "QUJD" * 10, "whsec_" + "WFla" * 10]
BODY = b'{"type":"service.active","timestamp":"2027-01-15T08:00:00Z","data":{"host":"a.example"}}'


@contextmanager
def running(name: str, folder: Path, port: int = 0, **environ: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a program of the page while the block runs; its output goes to `output`."""
    file = folder / name
    file.write_text(PROGRAMS[name].replace("8080", str(port)))
    modules = folder / "node_modules"
    modules.mkdir(exist_ok=True)
    (modules / "kontor-client").symlink_to(ROOT / "clients" / "typescript")
    program = sys.executable if name.endswith(".py") else node()
    paths = {**os.environ, **environ, "PYTHONPATH": str(ROOT / "clients" / "python" / "src")}
    with (folder / "output").open("w") as output:
        process = subprocess.Popen([program, str(file)], cwd=folder, env=paths, stdout=output, stderr=output, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(20)


@pytest.mark.parametrize("name", ["worker.py", "worker.mjs"])
def test_worker_runs_jobs_and_ends_when_it_is_stopped(kontor: RunningKontor, tmp_path: Path, name: str) -> None:
    assert len(PROGRAMS[name].splitlines()) <= 20
    kontor.declare("vps.create")
    key = kontor.key("work:vps.*")
    with running(name, tmp_path, KONTOR_URL=kontor.url, KONTOR_KEY=key) as process:
        made, refused = kontor.enqueue("vps.create", plan="small"), kontor.enqueue("vps.create", plan="huge")
        assert kontor.ended(made)["result"] == {"host": f"vps-{made}.example"}
        job = kontor.ended(refused)
        assert (job["state"], job["error"]["message"]) == ("dead", "There is no such plan.")
        process.send_signal(signal.SIGTERM)
        kontor.enqueue("vps.create", plan="small")  # ends the call that waits for a job; it is given back
        assert process.wait(30) == 0, (tmp_path / "output").read_text()


@pytest.mark.parametrize("name", ["receiver.py", "receiver.mjs"])
def test_receiver_takes_what_is_signed_once(tmp_path: Path, name: str) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/hooks"
    now = int(SystemClock().wall_time().timestamp())
    with running(name, tmp_path, port, WEBHOOK_SECRETS=" ".join(SECRETS)):
        wait_for(lambda: is_listening("127.0.0.1", port), "the receiver", 30)
        signed = sign(SECRETS[1:], "evt_1", now, BODY)
        assert [httpx.post(url, content=BODY, headers=signed).status_code for _ in range(2)] == [204, 204]
        for headers, body in ((signed, BODY + b" "), (sign(SECRETS, "evt_2", now - 600, BODY), BODY), ({}, BODY)):
            assert httpx.post(url, content=body, headers=headers).status_code == 400
    assert (tmp_path / "output").read_text().count("service.active") == 1
