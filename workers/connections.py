"""Built where a process starts: SQL engine, Redis client, clock, tracer, release."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import psycopg
import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from kontor.adapters.clock import DatabaseClock, ServerClock
from kontor.adapters.settings import Settings, libpq_url
from kontor.kernel.tracing import Tracer

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = structlog.get_logger(__name__)

# The server's keepalives: PostgreSQL's default notices a lost host after two hours.
KEEPALIVES = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
OPTIONS = f"-c idle_in_transaction_session_timeout=120s -c lock_timeout=30s -c jit=off {KEEPALIVES}"
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


def redis_client(settings: Settings, timeout: float = 20) -> "redis.Redis":
    """Return a client that raises at once when Redis is unavailable; callers do their own retries.

    `timeout`: seconds that an answer may take.
    """
    return redis.Redis.from_url(
        settings.redis_url,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=min(5, timeout),
        socket_timeout=timeout,
    )


def clock_for(settings: Settings) -> ServerClock:
    """Return PostgreSQL's clock, or the test clock if the settings enable it; measured once if PostgreSQL answers."""
    url = libpq_url(settings.database_url)
    clock = DatabaseClock(url, settings.test_clock_start) if settings.test_clock else ServerClock()
    try:
        with psycopg_connection(settings, "kontor clock") as connection:
            clock.measure(connection)
    except psycopg.Error as error:
        log.warning("clock.not_measured", error=str(error).strip())
    return clock


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
