"""The doorbell over Redis: ring in one round trip, listen for the workers' answers."""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Thread, local
from time import monotonic
from typing import Any
from uuid import UUID

import redis
import structlog
from dramatiq import Message

from kontor.kernel import doorbells
from kontor.kernel.doorbells import Doorbell, DoorbellReset, DoorbellResult, DoorbellUnavailable, RelayEvents
from kontor.kernel.ids import new_id

RING = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 3 do
    if ARGV[i + 1] == '1' then redis.call('lpush', ARGV[i], ARGV[i + 2])
    else redis.call('rpush', ARGV[i], ARGV[i + 2]) end
end
return 1
"""
DRAIN = """
local answers = redis.call('lpop', KEYS[1], 1000) or {}
local hinted = redis.call('del', KEYS[2])
return {redis.call('get', KEYS[3]) or '', hinted, answers}
"""
SCAN_KEYS = 1000
"""Keys per step: a foreign data set in the same Redis makes the scan longer, never a step."""


class RedisKeys:
    """The Redis keys of one deployment; its namespace may be asked for when it is first needed."""

    def __init__(self, namespace: str | Callable[[], str]) -> None:
        self._source = namespace

    @property
    def namespace(self) -> str:
        """The prefix of all keys. Raises redis.ConnectionError while it cannot be asked for."""
        if not isinstance(self._source, str):
            self._source = self._source()
        return self._source

    @property
    def epoch(self) -> str:
        """The relay's term: a bell of an earlier one is void."""
        return f"{self.namespace}:epoch"

    @property
    def answers(self) -> str:
        """The list of the workers' answers."""
        return f"{self.namespace}:answers"

    @property
    def hint(self) -> str:
        """The list that wakes the relay."""
        return f"{self.namespace}:hint"

    @property
    def offers(self) -> str:
        """The channel that wakes waiting pull workers."""
        return f"{self.namespace}:offers"

    def queue(self, name: str) -> str:
        """The list of a queue's doorbells."""
        return f"{self.namespace}:q:{name}"

    def held(self, worker: str, name: str) -> str:
        """The list of doorbells that a worker picked up from a queue and has not answered."""
        return f"{self.namespace}:held:{worker}:{name}"

    def holder(self, key: str) -> str:
        """The worker of a `held` key."""
        return key.removeprefix(f"{self.namespace}:held:").rpartition(":")[0]


def actor_name_of(queue: str) -> str:
    """The name of the actor that serves a queue."""
    return f"kontor.{queue}"


def encode(bell: Doorbell) -> bytes:
    """Encode a bell as a Dramatiq message."""
    message: Message[None] = Message(
        queue_name=bell.queue,
        actor_name=actor_name_of(bell.queue),
        args=(bell.task, [str(job_id) for job_id in bell.ids]),
        kwargs={},
        options={"time_limit": bell.time_limit},
        message_id=bell.id,
        message_timestamp=0,
    )
    return message.encode()


def decode(raw: bytes) -> Doorbell:
    """Decode a message of `encode`."""
    message: Message[None] = Message.decode(raw)
    task, ids = message.args
    return Doorbell(
        message.message_id,
        message.queue_name,
        task,
        tuple(UUID(job_id) for job_id in ids),
        time_limit=message.options["time_limit"],
    )


