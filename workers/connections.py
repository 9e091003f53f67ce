"""Built where a process starts: SQL engine, Redis client, clock, tracer, release."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kontor.adapters.clock import DatabaseClock, SystemClock
from kontor.adapters.settings import Settings, libpq_url
from kontor.kernel.ports import Clock
from kontor.kernel.tracing import Tracer

if TYPE_CHECKING:
    from sqlalchemy import Engine

OPTIONS = "-c idle_in_transaction_session_timeout=120s -c lock_timeout=30s -c jit=off"
# Plans are cached: one made while the ledger was empty must not scan the table when it holds 100,000 jobs.
CACHED_PLAN_OPTIONS = f"{OPTIONS} -c enable_seqscan=off"


def sql_engine(settings: Settings, application: str, size: int, options: str = OPTIONS) -> "Engine":
    """Return an engine with a pool of `size` connections, named in pg_stat_activity."""
    from sqlalchemy import create_engine  # the relay runs without SQLAlchemy, which takes 20 MB

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


def psycopg_connection(settings: Settings, application: str) -> psycopg.Connection[tuple[object, ...]]:
    """Open a separate psycopg connection in autocommit mode."""
    return psycopg.connect(
        libpq_url(settings.database_url),
        autocommit=True,
        application_name=application,
        options=CACHED_PLAN_OPTIONS,
        connect_timeout=5,
        tcp_user_timeout=15000,
    )


def redis_client(settings: Settings) -> "redis.Redis":
    """Return a client that raises at once when Redis is unavailable; callers do their own retries."""
    return redis.Redis.from_url(
        settings.redis_url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=5, socket_timeout=20
    )


def clock_for(settings: Settings) -> Clock:
    """Return the system clock, or the test clock if the settings enable it."""
    if not settings.test_clock:
        return SystemClock()
    return DatabaseClock(libpq_url(settings.database_url), settings.test_clock_start)


def programme_time(settings: Settings) -> datetime:
    """Return the programme time and close the connection."""
    clock = clock_for(settings)
    try:
        return clock.now()
    finally:
        if isinstance(clock, DatabaseClock):
            clock.close()


def installed_version() -> str:
    """Return the installed version, 0.0.0 when it is not installed as a package."""
    try:
        return version("kontor")
    except PackageNotFoundError:
        return "0.0.0"


P = ParamSpec("P")
T = TypeVar("T")


def tracer_for(settings: Settings, role: str) -> Tracer | None:
    """Return the tracer of this process; None unless OTEL_EXPORTER_OTLP_ENDPOINT is set."""
    if settings.otlp_endpoint is None:
        return None
    from kontor.adapters.tracing import otlp_tracer

    return otlp_tracer(settings.otlp_endpoint, role, installed_version())


class ContextThreads(ThreadPoolExecutor):
    """Threads that run in the context (and span) of the submitter."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` in the caller's context."""
        context = copy_context()
        return super().submit(lambda: context.run(fn, *args, **kwargs))
