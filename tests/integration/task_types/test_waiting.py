"""Pull workers that wait: woken by the relay's hint, in turn; a lost hint costs a second (provisioning.md 2)."""

import asyncio
import queue
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import closing
from threading import Thread
from typing import Any

import pytest
import redis

from kontor.adapters.redis_doorbell import RedisDoorbellChannel, RedisKeys, RedisRelayHint
from kontor.adapters.redis_pull_hints import RedisPullHints
from kontor.http import pull_watch
from kontor.http.pull_watch import PullWatch
from kontor.kernel.doorbells import Offers
from tests.integration.task_types.test_pull import leased, pull_type
from tests.integration.task_types.test_push import enqueued
from tests.support.api import Api
from tests.support.polling import wait_for
from tests.support.worker import WorkerHarness


class ScriptedWatch(PullWatch):
    """A watch whose checks find what a test says, and are counted."""

    __slots__ = ("checked", "checks", "offers")

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]  # it asks no database
        self.offers: deque[list[tuple[str, str | None, int]]] = deque()
        self.checks = 0
        self.checked = asyncio.Event()

    async def offered(self, asked: Any) -> list[tuple[str, str | None, int]]:
        """Return the next scripted answer."""
        self.checks += 1
        self.checked.set()
        return self.offers.popleft() if self.offers else []


def run(play: Callable[[ScriptedWatch], Awaitable[None]]) -> None:
    """Play a scene in an event loop of its own."""

    async def scene() -> None:
        await play(ScriptedWatch())

    asyncio.run(scene())


async def waiting(watch: ScriptedWatch, *pullers: tuple[str, str | None]) -> list[asyncio.Task[bool]]:
    """Let workers wait, each for a task and a tenant, after the check for newcomers."""
    tasks = []
    for task, tenant in pullers:
        tasks.append(asyncio.create_task(watch.wait((task,), tenant, 5)))
        await asyncio.sleep(0)
    await watch.checked.wait()
    return tasks


def test_first_comer_is_woken_when_one_job_comes() -> None:
    async def play(watch: ScriptedWatch) -> None:
        first, second = await waiting(watch, ("vps.create", None), ("vps.create", None))
        watch.hear({("vps.create", "t"): 1})
        assert await first
        assert not second.done()
        watch.hear({("vps.create", "t"): 1})
        assert await second

    run(play)


def test_worker_is_left_alone_when_the_job_is_not_for_it() -> None:
    async def play(watch: ScriptedWatch) -> None:
        other_tenant, other_task, its = await waiting(
            watch, ("vps.create", "a"), ("dns.create", None), ("vps.create", "b")
        )
        watch.hear({("vps.create", "b"): 1})
        assert await its
        assert (other_tenant.done(), other_task.done()) == (False, False)
        other_tenant.cancel()
        other_task.cancel()

    run(play)


def test_newcomer_is_woken_when_its_job_came_before_it_waited() -> None:
    async def play(watch: ScriptedWatch) -> None:
        watch.offers.append([("vps.create", None, 1)])
        assert await watch.wait(("vps.create",), None, 5)

    run(play)


def test_worker_is_woken_by_a_check_when_the_hint_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_watch, "CHECK_SECONDS", 0.05)

    async def play(watch: ScriptedWatch) -> None:
        watch.offers.extend([[], [("vps.create", None, 1)]])
        assert await watch.wait(("vps.create",), None, 5)

    run(play)


def test_worker_woken_in_vain_waits_for_the_next_hint_or_check() -> None:
    async def play(watch: ScriptedWatch) -> None:
        watch.offers.append([("vps.create", None, 1)])
        assert await watch.wait(("vps.create",), None, 5)
        checks = watch.checks
        assert not await watch.wait(("vps.create",), None, 0.05, again=True)
        assert watch.checks == checks

    run(play)


def test_hint_reaches_each_listener_until_it_ends(redis_url: str, namespace: str) -> None:
    keys, client = RedisKeys(namespace), redis.Redis.from_url(redis_url)
    channel, heard = RedisDoorbellChannel(client, keys, ()), queue.Queue[Offers]()
    offers: Offers = {("vps.create", "tenant"): 2}
    with RedisPullHints(client, keys).listening(heard.put):
        wait_for(lambda: client.pubsub_numsub(keys.offers)[0][1] == 1)
        channel.offer(offers)
        assert heard.get(timeout=5) == offers
    channel.offer(offers)
    assert heard.empty()
    client.close()


def test_job_is_offered_with_the_ring_of_the_thread_that_enqueued_it(redis_url: str, namespace: str) -> None:
    keys, client = RedisKeys(namespace), redis.Redis.from_url(redis_url)
    heard = queue.Queue[Offers]()
    with RedisPullHints(client, keys).listening(heard.put), closing(RedisRelayHint(client, keys)) as hint:
        wait_for(lambda: client.pubsub_numsub(keys.offers)[0][1] == 1)
        hint.offer("vps.create", "tenant")
        other = Thread(target=hint.ring)
        other.start()
        other.join()
        wait_for(lambda: bool(client.llen(keys.hint)))
        assert heard.empty()
        hint.ring()
        assert heard.get(timeout=5) == {("vps.create", "tenant"): 1}
    client.close()


def test_waiting_worker_is_woken_when_no_hint_comes(
    api: Api, worker: WorkerHarness, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.inline.bells.pull_hints, "offer", lambda offers: None)
    pull_type(api)
    job_id = enqueued(api)
    worker.inline.drain()
    api.ok("POST /v1/queues/vps/pause")
    assert leased(api, key, wait=0.2) == []
    api.ok("POST /v1/queues/vps/resume")
    assert [item["job"]["id"] for item in leased(api, key, wait=20)] == [job_id]
