"""Connections built where a process starts: the SQL engine and the Redis client."""

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from adapters.settings import Settings

OPTIONS = "-c idle_in_transaction_session_timeout=120s -c lock_timeout=30s -c jit=off"
# Plans are cached: one made while the ledger was empty must not scan the table when it holds 100,000 jobs.
KEEPS_PLANS = f"{OPTIONS} -c enable_seqscan=off"


def sql_engine(settings: Settings, application: str, size: int, options: str = OPTIONS) -> Engine:
    """Return an engine with a pool of `size` connections, named in pg_stat_activity."""
    return create_engine(
        settings.database_url,
        pool_size=size,
        max_overflow=4,
        pool_timeout=30,
        connect_args={
            "application_name": application,
            "options": options,
            "keepalives_idle": 30,
            "tcp_user_timeout": 15000,
            "connect_timeout": 5,
        },
    )


def driver_connection(settings: Settings, application: str) -> psycopg.Connection[tuple[object, ...]]:
    """Open a separate psycopg connection in autocommit mode."""
    url = make_url(settings.database_url).set(drivername="postgresql")
    dsn = url.render_as_string(hide_password=False)
    return psycopg.connect(
        dsn,
        autocommit=True,
        application_name=application,
        options=KEEPS_PLANS,
        connect_timeout=5,
        tcp_user_timeout=15000,
    )


def redis_client(settings: Settings) -> "redis.Redis":
    """Return a client that raises at once when Redis is unavailable; callers do their own retries."""
    return redis.Redis.from_url(
        settings.redis_url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=5, socket_timeout=20
    )
