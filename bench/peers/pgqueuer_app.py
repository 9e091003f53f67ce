"""PGQueuer on PostgreSQL with asyncpg, its fastest driver."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg  # type: ignore[import-not-found]  # installed in the peers' environment alone
import pgqueuer  # type: ignore[import-not-found]  # installed in the peers' environment alone
import uvloop
from pgqueuer import AsyncpgDriver, PgQueuer, Queries

from bench.effects import INSERT_NUMBERED, dsn


@asynccontextmanager
async def factory() -> AsyncGenerator[Any, None]:
    """What `pgq run` starts: a connection for the queue, a pool for the jobs."""
    connection = await asyncpg.connect(dsn())
    async with asyncpg.create_pool(dsn(), min_size=1, max_size=10) as pool:
        queue = PgQueuer(AsyncpgDriver(connection))

        async def insert(job: Any) -> None:
            await pool.execute(INSERT_NUMBERED, int(job.payload), os.getpid())

        queue.entrypoint("insert")(insert)
        yield queue
    await connection.close()


async def enqueue_async(numbers: range) -> None:
    """In batches of a thousand."""
    connection = await asyncpg.connect(dsn())
    queries = Queries(AsyncpgDriver(connection))
    for first in range(numbers.start, numbers.stop, 1_000):
        payloads: list[bytes | None] = [str(n).encode() for n in range(first, min(first + 1_000, numbers.stop))]
        await queries.enqueue(["insert"] * len(payloads), payloads, [0] * len(payloads))
    await connection.close()


def enqueue(numbers: range) -> None:
    """See enqueue_async."""
    asyncio.run(enqueue_async(numbers))


async def prepare_async() -> None:
    """Create its tables unless they are there."""
    connection = await asyncpg.connect(dsn())
    queries = Queries(AsyncpgDriver(connection))
    if not await queries.schema_is_installed():
        await queries.install()
    await connection.close()


def prepare() -> None:
    """See prepare_async."""
    asyncio.run(prepare_async())


def work(batch_size: str) -> None:
    """What `pgq run --batch-size N` does; its command line fails with the Typer of the day."""
    uvloop.run(pgqueuer.run(factory, batch_size=int(batch_size)))
