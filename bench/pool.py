"""What Dramatiq's worker costs beside a thread pool of our own (ADR 15): `make bench-pool`, `python -m bench.pool`.

Both take the relay's messages from the same list of the same Valkey with the same number of threads, run the same
handler and answer in the same way. Each round drains one backlog with each of them, in turn, in a new process.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import dramatiq
import redis
from dramatiq.middleware import CurrentMessage, TimeLimit

from bench.effects import TABLE, insert_committed, redis_url
from bench.environment import ROOT, BenchEnvironment, open_environment
from bench.processes import Failed
from bench.thread_pool import Handle, ThreadPool
from kontor.adapters.dramatiq_broker import DoorbellBroker
from kontor.adapters.redis_doorbell import RedisKeys, actor_name_of, encode
from kontor.adapters.taken_bells import Capacity
from kontor.kernel.doorbells import Doorbell, DoorbellResult

DATABASE = "pool"
QUEUE = "bench"
WORKER = "bench-worker"
THREADS = 8
CHUNK = 1_000
SINGLE = 300
PATIENCE = 120.0
KEYS = RedisKeys("bench-pool")
POOLS = ("dramatiq", "threads")
HANDLERS = ("no-op", "insert")
Sample = Mapping[str, float]


def message(number: int) -> bytes:
    """A doorbell of one job."""
    return encode(Doorbell(f"{number:032x}", QUEUE, "bench.noop", (UUID(int=number),)))


class Count:
    """Counts handled messages: opens its window after a warm-up, closes it with the last."""

    def __init__(self, handler: str, warm_up: int, total: int) -> None:
        self.done = threading.Event()
        self.single = threading.Event()
        self.began = self.ended = (0.0, 0.0)
        self.handled_at = 0.0
        self._numbers = itertools.count(1)
        self._effect = insert_committed if handler == "insert" else None
        self._warm_up, self._total = warm_up, total

    def handle(self, _task: str, ids: Sequence[str]) -> None:
        """The handler of both pools."""
        self.handled_at = time.perf_counter()
        if self._effect is not None:
            self._effect(UUID(ids[0]).int)
        number = next(self._numbers)
        if number == self._warm_up:
            self.began = (time.perf_counter(), time.process_time())
        elif number == self._total:
            self.ended = (time.perf_counter(), time.process_time())
            self.done.set()
        elif number > self._total:
            self.single.set()


@contextmanager
def dramatiq_pool(client: "redis.Redis", handle: Handle) -> Iterator[None]:
    """Dramatiq's worker, put together as `kontor worker` puts it together."""
    broker = DoorbellBroker(client, KEYS, WORKER, Capacity(THREADS, ()), [CurrentMessage(), TimeLimit()])

    def run(task: str, ids: list[str]) -> None:
        handle(task, ids)
        current = CurrentMessage.get_current_message()
        broker.report(DoorbellResult(current.message_id if current else "", len(ids), 0.0))

    dramatiq.actor(broker=broker, queue_name=QUEUE, actor_name=actor_name_of(QUEUE))(run)
    worker = dramatiq.Worker(broker, worker_threads=THREADS, worker_timeout=1000)
    worker.start()
    yield
    worker.stop(timeout=5_000)
    broker.acknowledger.drain(2)


@contextmanager
def thread_pool(client: "redis.Redis", handle: Handle) -> Iterator[None]:
    """Threads of our own."""
    pool = ThreadPool(client, KEYS, WORKER, QUEUE, THREADS, handle)
    pool.start()
    yield
    pool.stop(5)


