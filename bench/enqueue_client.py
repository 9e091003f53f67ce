"""One client that enqueues, or does the bare INSERT, as long as it is told: reads `SECONDS`, prints a count.

`python -m bench.enqueue_client bare | one | bulk`; prints `ready` when it is warm.
"""

import json
import os
import sys
import time
from collections.abc import Callable

import psycopg
import redis
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from adapters.bells import Keys
from adapters.doorbell import RedisDoorbell
from bench.effects import dsn, redis_url
from bench.kontor import jobs, namespace, sqlalchemy_url
from domain.ids import new_id
from engine.enqueue import Request

WARM_UP = 200
BULK = 10_000
BARE = "INSERT INTO bench_bare (id, payload) VALUES (%s, %s::jsonb)"


def bare() -> Callable[[], int]:
    """One INSERT of an id and a payload, then commit: psycopg, nothing above it."""
    connection = psycopg.connect(dsn())

    def act() -> int:
        connection.execute(BARE, (new_id(), json.dumps({"n": 1})))
        connection.commit()
        return 1

    return act


def kontor(count: int) -> Callable[[], int]:
    """A Session, `count` jobs, commit, and the hint to the relay."""
    engine = create_engine(sqlalchemy_url(dsn()), pool_size=1)
    client = redis.Redis.from_url(redis_url())
    ledger = jobs(RedisDoorbell(client, Keys(namespace())))
    requests = [Request("bench.insert", {"n": n}) for n in range(count)]

    def act() -> int:
        with Session(engine) as session:
            if count == 1:
                ledger.put(session, requests[0])
            else:
                ledger.put_many(session, requests)
            session.commit()
        return count

    return act


def main(mode: str) -> None:
    """Warm up, then work whenever a line with a number of seconds comes in."""
    act = bare() if mode == "bare" else kontor(BULK if mode == "bulk" else 1)
    for _ in range(2 if mode == "bulk" else WARM_UP):
        act()
    print("ready", flush=True)
    for line in sys.stdin:
        began = time.monotonic()
        until, count = began + float(line), 0
        while time.monotonic() < until:
            count += act()
        print(count / (time.monotonic() - began), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
