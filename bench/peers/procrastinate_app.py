"""Procrastinate on PostgreSQL: async connector, async task, as its guide has it."""

import os

import psycopg_pool
from procrastinate import App, PsycopgConnector  # type: ignore[import-not-found]  # installed in the peers' environment alone

from bench.effects import INSERT, dsn

app = App(connector=PsycopgConnector(conninfo=dsn()), import_paths=["bench.peers.procrastinate_app"])
pools: list[psycopg_pool.AsyncConnectionPool] = []


async def insert_async(n: int) -> None:
    """The job, on a pool of its own."""
    if not pools:
        options = {"autocommit": True}
        pools.append(psycopg_pool.AsyncConnectionPool(dsn(), open=False, kwargs=options))
        await pools[0].open()
    async with pools[0].connection() as connection:
        await connection.execute(INSERT, (n, os.getpid()))


insert = app.task(name="bench.insert")(insert_async)


def enqueue(numbers: range) -> None:
    """In batches of a thousand."""
    with app.open():
        for first in range(numbers.start, numbers.stop, 1_000):
            insert.batch_defer(*({"n": n} for n in range(first, min(first + 1_000, numbers.stop))))


def prepare() -> None:
    """Create its tables."""
    with app.open():
        app.schema_manager.apply_schema()