def drained(pool: str, handler: str, total: int) -> Sample:
    """Drain the backlog in this process; then send one message at a time. Raises Failed."""
    client = redis.Redis.from_url(redis_url())
    count = Count(handler, total // 16, total)
    opened: Callable[..., Any] = dramatiq_pool if pool == "dramatiq" else thread_pool
    with opened(client, count.handle):
        if not count.done.wait(PATIENCE):
            raise Failed(f"{pool} did not finish {total} messages in {PATIENCE:.0f} s")
        waits = [alone(client, count, total + n) for n in range(SINGLE)]
    counted = total - total // 16
    return {
        "messages/s": counted / (count.ended[0] - count.began[0]),
        "processor us/message": (count.ended[1] - count.began[1]) / counted * 1e6,
        "us from push to handler": median(waits) * 1e6,
        "unanswered": float(client.llen(KEYS.held(WORKER, QUEUE))),
    }


def alone(client: "redis.Redis", count: Count, number: int) -> float:
    """Seconds from sending one message to a worker that waits until its handler starts."""
    count.single.clear()
    raw = message(number)
    began = time.perf_counter()
    client.rpush(KEYS.queue(QUEUE), raw)
    count.single.wait(PATIENCE)
    return count.handled_at - began


def fill(environment: BenchEnvironment, total: int) -> None:
    """An empty table and a backlog."""
    with environment.connect(DATABASE) as connection:
        connection.execute("TRUNCATE bench_effects")
    environment.settle()
    client = environment.redis()
    for first in range(0, total, CHUNK):
        client.rpush(KEYS.queue(QUEUE), *map(message, range(first, min(first + CHUNK, total))))


def measure(environment: BenchEnvironment, rounds: int, totals: Mapping[str, int]) -> dict[str, list[Sample]]:
    """Samples by handler and pool, taken in turn; the order is reversed with each round."""
    environment.create(DATABASE)
    with environment.connect(DATABASE) as connection:
        connection.execute(TABLE)
    samples: dict[str, list[Sample]] = defaultdict(list)
    for number in range(rounds):
        for handler, total in totals.items():
            for pool in sorted(POOLS, reverse=number % 2 == 1):
                fill(environment, total)
                argv = [sys.executable, "-m", "bench.pool", "--drain", pool, handler, str(total)]
                done = subprocess.run(
                    argv, env=environment.environ(DATABASE), stdout=subprocess.PIPE, text=True, check=False
                )
                if done.returncode != 0:
                    raise Failed(f"{pool} ended with {done.returncode}")
                samples[f"{handler} {pool}"].append(json.loads(done.stdout))
    environment.drop(DATABASE)
    return samples


def report(samples: Mapping[str, Sequence[Sample]]) -> Iterator[str]:
    """A table: the medians, and Dramatiq's share of ours with the range over the rounds."""
    yield f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    for handler in HANDLERS:
        theirs, ours = samples[f"{handler} dramatiq"], samples[f"{handler} threads"]
        for key in ours[0]:
            pair = [median(sample[key] for sample in side) for side in (theirs, ours)]
            line = f"{handler:7} {key:24} dramatiq {pair[0]:9.1f}  threads {pair[1]:9.1f}"
            if all(sample[key] for sample in ours):
                quotients = sorted(left[key] / right[key] for left, right in zip(theirs, ours, strict=True))
                line += f"  ratio {median(quotients):.2f} ({quotients[0]:.2f} - {quotients[-1]:.2f})"
            yield line


def main() -> None:
    """Measure and print, or drain for a round."""
    parser = argparse.ArgumentParser(prog="python -m bench.pool", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--messages", type=int, default=20_000, help="no-op messages a round; half as many INSERTs")
    parser.add_argument("--drain", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drain:
        pool, handler, total = options.drain
        json.dump(drained(pool, handler, int(total)), sys.stdout)
        return
    folder = Path(os.environ.get("KONTOR_DATA_DIR", ROOT / ".kontor")).resolve() / "bench"
    with open_environment(folder, Path(sys.executable)) as environment:
        totals = {"no-op": options.messages, "insert": options.messages // 2}
        for line in report(measure(environment, options.rounds, totals)):
            print(line)


if __name__ == "__main__":
    main()
