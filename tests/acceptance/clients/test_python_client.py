"""`clients/python` against a running Kontor."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from kontor_client import (
    AsyncWorker,
    Job,
    Kontor,
    LeaseLost,
    Permanent,
    Problem,
    Release,
    Retry,
    RetryIn,
    Snooze,
    Unreachable,
    Worker,
)
from tests.acceptance.clients.conftest import RunningKontor
from tests.support.polling import wait_for

pytestmark = pytest.mark.timeout(300)  # the first test of a run starts Kontor
QUICK = Retry(seconds=2, base=0.01)


@pytest.fixture
def client(kontor: RunningKontor) -> Iterator[Kontor]:
    """The library, with an admin's key."""
    with Kontor(kontor.url, kontor.api.key) as client:
        yield client


@contextmanager
def working(client: Kontor, handlers: dict[str, Any], **options: Any) -> Iterator[Worker]:
    """Run a worker while the block runs."""
    worker = Worker(client, handlers, **{"wait": 0.5, "beat": 0.2, "grace": 5, **options})
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()


def test_order_is_placed_and_all_pages_are_read(kontor: RunningKontor, client: Kontor) -> None:
    reseller = kontor.reseller()
    placed = client.orders.place_order(reseller, {"product": "server", "order_ref": "A-1", "config": {"region": "eu"}})
    assert (placed["net"], placed["state"]) == ({"amount": "27.00", "currency": "EUR"}, "pending")
    client.orders.place_order(reseller, {"product": "server", "order_ref": "A-2"})
    assert [each["order_ref"] for each in client.orders.list_orders(reseller)] == ["A-2", "A-1"]
    pages = client.pages(f"/v1/resellers/{reseller}/orders", limit=1)
    assert [each["order_ref"] for each in pages] == ["A-2", "A-1"]
    assert [each["id"] for each in client.services.list_services(reseller=reseller, product="none")] == []
    assert client.request("GET", f"/v1/orders/{placed['id']}")["order_ref"] == "A-1"


def test_problem_names_code_field_and_trace(kontor: RunningKontor, client: Kontor) -> None:
    with pytest.raises(Problem) as wrong:
        client.jobs.enqueue_job({"task": "probe.echo", "args": {"seconds": "long"}})
    assert (wrong.value.status, wrong.value.code, wrong.value.field) == (422, "invalid_args", "args.seconds")
    assert wrong.value.trace_id
    with pytest.raises(Problem) as short:
        client.orders.place_order(kontor.reseller("1.00"), {"product": "server", "order_ref": "B"})
    assert (short.value.code, short.value.members["missing"]["amount"]) == ("insufficient_balance", "26.00")


class Flaky(httpx.BaseTransport):
    """Loses the answers to the first calls after they were made, or answers for Kontor."""

    def __init__(self, *faults: httpx.Response | Exception) -> None:
        self.faults = list(faults)
        self.sent: list[httpx.Request] = []
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, httpx.Response):
            return fault
        answer = self.inner.handle_request(request)
        if fault is not None:
            answer.read()
            answer.close()
            raise fault
        return answer

    def close(self) -> None:
        self.inner.close()


def test_post_is_made_once_when_its_answers_are_lost(kontor: RunningKontor) -> None:
    task = kontor.declare("lost.answer")
    lost = httpx.ReadError("connection lost")
    flaky = Flaky(lost, httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(429), lost)
    with Kontor(kontor.url, kontor.api.key, http=flaky, retry=QUICK) as client:
        job = client.jobs.enqueue_job({"task": task, "args": {}})
        assert [each["id"] for each in client.jobs.list_jobs(task=task)] == [job["id"]]
    posts = [request.headers["Idempotency-Key"] for request in flaky.sent if request.method == "POST"]
    assert (len(posts), len(set(posts))) == (5, 1)


def test_patch_is_not_repeated_when_its_answer_is_lost(kontor: RunningKontor) -> None:
    flaky = Flaky(httpx.ReadError("connection lost"))
    with (
        Kontor(kontor.url, kontor.api.key, http=flaky, retry=QUICK) as client,
        pytest.raises(Unreachable),
    ):
        client.accounts.change_account(kontor.reseller(), {"name": "Another name"})
    assert len(flaky.sent) == 1


def test_nobody_answers_when_retries_are_used_up() -> None:
    retry = Retry(seconds=0.05, base=0.01)
    with Kontor("http://127.0.0.1:9", "key", retry=retry) as client, pytest.raises(Unreachable):
        client.queues.list_queues()


def test_handler_decides_how_its_job_ends(kontor: RunningKontor, client: Kontor) -> None:
    task = kontor.declare("ends.all")

    def handle(job: Job) -> Any:
        match job.args["do"]:
            case "return":
                return {"host": "a.example", "attempt": job.attempt}
            case "forbid":
                raise Permanent("no such plan")
            case "again" if job.attempt == 1:
                raise RetryIn(0, "busy")
            case "break" if job.attempt == 1:
                raise RuntimeError("broken")
            case "later":
                raise Snooze(datetime.now(UTC) + timedelta(hours=1))
            case "large":
                return "x" * 70_000
            case "no-json":
                return object()
            case _:
                return job.attempt

    with working(client, {task: handle}):
        ids = {
            do: kontor.enqueue(task, do=do)
            for do in ("return", "forbid", "again", "break", "later", "large", "no-json")
        }
        jobs = {do: kontor.ended(ids[do]) for do in ids if do != "later"}
        assert kontor.ended(ids["later"], "scheduled")["attempt"] == 0
    assert jobs["return"]["result"] == {"host": "a.example", "attempt": 1}
    assert (jobs["forbid"]["state"], jobs["forbid"]["attempt"]) == ("dead", 1)
    assert (jobs["again"]["result"], jobs["break"]["result"]) == (2, 2)
    assert jobs["break"]["attempts"][0]["error"]["message"] == "RuntimeError: broken"
    assert {jobs["large"]["state"], jobs["no-json"]["state"]} == {"dead"}


