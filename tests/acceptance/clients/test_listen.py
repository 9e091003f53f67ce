"""`kontor listen` forwards events and jobs to a laptop, over restarts of both ends."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.rows.api import free_port
from kontor_client import Message, Webhooks
from tests.acceptance.clients.conftest import RunningKontor
from tests.support.polling import wait_for
from workers.migrations import ROOT

pytestmark = pytest.mark.timeout(300)  # the first test of a run starts Kontor
KONTOR = (sys.executable, "-m", "kontor.cli.main")
Answer = Callable[[Message], tuple[int, Any]]


@dataclass
class Laptop:
    """A receiver at a fixed port; `secret` verifies what it gets, `answer` says what it answers, status 0: nothing."""

    port: int = field(default_factory=free_port)
    secret: str = ""
    answer: Answer = lambda _: (200, None)
    messages: list[Message] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where messages go."""
        return f"http://127.0.0.1:{self.port}/hooks"

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Serve while the block runs."""
        laptop = self

        class Serve(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                message = Webhooks(laptop.secret).verify(dict(self.headers.items()), body)
                status, document = laptop.answer(message)
                laptop.messages.append(message)
                if status == 0:
                    return
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"" if document is None else json.dumps(document).encode())

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Serve)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)

    def got(self, name: str, count: int) -> list[Message]:
        """Wait for so many messages of a type; return them."""
        wait_for(lambda: len(self.of(name)) >= count, f"{count} of {name}", 30)
        return self.of(name)

    def of(self, name: str) -> list[Message]:
        """Return the messages of a type, each once: what was not noted before a kill comes again under its id."""
        return list({message.id: message for message in self.messages if message.type == name}.values())


class Listening:
    """A running `kontor listen`; its lines go to a file."""

    def __init__(self, kontor: RunningKontor, laptop: Laptop, folder: Path, *options: str) -> None:
        self.log = folder / "listen.log"
        environ = {**os.environ, "KONTOR_URL": kontor.url, "KONTOR_KEY": kontor.api.key}
        environ["XDG_STATE_HOME"] = str(folder)
        command = [*KONTOR, "listen", "--forward", laptop.url, *options]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=output, stderr=output)
        wait_for(lambda: "Secret: " in self.lines() or self.process.poll() is not None, "the first line", 30)
        laptop.secret = self.lines().partition("Secret: ")[2].split()[0]

    def lines(self) -> str:
        """Return what it printed."""
        return self.log.read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def listen(kontor: RunningKontor, tmp_path: Path) -> Iterator[Callable[..., Listening]]:
    """Start the command; it is ended with the test."""
    started: list[Listening] = []

    def start(laptop: Laptop, *options: str) -> Listening:
        started.append(Listening(kontor, laptop, tmp_path, *options))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


def order(kontor: RunningKontor, reseller: str, reference: str) -> str:
    """Place an order; return its id."""
    body = {"product": "server", "order_ref": reference}
    return str(kontor.api.ok("POST", f"/v1/resellers/{reseller}/orders", body)["id"])


def test_events_arrive_in_order_over_restarts_of_all_three(
    kontor: RunningKontor, listen: Callable[..., Listening]
) -> None:
    laptop, reseller = Laptop(), kontor.reseller()
    first = listen(laptop, "--events", "order.*")
    ids = [order(kontor, reseller, "L-0")]
    wait_for(lambda: "trying again until it is answered" in first.lines(), "a try while the laptop is away")
    with laptop.awake():
        assert [each.data["order_id"] for each in laptop.got("order.placed", 1)] == ids
        wait_for(lambda: f"evt_{laptop.messages[0].id[4:]}  200" in first.lines(), "the line of the delivery")
        secret = laptop.secret
        first.end(signal.SIGKILL)
        ids.append(order(kontor, reseller, "L-1"))
        start_again = kontor.kill("web")
        second = listen_while_away(listen, laptop, start_again)
        assert laptop.secret == secret
        ids.append(order(kontor, reseller, "L-2"))
        assert [each.data["order_id"] for each in laptop.got("order.placed", 3)] == ids
        assert second.end() == 0
    events = kontor.api.ok("GET", "/v1/events?limit=1000")["items"]
    feed = {f"evt_{each['id'].replace('-', '')}": each for each in events}
    assert all(feed[each.id]["data"] == each.data and feed[each.id]["at"] == each.timestamp for each in laptop.messages)


def listen_while_away(listen: Callable[..., Listening], laptop: Laptop, start_again: Callable[[], None]) -> Listening:
    """Start the command while Kontor is down, then Kontor."""
    second = listen(laptop, "--events", "order.*,none.*")
    wait_for(lambda: "Kontor is away" in second.lines(), "a try while Kontor is away")
    start_again()
    return second


def test_jobs_are_pushed_and_end_as_the_laptop_answers(kontor: RunningKontor, listen: Callable[..., Listening]) -> None:
    task = kontor.declare("listen.work", args={"properties": {"root": {"type": "string", "writeOnly": True}}})
    answers = {"ok": (200, {"result": 7}), "no": (422, {"error": "no"}), "long": (202, None), "odd": (200, ["x"])}
    laptop = Laptop(answer=lambda message: answers[message.data["args"]["plan"]])
    running = listen(laptop, "--events", "none", "--tasks", "listen.*")
    ids = {plan: kontor.enqueue(task, plan=plan, root="s3cret") for plan in answers}
    wait_for(lambda: "trying again until it is answered" in running.lines(), "a try while the laptop is away")
    with laptop.awake():
        pushed = {each.data["args"]["plan"]: each for each in laptop.got("job.run", 4)}
        assert {plan: each.id for plan, each in pushed.items()} == ids
        assert pushed["ok"].data["args"]["root"] == "s3cret"
        assert (kontor.ended(ids["ok"])["result"], kontor.ended(ids["no"])["state"]) == (7, "dead")
        assert kontor.ended(ids["odd"], "retrying", "dead")["attempts"][0]["outcome"] == "failed"
        lease, token = pushed["long"].data["lease"], pushed["long"].data["token"]
        done = httpx.post(f"{kontor.url}/v1/leases/{lease}/complete", headers={"Authorization": f"Bearer {token}"})
        assert (done.status_code, kontor.ended(ids["long"])["attempt"]) == (200, 1)


def test_receiver_is_asked_to_stop_when_a_job_is_cancelled_that_it_works_on(
    kontor: RunningKontor, listen: Callable[..., Listening]
) -> None:
    task, over = kontor.declare("listen.stop"), threading.Event()

    def answer(message: Message) -> tuple[int, Any]:
        if message.type == "job.run":
            begun.set()
            assert over.wait(60)
        return 200, {}

    begun, laptop = threading.Event(), Laptop(answer=answer)
    with laptop.awake():
        listen(laptop, "--events", "none", "--tasks", "listen.stop")
        job_id = kontor.enqueue(task)
        assert begun.wait(30)
        kontor.api.ok("POST", f"/v1/jobs/{job_id}/cancel")
        assert kontor.ended(job_id)["state"] == "cancelled"
        over.set()
        (message,) = laptop.got("job.cancel", 1)
    assert (message.id, message.data["job_id"], message.data["task"]) == (f"{job_id}.cancel", job_id, task)


def test_receiver_is_asked_whether_it_was_done_when_a_call_got_no_answer(
    kontor: RunningKontor, listen: Callable[..., Listening]
) -> None:
    task, states = kontor.declare("listen.ask"), ["not_done", "done"]

    def answer(message: Message) -> tuple[int, Any]:
        if message.type == "job.verify":
            return 200, {"state": states.pop(0), "result": 7}
        return 0, None

    laptop = Laptop(answer=answer)
    with laptop.awake():
        listen(laptop, "--events", "none", "--tasks", "listen.ask", "--verify", "listen.*")
        job_id = kontor.enqueue(task)
        assert kontor.ended(job_id)["result"] == 7
    asked = [(message.type, message.id) for message in laptop.messages]
    assert asked == [(name, job_id) for name in ("job.run", "job.verify", "job.run", "job.verify")]


def test_unanswered_job_is_given_back_when_the_command_ends(
    kontor: RunningKontor, listen: Callable[..., Listening]
) -> None:
    task = kontor.declare("listen.away")
    running = listen(Laptop(), "--events", "none", "--tasks", "listen.away")
    job_id = kontor.enqueue(task)
    wait_for(lambda: "trying again until it is answered" in running.lines(), "a try")
    assert running.end() == 0
    back = kontor.ended(job_id, "queued")
    assert (back["attempt"], back["attempts"][0]["outcome"]) == (0, "released")


def test_command_ends_with_the_reason_when_its_key_is_refused(kontor: RunningKontor, tmp_path: Path) -> None:
    environ = {**os.environ, "KONTOR_URL": kontor.url, "KONTOR_KEY": "wrong", "XDG_STATE_HOME": str(tmp_path)}
    command = [*KONTOR, "listen", "--forward", "http://127.0.0.1:9/"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False, cwd=ROOT)
    assert (done.returncode, "401" in done.stderr, len(done.stderr.splitlines())) == (1, True, 1)
