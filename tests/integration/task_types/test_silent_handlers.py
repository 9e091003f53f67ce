"""A push handler that takes the call and never answers, over a real connection with a short time-out."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from kontor.adapters.fakes import ManualClock
from kontor.adapters.http import PinnedHttp
from kontor.kernel.ports import TIME_OUT, HttpReply
from tests.integration.task_types.test_declaring import ARGS, declared
from tests.support.api import Api
from tests.support.worker import running_worker

PATIENCE = 0.3


@dataclass
class SilentHandler:
    """Calls go to a socket that takes them and answers nothing, whatever address the type declares."""

    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    taken: list[socket.socket] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = PinnedHttp(lambda address: True, plain_http=True, time_out=PATIENCE)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self.taken.append(self.listener.accept()[0])

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> HttpReply:
        """Send the call to the socket."""
        self.ids.append(headers["webhook-id"])
        assert json.loads(body)["data"]["task"] == "vps.create"
        return self.http.post(f"http://127.0.0.1:{self.listener.getsockname()[1]}/", body, headers)

    def close(self) -> None:
        """Close every socket."""
        self.listener.close()
        for connection in self.taken:
            connection.close()
        self.http.close()


@pytest.fixture
def handler() -> Iterator[SilentHandler]:
    """The handler."""
    silent = SilentHandler()
    yield silent
    silent.close()


def test_handler_has_fifteen_seconds_to_answer() -> None:
    assert TIME_OUT == 15


def test_lane_is_held_and_the_same_id_asked_again_when_no_answer_comes_in_time(
    api: Api, clock: ManualClock, handler: SilentHandler
) -> None:
    declared(api, lane="none", crash="rerun")
    job_id = str(api.ok("POST /v1/jobs", {"task": "vps.create", "args": ARGS})["id"])
    with running_worker(api.deps, network=handler) as worker:
        worker.inline.tick()
        first = api.ok(f"GET /v1/jobs/{job_id}")
        lanes = [lane["state"] for lane in api.ok("GET /v1/lanes")["items"] if lane["waiting"]]
        clock.advance(timedelta(minutes=10))
        worker.inline.tick()

    assert (first["state"], first["attempt"], first["attempts"][-1]["outcome"]) == ("queued", 0, "down")
    assert lanes == ["open"]
    assert handler.ids == [job_id, job_id]
