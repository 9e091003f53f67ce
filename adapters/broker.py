"""Dramatiq's Redis broker where it waits: doorbells are picked up without polling, answers are batched.

The stock consumer sleeps with back-off when its queue is empty or its prefetch is full, polls a delay
queue beside every queue, and beats its heart only when it talks to Redis. Here a consumer blocks in
BLMOVE (the broker moves the bell into the worker's own list in one step), waits on an event while full,
and has no delay queue: what is due later waits in PostgreSQL.
"""

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import redis
import structlog
from dramatiq import Broker, Consumer, Message, MessageProxy
from dramatiq.middleware import Middleware

from adapters.bells import Keys
from domain.bells import Answer

log = structlog.get_logger(__name__)

FETCH = """
local found = {}
for i = 1, tonumber(ARGV[1]) do
    local message = redis.call('lmove', KEYS[1], KEYS[2], 'LEFT', 'RIGHT')
    if not message then break end
    found[i] = message
end
return found
"""
RECONNECT_SECONDS = 0.2


class Answers(threading.Thread):
    """Sends answers to the relay, as many at a time as have come up; retries until Redis takes them."""

    def __init__(self, client: "redis.Redis", keys: Keys) -> None:
        super().__init__(name="answers", daemon=True)
        self._client = client
        self._keys = keys
        self._waiting: deque[tuple[str, bytes, Answer]] = deque()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()

    def put(self, held: str, raw: bytes, answer: Answer) -> None:
        """Answer a bell that lies in the list `held`."""
        self._idle.clear()
        self._waiting.append((held, raw, answer))
        self._wake.set()

    def drain(self, seconds: float) -> bool:
        """Wait until everything was sent."""
        return self._idle.wait(seconds)

    def run(self) -> None:
        """Send for ever."""
        while True:
            self._wake.wait()
            self._wake.clear()
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            while batch and not self._send(batch):
                threading.Event().wait(RECONNECT_SECONDS)
            if not self._waiting:
                self._idle.set()

    def _send(self, batch: Iterable[tuple[str, bytes, Answer]]) -> bool:
        try:
            with self._client.pipeline(transaction=False) as pipe:
                for held, raw, answer in batch:
                    body = json.dumps([answer.bell_id, answer.claimed, answer.seconds])
                    pipe.lrem(held, 1, raw.decode())
                    pipe.rpush(self._keys.answers, body)
                pipe.execute()
        except redis.RedisError as error:
            log.warning("answers.unsent", error=str(error))
            return False
        return True


class LedgerBroker(Broker):
    """The worker's side of Redis. `prefetch` says how many bells of a queue a process may hold."""

    def __init__(
        self,
        client: "redis.Redis",
        keys: Keys,
        worker: str,
        prefetch: Mapping[str, int],
        middleware: list[Middleware],
    ) -> None:
        super().__init__(middleware=middleware)
        self.queues: set[str] = set()
        self.client = client
        self.keys = keys
        self.worker = worker
        self.prefetch = prefetch
        self.fetch = client.register_script(FETCH)
        self.answers = Answers(client, keys)
        self.answers.start()
        self._answer = threading.local()
        self.draining = False

    def report(self, answer: Answer) -> None:
        """Keep what the runner says until this thread acknowledges the message."""
        self._answer.value = answer

    def reported(self, bell_id: str) -> Answer:
        """The runner's word on a bell; unclaimed when it raised instead."""
        answer: Answer | None = getattr(self._answer, "value", None)
        self._answer.value = None
        return answer if answer and answer.bell_id == bell_id else Answer(bell_id, 0, 0.0)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:
        """A consumer that blocks for at most `timeout` ms at a time."""
        return LedgerConsumer(self, queue_name, self.prefetch.get(queue_name, prefetch), timeout)

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue, without a delay queue beside it."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def get_declared_queues(self) -> set[str]:
        """The names of all queues declared so far."""
        return self.queues.copy()


class LedgerConsumer(Consumer):
    """Picks up one queue's bells."""

    def __init__(self, broker: LedgerBroker, queue: str, prefetch: int, timeout: int) -> None:
        self._broker = broker
        self._source = broker.keys.queue(queue)
        self._held = broker.keys.held(broker.worker, queue)
        self._prefetch = prefetch
        self._timeout = max(1, timeout // 1000)
        self._ready: deque[bytes] = deque()
        self._out: dict[str, bytes] = {}
        self._room = threading.Event()
        self._flowing = False

    def ack(self, message: MessageProxy) -> None:
        """Answer the relay; the message leaves this worker's list."""
        raw = self._out.pop(message.message_id, None)
        self._room.set()
        if raw is not None:
            self._broker.answers.put(self._held, raw, self._broker.reported(message.message_id))

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Hand back what was not begun: unclaimed, so the relay rings again."""
        for message in messages:
            self.ack(message)

    def __next__(self) -> MessageProxy | None:
        if not self._ready:
            try:
                self._pick_up()
            except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError):
                self._flowing = False
                self._room.wait(RECONNECT_SECONDS)
        if not self._ready:
            return None
        raw = self._ready.popleft()
        message: Message[Any] = Message.decode(raw)
        self._out[message.message_id] = raw
        return MessageProxy(message)

    def _pick_up(self) -> None:
        room = self._prefetch - len(self._out)
        if room <= 0 or self._broker.draining:
            self._room.clear()
            if self._prefetch - len(self._out) <= 0 or self._broker.draining:
                self._room.wait(self._timeout)
            return
        if self._flowing:
            self._ready.extend(self._broker.fetch(keys=[self._source, self._held], args=[room]))
            self._flowing = bool(self._ready)
            if self._flowing:
                return
        raw = self._broker.client.blmove(self._source, self._held, self._timeout, "LEFT", "RIGHT")
        if raw is not None:
            self._ready.append(raw if isinstance(raw, bytes) else raw.encode())
            self._flowing = True
