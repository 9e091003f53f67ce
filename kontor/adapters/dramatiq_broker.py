"""A Dramatiq broker without polling: doorbells are picked up at once, answers are batched.

The stock consumer sleeps with back-off when its queue is empty or its prefetch is full, polls a delay
queue for every queue, and sends heartbeats only when it talks to Redis. Here a consumer blocks in
BLMOVE (the broker moves the bell into the worker's list in one step), waits on an event while full,
and has no delay queue: later jobs wait in PostgreSQL.
"""

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping

import redis
import structlog
from dramatiq import Broker, Consumer, Message, MessageProxy
from dramatiq.middleware import Middleware

from kontor.adapters.redis_doorbell import RedisKeys
from kontor.kernel.doorbells import DoorbellResult

log = structlog.get_logger(__name__)

FETCH = """
local messages = {}
for i = 1, tonumber(ARGV[1]) do
    local message = redis.call('lmove', KEYS[1], KEYS[2], 'LEFT', 'RIGHT')
    if not message then break end
    messages[i] = message
end
return messages
"""
RECONNECT_SECONDS = 0.2


class Acknowledger(threading.Thread):
    """Sends answers to the relay, all pending ones in one batch; retries until Redis accepts them."""

    def __init__(self, client: "redis.Redis", keys: RedisKeys) -> None:
        super().__init__(name="answers", daemon=True)
        self._client = client
        self._keys = keys
        self._waiting: deque[tuple[str, bytes, DoorbellResult]] = deque()
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()

    def put(self, held_key: str, raw: bytes, answer: DoorbellResult) -> None:
        """Queue the answer to a bell in the list `held_key`."""
        self._idle.clear()
        self._waiting.append((held_key, raw, answer))
        self._wake.set()

    def drain(self, seconds: float) -> bool:
        """Wait until all answers are sent; False after `seconds`."""
        return self._idle.wait(seconds)

    def run(self) -> None:
        """Send answers until the process ends."""
        while True:
            self._wake.wait()
            self._wake.clear()
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            while batch and not self._send(batch):
                threading.Event().wait(RECONNECT_SECONDS)
            if not self._waiting:
                self._idle.set()

    def _send(self, batch: Iterable[tuple[str, bytes, DoorbellResult]]) -> bool:
        try:
            with self._client.pipeline(transaction=False) as pipe:
                for held_key, raw, answer in batch:
                    body = json.dumps([answer.bell_id, answer.claimed, answer.seconds])
                    pipe.lrem(held_key, 1, raw.decode())
                    pipe.rpush(self._keys.answers, body)
                pipe.execute()
        except redis.RedisError as error:
            log.warning("answers.unsent", error=str(error))
            return False
        return True


class DoorbellBroker(Broker):
    """The worker's side of Redis. `prefetch`: how many bells of each queue a process may hold."""

    def __init__(
        self,
        client: "redis.Redis",
        keys: RedisKeys,
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
        self.acknowledger = Acknowledger(client, keys)
        self.acknowledger.start()
        self._report = threading.local()
        self.draining = False

    def report(self, answer: DoorbellResult) -> None:
        """Keep the runner's answer until this thread acknowledges the message."""
        self._report.value = answer

    def take_report(self, bell_id: str) -> DoorbellResult:
        """Return the runner's answer to a bell; an unclaimed one when it raised."""
        answer: DoorbellResult | None = getattr(self._report, "value", None)
        self._report.value = None
        return answer if answer and answer.bell_id == bell_id else DoorbellResult(bell_id, 0, 0.0)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> Consumer:
        """Return a consumer that blocks for at most `timeout` ms at a time."""
        return DoorbellConsumer(self, queue_name, self.prefetch.get(queue_name, prefetch), timeout)

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue, without a delay queue."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def get_declared_queues(self) -> set[str]:
        """Return the names of all queues declared so far."""
        return self.queues.copy()


class DoorbellConsumer(Consumer):
    """Consumes the bells of one queue."""

    def __init__(self, broker: DoorbellBroker, queue: str, prefetch: int, timeout: int) -> None:
        self._broker = broker
        self._source = broker.keys.queue(queue)
        self._held_key = broker.keys.held(broker.worker, queue)
        self._prefetch = prefetch
        self._timeout = max(1, timeout // 1000)
        self._ready: deque[bytes] = deque()
        self._in_flight: dict[str, bytes] = {}
        self._capacity_freed = threading.Event()
        self._has_backlog = False

    def ack(self, message: MessageProxy) -> None:
        """Answer the relay and remove the message from this worker's list."""
        raw = self._in_flight.pop(message.message_id, None)
        self._capacity_freed.set()
        if raw is not None:
            self._broker.acknowledger.put(self._held_key, raw, self._broker.take_report(message.message_id))

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Return messages not started: unclaimed, so that the relay dispatches their jobs again."""
        for message in messages:
            self.ack(message)

    def __next__(self) -> MessageProxy | None:
        if not self._ready:
            try:
                self._pick_up()
            except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError):
                self._has_backlog = False
                self._capacity_freed.wait(RECONNECT_SECONDS)
        if not self._ready:
            return None
        raw = self._ready.popleft()
        message: Message[object] = Message.decode(raw)
        self._in_flight[message.message_id] = raw
        return MessageProxy(message)

    def _pick_up(self) -> None:
        capacity = self._prefetch - len(self._in_flight)
        if capacity <= 0 or self._broker.draining:
            self._capacity_freed.clear()
            if self._prefetch - len(self._in_flight) <= 0 or self._broker.draining:
                self._capacity_freed.wait(self._timeout)
            return
        if self._has_backlog:
            self._ready.extend(self._broker.fetch(keys=[self._source, self._held_key], args=[capacity]))
            self._has_backlog = bool(self._ready)
            if self._has_backlog:
                return
        raw = self._broker.client.blmove(self._source, self._held_key, self._timeout, "LEFT", "RIGHT")
        if raw is not None:
            self._ready.append(raw if isinstance(raw, bytes) else raw.encode())
            self._has_backlog = True
