"""One client that enqueues, or does the bare INSERT, as long as it is told: reads `SECONDS`, prints a count.

`python -m bench.enqueue_client MODE`; prints `ready` when it is warm. In a psycopg transaction: `bare` INSERT or
`place`; in a Session's: `session-bare` INSERT or `put`; `bulk` is ten thousand jobs in a Session.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

import psycopg
import redis
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench.effects import dsn, redis_url
from bench.kontor import jobs, namespace, sqlalchemy_url
from kontor.adapters.redis_doorbell import RedisKeys, RedisRelayHint
from kontor.engine.enqueue import JobRequest, Jobs
from kontor.kernel.ids import new_id

WARM_UP = 200
BULK = 10_000
BARE = "INSERT INTO bench_bare (id, payload) VALUES (%s, %s::jsonb)"


def a_row() -> tuple[object, str]:
    """What the floor inserts: an id and a small document."""
    return new_id(), json.dumps({"n": 1})


def ledger() -> Jobs:
    """The way into the ledger, ringing a real Redis."""
    return jobs(RedisRelayHint(redis.Redis.from_url(redis_url()), RedisKeys(namespace())))


def in_psycopg(enqueue_on: bool) -> Callable[[], int]:
    """One INSERT, bare or through the ledger with its hint, then commit: psycopg, nothing above it."""
    connection, into, request = psycopg.connect(dsn()), ledger(), JobRequest("bench.insert", {"n": 1})

    def bare() -> int:
        connection.execute(BARE, a_row())
        connection.commit()
        return 1

    def placed() -> int:
        into.enqueue_on(connection, request)
        connection.commit()
        into.doorbell.ring()
        return 1

    return placed if enqueue_on else bare


def in_session(count: int) -> Callable[[], int]:
    """A Session, `count` jobs (0: one bare INSERT), commit, and the hint to the relay."""
    engine = create_engine(sqlalchemy_url(dsn()), pool_size=1)
    into = ledger()
    requests = [JobRequest("bench.insert", {"n": n}) for n in range(count)]

    def act() -> int:
        with Session(engine) as session:
            if count == 0:
                session.connection().exec_driver_sql(BARE, a_row())
            elif count == 1:
                into.enqueue_request(session, requests[0])
            else:
                into.enqueue_many(session, requests)
            session.commit()
        return count or 1

    return act


MODES: Mapping[str, Callable[[], Callable[[], int]]] = {
    "bare": partial(in_psycopg, False),
    "place": partial(in_psycopg, True),
    "session-bare": partial(in_session, 0),
    "put": partial(in_session, 1),
    "bulk": partial(in_session, BULK),
}


def main(mode: str) -> None:
    """Warm up, then work whenever a line with a number of seconds comes in."""
    act = MODES[mode]()
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
