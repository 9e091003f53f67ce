"""The relay's side of Redis: sends doorbells in one round trip and receives their answers."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import redis
from dramatiq import Message

from domain.bells import Answer, Bell, BellsDown, BellsForgotten, Heard
from domain.ids import new_id

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


class Keys:
    """The Redis keys of one deployment."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.epoch = f"{namespace}:epoch"
        self.answers = f"{namespace}:answers"
        self.hint = f"{namespace}:hint"

    def queue(self, name: str) -> str:
        """The list of a queue's doorbells."""
        return f"{self.namespace}:q:{name}"

    def held(self, worker: str, name: str) -> str:
        """The list of doorbells that a worker picked up from a queue and has not answered."""
        return f"{self.namespace}:held:{worker}:{name}"


def actor_of(queue: str) -> str:
    """The name of the actor that serves a queue."""
    return f"kontor.{queue}"


def encode(bell: Bell) -> bytes:
    """Encode a bell as a Dramatiq message."""
    message: Message[None] = Message(
        queue_name=bell.queue,
        actor_name=actor_of(bell.queue),
        args=(bell.task, [str(job_id) for job_id in bell.ids]),
        kwargs={},
        options={"time_limit": bell.time_limit},
        message_id=bell.id,
        message_timestamp=0,
    )
    return message.encode()


def decode(raw: bytes) -> Bell:
    """Decode a message of `encode`."""
    message: Message[None] = Message.decode(raw)
    task, ids = message.args
    return Bell(
        message.message_id,
        message.queue_name,
        task,
        tuple(UUID(job_id) for job_id in ids),
        time_limit=message.options["time_limit"],
    )


@contextmanager
def reachable() -> Iterator[None]:
    """Convert connection errors of the client to BellsDown."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.BusyLoadingError) as error:
        raise BellsDown(str(error)) from error


class RedisBells:
    """Implements domain.bells.Bells with Redis lists."""

    def __init__(self, client: "redis.Redis", keys: Keys, queues: Sequence[str]) -> None:
        self._client = client
        self._keys = keys
        self._queues = queues
        self._epoch = b""
        self._ring = client.register_script(RING)
        self._drain = client.register_script(DRAIN)

    def begin(self) -> None:
        """Start an epoch: forget every bell in the broker. Raises BellsDown."""
        self._epoch = str(new_id()).encode()
        with reachable(), self._client.pipeline(transaction=True) as pipe:
            pipe.delete(self._keys.answers, *map(self._keys.queue, self._queues))
            pipe.set(self._keys.epoch, self._epoch)
            pipe.execute()

    def ring(self, bells: Sequence[Bell]) -> None:
        """Publish in one round trip. Raises BellsDown, BellsForgotten."""
        args: list[bytes | str] = [self._epoch]
        urgent_bells = [bell for bell in bells if bell.urgent][::-1]
        for bell in [*urgent_bells, *(bell for bell in bells if not bell.urgent)]:
            args += [self._keys.queue(bell.queue), "1" if bell.urgent else "0", encode(bell)]
        with reachable():
            if not self._ring(keys=[self._keys.epoch], args=args):
                raise BellsForgotten

    def listen(self, seconds: float) -> Heard:
        """Wait for answers or a hint. Raises BellsDown, BellsForgotten."""
        keys = self._keys
        with reachable():
            first = self._client.blpop([keys.answers, keys.hint], timeout=seconds)
            epoch, hinted, rest = self._drain(keys=[keys.answers, keys.hint, keys.epoch])
        if epoch != self._epoch:
            raise BellsForgotten
        answers = [_answer(raw) for raw in rest]
        if first is not None and first[0] == keys.answers.encode():
            answers.append(_answer(first[1]))
        woken = first is not None and first[0] == keys.hint.encode()
        return Heard(tuple(answers), bool(hinted) or woken)

    def held_by(self, worker: str) -> tuple[Bell, ...]:
        """Remove and return the bells a dead worker had picked up. Raises BellsDown."""
        bells: list[Bell] = []
        with reachable():
            for name in self._queues:
                key = self._keys.held(worker, name)
                with self._client.pipeline(transaction=True) as pipe:
                    pipe.lrange(key, 0, -1)
                    pipe.delete(key)
                    messages, _ = pipe.execute()
                bells.extend(map(decode, messages))
        return tuple(bells)

    def waiting(self, bell: Bell, workers: Sequence[str]) -> bool:
        """Whether a bell still waits in the broker or with one of these workers. Raises BellsDown."""
        lists = [self._keys.queue(bell.queue)]
        lists += [self._keys.held(worker, bell.queue) for worker in workers]
        raw = encode(bell).decode()
        with reachable():
            return any(self._client.lpos(key, raw) is not None for key in lists)


def _answer(raw: bytes | str) -> Answer:
    bell_id, claimed, seconds = json.loads(raw)
    return Answer(bell_id, claimed, seconds)
