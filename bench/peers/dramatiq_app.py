"""Dramatiq on Redis, as its guide has it."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.effects import insert_committed, redis_url

broker = RedisBroker(url=redis_url(), namespace="bench-dramatiq")  # type: ignore[no-untyped-call]  # untyped upstream
dramatiq.set_broker(broker)


@dramatiq.actor
def insert(n: int) -> None:
    """The job."""
    insert_committed(n)


def enqueue(numbers: range) -> None:
    """Dramatiq has no bulk enqueue: one script call each."""
    for n in numbers:
        insert.send(n)


def prepare() -> None:
    """Need no schema."""
