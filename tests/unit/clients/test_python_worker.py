"""The worker of `clients/python`, with a Kontor that answers in the order a test says."""

import json
import logging
import threading
from dataclasses import dataclass, field

import httpx
import pytest

from kontor_client import Job, Kontor, Worker

LOST = {"status": 409, "code": "lease_lost", "title": "lease_lost", "detail": "The lease has ended."}
PROBLEM = {"Content-Type": "application/problem+json"}
LEASE = "0190b5a0-0000-7000-8000-000000000001"
JOB = {"id": LEASE, "task": "t", "attempt": 1, "args": {}, "account": None, "reseller": None, "external_id": None}


@dataclass
class CrossingKontor(httpx.BaseTransport):
    """Answers the first heartbeat after the job's end was reported, and the report after the second heartbeat."""

    stop: threading.Event = field(default_factory=threading.Event)
    beating: threading.Event = field(default_factory=threading.Event)
    reported: threading.Event = field(default_factory=threading.Event)
    beats: int = 0
    again: threading.Event = field(default_factory=threading.Event)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        match request.url.path.rpartition("/")[2]:
            case "leases":
                items = [] if self.beating.is_set() else [{"lease": LEASE, "job": JOB}]
                return httpx.Response(200, json={"items": items})
            case "heartbeat":
                self.beats += 1
                (self.again if self.beats > 1 else self.beating).set()
                assert self.reported.wait(20)
                return httpx.Response(409, json=LOST, headers=PROBLEM)
            case "complete":
                assert json.loads(request.content) == {"result": 7}
                self.reported.set()
                assert self.again.wait(20)
                self.stop.set()
                return httpx.Response(200, json={"job": LEASE, "ended": "complete"})
        raise AssertionError(request.url.path)


def test_worker_is_silent_when_a_heartbeat_crosses_its_own_report(caplog: pytest.LogCaptureFixture) -> None:
    crossing = CrossingKontor()
    jobs: list[Job] = []

    def handle(job: Job) -> int:
        jobs.append(job)
        assert crossing.beating.wait(20)
        return 7

    with Kontor("http://kontor.example", "key", http=crossing) as client, caplog.at_level(logging.WARNING):
        worker = Worker(client, {"t": handle}, wait=0, beat=0.01, threads=1)
        thread = threading.Thread(target=worker.run)
        thread.start()
        assert crossing.stop.wait(20)
        worker.stop()
        thread.join(20)
    assert not thread.is_alive()
    assert crossing.beats >= 2
    assert [job.lost for job in jobs] == [False]
    assert caplog.records == []
