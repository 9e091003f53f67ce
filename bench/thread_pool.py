"""The alternative to Dramatiq in ADR 15: threads of our own over the same lists, in as few lines as that takes.

One thread fetches (BLMOVE, then all that is there in one call), the others work; a watchman raises in a thread whose
message ran out of time. Neither middleware, retries, priorities nor a command line: the ledger and `kontor` have those.
"""

import ctypes
import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from kontor.adapters.dramatiq_broker import FETCH, RECONNECT_SECONDS, Acknowledger
from kontor.adapters.redis_doorbell import RedisKeys
from kontor.kernel.doorbells import DoorbellResult

Handle = Callable[[str, list[str]], None]
WATCH_SECONDS = 1.0


class OutOfTime(BaseException):
    """Raised in a thread whose message exceeded its time limit."""


@dataclass(frozen=True, slots=True)
class Task:
    """One message: its bytes as they lie in Redis, and what they say."""

    raw: bytes
    id: str
    args: tuple[str, list[str]]
    time_limit: float


def parse(raw: bytes) -> Task:
    """Read a message as the relay writes it."""
    message = json.loads(raw)
    return Task(raw, message["message_id"], message["args"], message["options"]["time_limit"] / 1000)


class ThreadPool:
    """Fetches the messages of one queue and runs `handle` on each, in `size` threads."""

    def __init__(
        self, client: "redis.Redis", keys: RedisKeys, worker: str, name: str, size: int, handle: Handle
    ) -> None:
        self._client = client
        self._source = keys.queue(name)
        self._held = keys.held(worker, name)
        self._size = size
        self._handle = handle
        self._fetch_many = client.register_script(FETCH)
        self._acknowledger = Acknowledger(client, keys)
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(size)
        self._deadlines: dict[int, float] = {}
        self._stopping = threading.Event()
        self._fetcher = threading.Thread(target=self._fetch, name="fetch", daemon=True)
        self._watchman = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._workers = [threading.Thread(target=self._work, name=f"work-{n}", daemon=True) for n in range(size)]

    def start(self) -> None:
        """Begin to fetch and to work."""
        for thread in (self._acknowledger, self._fetcher, self._watchman, *self._workers):
            thread.start()

    def stop(self, seconds: float) -> None:
        """Fetch nothing more, finish what runs, send the answers."""
        self._stopping.set()
        for _ in self._workers:
            self._tasks.put(None)
        deadline = time.monotonic() + seconds
        for thread in self._workers:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._acknowledger.drain(2)

    def _fetch(self) -> None:
        while not self._stopping.is_set():
            room = self._take_room()
            try:
                raws = self._next(room)
            except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError):
                raws = []
                self._stopping.wait(RECONNECT_SECONDS)
            for _ in range(room - len(raws)):
                self._room.release()
            for raw in raws:
                self._tasks.put(parse(raw))

    def _take_room(self) -> int:
        """Wait for a free thread; the number of free ones."""
        self._room.acquire()
        count = 1
        while self._room.acquire(blocking=False):
            count += 1
        return count

    def _next(self, room: int) -> list[bytes]:
        raws: list[bytes] = self._fetch_many(keys=[self._source, self._held], args=[room])
        if raws:
            return raws
        raw = self._client.blmove(self._source, self._held, 1, "LEFT", "RIGHT")
        return [] if raw is None else [raw if isinstance(raw, bytes) else raw.encode()]

    def _work(self) -> None:
        me = threading.get_ident()
        while (task := self._tasks.get()) is not None:
            self._deadlines[me] = time.monotonic() + task.time_limit
            try:
                self._handle(*task.args)
                claimed = len(task.args[1])
            except (OutOfTime, Exception):  # noqa: BLE001 -- the runner has recorded it; the thread goes on
                claimed = 0
            finally:
                self._deadlines.pop(me, None)
            self._acknowledger.put(self._held, task.raw, DoorbellResult(task.id, claimed, 0.0))
            self._room.release()

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            now = time.monotonic()
            for thread, deadline in list(self._deadlines.items()):
                if deadline < now and self._deadlines.pop(thread, None) is not None:
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(OutOfTime))
