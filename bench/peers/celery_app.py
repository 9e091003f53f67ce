"""Celery on Redis, default settings but for result storage, which is off by default as well."""

from celery import Celery  # type: ignore[import-not-found]  # installed in the peers' environment alone

from bench.effects import insert_committed, redis_url

app = Celery("bench", broker=redis_url().replace("unix://", "redis+socket://").replace("?db=", "?virtual_host="))
app.conf.broker_transport_options = {"global_keyprefix": "bench-celery:"}
app.conf.broker_connection_retry_on_startup = True

insert = app.task(name="bench.insert", ignore_result=True)(insert_committed)


def enqueue(numbers: range) -> None:
    """One message each, over one connection."""
    with app.producer_pool.acquire() as producer:
        for n in numbers:
            insert.apply_async((n,), producer=producer)


def prepare() -> None:
    """Need no schema."""
