"""A Dramatiq broker without polling: doorbells are picked up at once, answers are batched.

The stock consumer sleeps with back-off when its queue is empty or its prefetch is full, polls a delay
queue for every queue, and sends heartbeats only when it talks to Redis. Here a consumer blocks in
BLMOVE (the broker moves the bell into the worker's list in one step), waits on an event while full,
and has no delay queue: later jobs wait in PostgreSQL.

A reply of Redis may be lost after the bell moved: on each new connection a consumer takes back what lies in its list
and not in its memory.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable

import redis
import structlog
from dramatiq import Broker, Consumer, Message, MessageProxy
from dramatiq.middleware import Middleware

from kontor.adapters.redis_doorbell import RedisKeys
from kontor.adapters.taken_bells import Capacity, TakenBells
from kontor.kernel.doorbells import HANDED_BACK, DoorbellResult

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
RETURN = """
if redis.call('lrem', KEYS[2], 1, ARGV[1]) > 0 then redis.call('lpush', KEYS[1], ARGV[1]) end
"""
RECONNECT_SECONDS = 0.2
MAX_FETCH = 64


def always() -> bool:
    """Return True."""
    return True


class Acknowledger(threading.Thread):
    """Sends answers to the relay, all pending ones in one batch; retries until Redis accepts them."""

    def __init__(self, client: "redis.Redis", keys: RedisKeys) -> None:
        super().__init__(name="answers", daemon=True)
        self._client = client
        self._keys = keys
        self._waiting: deque[tuple[str, bytes, DoorbellResult]] = deque()
        self._unsent: dict[str, None] = {}
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()

    def put(self, held_key: str, raw: bytes, answer: DoorbellResult) -> None:
        """Queue the answer to a bell in the list `held_key`."""
        self._idle.clear()
        self._unsent[answer.bell_id] = None
        self._waiting.append((held_key, raw, answer))
        self._wake.set()

    def drain(self, seconds: float) -> bool:
        """Wait until all answers are sent; False after `seconds`."""
        return self._idle.wait(seconds)

    def unsent(self) -> tuple[str, ...]:
        """Return the ids of the bells whose answers Redis has not accepted yet."""
        return tuple(self._unsent)

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
        except (redis.RedisError, OSError) as error:  # OSError: a process without file descriptors cannot connect
            log.warning("answers.unsent", error=str(error))
            return False
        for _, _, answer in batch:
            self._unsent.pop(answer.bell_id, None)
        return True


class DoorbellBroker(Broker):
    """The worker's side of Redis."""

    def __init__(
        self,
        client: "redis.Redis",
        keys: RedisKeys,
        worker: str,
        capacity: Capacity,
        middleware: list[Middleware],
    ) -> None:
        super().__init__(middleware=middleware)
        self.queues: set[str] = set()
        self.client = client
        self.keys = keys
        self.worker = worker
        self.capacity = capacity
        self.fetch = client.register_script(FETCH)
        self.hand_back = client.register_script(RETURN)
        self.acknowledger = Acknowledger(client, keys)
        self.acknowledger.start()
        self._report = threading.local()
        self.draining = False
        self.may_claim: Callable[[], bool] = always
        self.taken: dict[str, TakenBells] = {}

    @property
    def takes_bells(self) -> bool:
        """Whether this process picks up more bells."""
        return not self.draining and self.may_claim()

    def bell_ids(self) -> tuple[str, ...]:
        """Return the ids of the bells taken and not yet answered."""
        taken = [bell_id for bells in tuple(self.taken.values()) for bell_id in tuple(bells.raw)]
        return tuple(dict.fromkeys([*taken, *self.acknowledger.unsent()]))

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
        return DoorbellConsumer(self, queue_name, timeout)

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

    def __init__(self, broker: DoorbellBroker, queue: str, timeout: int) -> None:
        self._broker = broker
        self._queue = queue
        self._source = broker.keys.queue(queue)
        self._held_key = broker.keys.held(broker.worker, queue)
        self._timeout = max(1, timeout // 1000)
        self._taken = broker.taken.setdefault(queue, TakenBells())
        self._capacity_freed = threading.Event()
        broker.capacity.listen(self._capacity_freed)
        self._has_backlog = False
        self._is_new = True

    def ack(self, message: MessageProxy) -> None:
        """Answer the relay and remove the message from this worker's list."""
        raw = self._taken.raw.get(message.message_id)
        if raw is not None:
            self._broker.acknowledger.put(self._held_key, raw, self._broker.take_report(message.message_id))
            self._taken.raw.pop(message.message_id, None)
            self._broker.capacity.give_back(self._queue)

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Return messages not started: the relay dispatches their jobs again at once."""
        for message in messages:
            self._broker.report(DoorbellResult(message.message_id, HANDED_BACK, 0.0))
            self.ack(message)

    def __next__(self) -> MessageProxy | None:
        if not self._taken.ready:
            try:
                self._pick_up()
            except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError):
                self._has_backlog = False
                self._is_new = True
                self._capacity_freed.wait(RECONNECT_SECONDS)
        return MessageProxy(self._taken.ready.popleft()) if self._taken.ready else None

    def _pick_up(self) -> None:
        """Take bells into memory, as many as the process has room for; block while there are none."""
        if self._is_new:
            self._take_back()
            return
        capacity = self._broker.capacity
        self._capacity_freed.clear()
        if not self._broker.takes_bells or capacity.free(self._queue) <= 0:
            self._capacity_freed.wait(self._timeout)
            return
        if self._has_backlog:
            self._fetch(capacity)
            if self._has_backlog:
                return
        raw = self._broker.client.blmove(self._source, self._held_key, self._timeout, "LEFT", "RIGHT")
        if raw is None:
            return
        if capacity.take(self._queue, 1):
            self._taken.add(_bytes(raw))
            self._has_backlog = True
        else:  # another queue took the last thread while this one waited
            self._broker.hand_back(keys=[self._source, self._held_key], args=[raw])

    def _fetch(self, capacity: Capacity) -> None:
        """Take bells that wait already, in one round trip."""
        room, added = capacity.take(self._queue, MAX_FETCH), 0
        try:
            bells = self._broker.fetch(keys=[self._source, self._held_key], args=[room]) if room else []
            added = sum(self._taken.add(_bytes(raw)) for raw in bells)
        finally:
            if room > added:
                capacity.give_back(self._queue, room - added)
        self._has_backlog = bool(added)

    def _take_back(self) -> None:
        """Take what lies in this worker's list and not in its memory: the reply that moved it was lost."""
        before = self._broker.bell_ids()  # an answer under way may leave memory before it leaves the list
        for raw in map(_bytes, self._broker.client.lrange(self._held_key, 0, -1)):
            if Message.decode(raw).message_id not in before and self._taken.add(raw):
                self._broker.capacity.take_over(self._queue)
        self._is_new = False


def _bytes(raw: bytes | str) -> bytes:
    return raw if isinstance(raw, bytes) else raw.encode()