@contextmanager
def convert_errors() -> Iterator[None]:
    """Convert connection errors of the client to DoorbellUnavailable."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError) as error:
        raise DoorbellUnavailable(str(error)) from error


class RedisDoorbellChannel:
    """Implements kontor.kernel.doorbells.DoorbellChannel with Redis lists."""

    def __init__(self, client: "redis.Redis", keys: RedisKeys, queues: Sequence[str]) -> None:
        self._client = client
        self._keys = keys
        self._queues = queues
        self._epoch = b""
        self._scanned = 0
        self._ring = client.register_script(RING)
        self._drain = client.register_script(DRAIN)

    def begin(self) -> None:
        """Start an epoch: forget every bell in the broker. Raises DoorbellUnavailable."""
        self._epoch = str(new_id()).encode()
        with convert_errors(), self._client.pipeline(transaction=True) as pipe:
            pipe.delete(self._keys.answers, *map(self._keys.queue, self._queues))
            pipe.set(self._keys.epoch, self._epoch)
            pipe.execute()

    def ring(self, bells: Sequence[Doorbell]) -> None:
        """Publish in one round trip. Raises DoorbellUnavailable, DoorbellReset."""
        args: list[bytes | str] = [self._epoch]
        urgent_bells = [bell for bell in bells if bell.urgent][::-1]
        for bell in [*urgent_bells, *(bell for bell in bells if not bell.urgent)]:
            args += [self._keys.queue(bell.queue), "1" if bell.urgent else "0", encode(bell)]
        with convert_errors():
            if not self._ring(keys=[self._keys.epoch], args=args):
                raise DoorbellReset

    def listen(self, seconds: float) -> RelayEvents:
        """Wait for answers or a hint. Raises DoorbellUnavailable, DoorbellReset."""
        keys = self._keys
        with convert_errors():
            first = self._client.blpop([keys.answers, keys.hint], timeout=seconds)
            epoch, new_jobs, rest = self._drain(keys=[keys.answers, keys.hint, keys.epoch])
        if epoch != self._epoch:
            raise DoorbellReset
        answers = [_answer(raw) for raw in rest]
        if first is not None and first[0] == keys.answers.encode():
            answers.append(_answer(first[1]))
        woken = first is not None and first[0] == keys.hint.encode()
        return RelayEvents(tuple(answers), bool(new_jobs) or woken)

    def reclaim(self, worker: str) -> tuple[Doorbell, ...]:
        """Remove and return the bells a dead worker had picked up. Raises DoorbellUnavailable."""
        bells: list[Doorbell] = []
        with convert_errors():
            for name in self._queues:
                key = self._keys.held(worker, name)
                with self._client.pipeline(transaction=True) as pipe:
                    pipe.lrange(key, 0, -1)
                    pipe.delete(key)
                    messages, _ = pipe.execute()
                bells.extend(map(decode, messages))
        return tuple(bells)

    def waiting(self, queue: str, workers: Sequence[str]) -> frozenset[str]:
        """Return the ids of the bells in a queue and in these workers' lists of it. Raises DoorbellUnavailable."""
        lists = [self._keys.queue(queue), *(self._keys.held(worker, queue) for worker in workers)]
        with convert_errors(), self._client.pipeline(transaction=False) as pipe:
            for key in lists:
                pipe.lrange(key, 0, -1)
            return frozenset(decode(raw).id for messages in pipe.execute() for raw in messages)

    def discard(self, bell: Doorbell, workers: Sequence[str]) -> None:
        """Remove a bell from these workers' lists. Raises DoorbellUnavailable."""
        raw = encode(bell).decode()
        with convert_errors(), self._client.pipeline(transaction=False) as pipe:
            for worker in workers:
                pipe.lrem(self._keys.held(worker, bell.queue), 1, raw)
            pipe.execute()

    def holders(self) -> frozenset[str]:
        """Return the workers whose lists the next step of a scan over all keys meets. Raises DoorbellUnavailable."""
        with convert_errors():
            self._scanned, keys = self._client.scan(self._scanned, match=self._keys.held("*", "*"), count=SCAN_KEYS)
        return frozenset(self._keys.holder(key if isinstance(key, str) else key.decode()) for key in keys)

    def offer(self, offers: Mapping[tuple[str, str], int]) -> None:
        """Publish which pull types have new jobs. Raises DoorbellUnavailable."""
        with convert_errors():
            self._client.publish(self._keys.offers, doorbells.offer_json(offers))


def _answer(raw: bytes | str) -> DoorbellResult:
    bell_id, claimed, seconds = json.loads(raw)
    return DoorbellResult(bell_id, claimed, seconds)


log = structlog.get_logger(__name__)

MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS, OFFER_PAUSE_SECONDS = 0.005, 0.05, 0.001  # an offer ends the pause
PAUSE_FACTOR = 100  # pause this many times the duration of a push: hints use 1 % of the time


class RedisRelayHint:
    """Sends the first ring at once and coalesces those of the next 5 ms; the relay's poll makes up for lost ones.

    When pushes are slow because the machine is busy, the pause grows up to 50 ms: the relay is busy then too. A job for
    pull workers ends the pause.
    """

    def __init__(self, client: "redis.Redis", keys: RedisKeys) -> None:
        self._pool = client.connection_pool
        self._keys = keys
        self._requested, self._offered = Event(), Event()
        self._noted = local()
        self._offers: deque[tuple[str, str]] = deque()
        self._closing = Event()
        self._thread = Thread(target=self._run, name="doorbell", daemon=True)
        self._thread.start()

    def ring(self) -> None:
        """Return at once; never raise."""
        if "offers" in self._noted.__dict__:
            self._offers.extend(self._noted.__dict__.pop("offers"))
            self._offered.set()
        if not self._requested.is_set():
            self._requested.set()

    def offer(self, task: str, tenant: str) -> None:
        """Note a job for pull workers; those that wait hear of it with this thread's next ring."""
        self._noted.__dict__.setdefault("offers", []).append((task, tenant))

    def close(self) -> None:
        """Send a pending hint and stop."""
        self._closing.set()
        self._requested.set()
        self._offered.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        connection: Any = None
        while not self._closing.is_set():
            self._requested.wait()
            self._requested.clear()
            began = monotonic()
            try:
                connection = connection or self._pool.get_connection()
                self._push(connection)
            except (redis.RedisError, OSError) as error:
                log.debug("doorbell.lost", error=str(error))
            elapsed = monotonic() - began
            if self._offered.wait(min(max(MIN_PAUSE_SECONDS, PAUSE_FACTOR * elapsed), MAX_PAUSE_SECONDS)):
                self._closing.wait(OFFER_PAUSE_SECONDS)
        if connection is not None:
            self._pool.release(connection)

    def _push(self, connection: Any) -> None:
        """Send packed commands on one connection: a quarter of the cost of the client's method."""
        commands = [("LPUSH", self._keys.hint, "1")]
        self._offered.clear()
        offers = Counter(self._offers.popleft() for _ in range(len(self._offers)))
        if offers:
            commands.append(("PUBLISH", self._keys.offers, doorbells.offer_json(offers)))
        try:
            self._exchange(connection, commands)
        except redis.ConnectionError:
            connection.disconnect()
            self._exchange(connection, commands)

    @staticmethod
    def _exchange(connection: Any, commands: Sequence[tuple[str, ...]]) -> None:
        connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        for _ in commands:
            connection.read_response()


class SilentRelayHint:
    """Does nothing: for commands that rely on the relay's poll, and for tests."""

    def ring(self) -> None:
        """Do nothing."""

    def offer(self, task: str, tenant: str) -> None:
        """Do nothing."""