def test_heartbeats_keep_a_long_job_and_bring_its_cancellation(kontor: RunningKontor, client: Kontor) -> None:
    task = kontor.declare("beats.long")
    begun = threading.Event()

    def handle(job: Job) -> None:
        begun.set()
        wait_for(lambda: job.cancelled, "the cancellation")
        raise Release

    with working(client, {task: handle}):
        job_id = kontor.enqueue(task)
        assert begun.wait(20)
        first = kontor.made.ask("SELECT beat_at FROM job_leases WHERE job_id = %s", [job_id])
        later = "SELECT beat_at FROM job_leases WHERE job_id = %s AND beat_at > %s"
        wait_for(lambda: bool(kontor.made.ask(later, [job_id, first[0][0]])), "a heartbeat")
        client.jobs.cancel_job(job_id)
        assert kontor.ended(job_id)["state"] == "cancelled"


def test_lost_lease_is_noticed_and_its_result_does_not_count(kontor: RunningKontor, client: Kontor) -> None:
    task = kontor.declare("lost.lease")
    held: list[Job] = []
    go = threading.Event()

    def handle(job: Job) -> str:
        held.append(job)
        assert go.wait(20)
        return "afterwards"

    with working(client, {task: handle}, threads=1):
        job_id = kontor.enqueue(task)
        wait_for(lambda: bool(held), "the attempt")
        client.leases.release(held[0].lease)  # as if its 60 s had passed
        other = kontor.api.lease("other", task)
        wait_for(lambda: held[0].lost, "the loss")
        go.set()
    with pytest.raises(LeaseLost):
        client.leases.complete(held[0].lease, {"result": "afterwards"})
    kontor.api.ok("POST", f"/v1/leases/{other['lease']}/complete", {"result": "in time"})
    assert kontor.api.job(job_id)["result"] == "in time"


def test_worker_goes_on_when_kontor_was_killed_meanwhile(kontor: RunningKontor, client: Kontor) -> None:
    task = kontor.declare("over.restart")
    begun, go = threading.Event(), threading.Event()

    def handle(job: Job) -> int:
        begun.set()
        assert go.wait(30)
        return job.attempt

    with working(client, {task: handle}, threads=2):
        first = kontor.enqueue(task)
        assert begun.wait(20)
        start_again = kontor.kill("web", "relay")
        go.set()
        start_again()
        second = kontor.enqueue(task)
        assert [kontor.ended(each)["result"] for each in (first, second)] == [1, 1]


def test_stopped_worker_finishes_what_it_can_and_gives_the_rest_back(kontor: RunningKontor, client: Kontor) -> None:
    task = kontor.declare("stops.soon")
    begun = threading.Semaphore(0)
    hung = threading.Event()

    def handle(job: Job) -> str:
        begun.release()
        if job.args["hangs"]:
            hung.wait(30)
        wait_for(lambda: job.stopping, "the stop")
        return "finished"

    with working(client, {task: handle}, threads=2, grace=0.5) as worker:
        ids = [kontor.enqueue(task, hangs=False), kontor.enqueue(task, hangs=True)]
        assert begun.acquire(timeout=20)
        assert begun.acquire(timeout=20)
        worker.stop()
    hung.set()
    assert kontor.ended(ids[0])["result"] == "finished"
    back = kontor.ended(ids[1], "queued")
    assert (back["attempt"], back["attempts"][0]["outcome"]) == (0, "released")


def test_coroutines_run_at_once_on_one_loop(kontor: RunningKontor, client: Kontor) -> None:
    task = kontor.declare("loop.work")
    ids = [kontor.enqueue(task) for _ in range(4)]

    async def run() -> None:
        together = asyncio.Barrier(4)

        async def handle(job: Job) -> str:
            await asyncio.wait_for(together.wait(), 20)
            return "together"

        worker = AsyncWorker(client, {task: handle}, concurrency=4, wait=0.5, beat=0.2)
        running = asyncio.create_task(worker.run())
        await asyncio.to_thread(lambda: [kontor.ended(each) for each in ids])
        worker.stop()
        await running

    asyncio.run(run())
    assert {kontor.api.job(each)["result"] for each in ids} == {"together"}


def test_refusal_ends_the_worker_when_its_key_may_not_work(kontor: RunningKontor) -> None:
    task = kontor.declare("other.work")
    with Kontor(kontor.url, kontor.key("work:dns.*")) as client, pytest.raises(Problem) as refused:
        Worker(client, {task: lambda job: None}).run()
    assert refused.value.status == 403
