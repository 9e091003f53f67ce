"""Built where a process starts: connections to PostgreSQL and Redis, clock, tracer, release."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import psycopg
import redis
import structlog

from kontor.adapters.clock import DatabaseClock, ServerClock
from kontor.adapters.database_url import connection_parameters, libpq_url
from kontor.adapters.primary import PrimaryConnector, shares_sessions
from kontor.adapters.redis_client import RedisTimelines, client_of, is_cluster
from kontor.adapters.secret_keys import fingerprint, other_key
from kontor.adapters.settings import Settings, SettingsError
from kontor.kernel.data_keys import DataKeys, KeyPurpose
from kontor.kernel.errors import TooManyAttempts
from kontor.kernel.tracing import Tracer

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine import ExceptionContext

Connection = psycopg.Connection[Any]

log = structlog.get_logger(__name__)

# The server's keepalives: PostgreSQL's default notices a lost host after two hours.
KEEPALIVES = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
OPTIONS = f"-c idle_in_transaction_session_timeout=120s -c lock_timeout=30s -c jit=off {KEEPALIVES}"
# Plans are cached: one made while the ledger was empty must not scan the table when it holds 100,000 jobs.
CACHED_PLAN_OPTIONS = f"{OPTIONS} -c enable_seqscan=off"


CONNECT_SECONDS = 5
HASHING_NICENESS = 10
QUEUE_RETRY = timedelta(seconds=2)
LOST_MILLISECONDS = 15_000
NO_SESSION = (
    "{name} leads through a connection pooler in transaction mode, which keeps no session: set DATABASE_DIRECT_URL to"
    " PostgreSQL's own address, for relay, heartbeat, locks and migrations"
)
NO_OPTIONS = (
    "{name} leads through a connection pooler that refuses the startup parameter `options`: set DATABASE_DIRECT_URL to"
    " PostgreSQL's own address, or let the pooler ignore that parameter if it pools sessions"
)


@lru_cache(maxsize=8)
def connector_for(settings: Settings, url: str) -> PrimaryConnector:
    """Return this process's connector for one of its database URLs."""
    return PrimaryConnector(connection_parameters(url), RedisTimelines(client_of(settings.redis_url)))


def open_connection(settings: Settings, application: str, options: str = OPTIONS, *, direct: bool = True) -> Connection:
    """Open a connection in autocommit mode to the newest primary. Raises psycopg errors and SettingsError.

    One that is not `direct` may lead through a transaction pooler: it prepares nothing and sets nothing.
    """
    url = settings.direct_url if direct else settings.database_url
    arguments: dict[str, Any] = {
        "application_name": application,
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 30,
        "tcp_user_timeout": LOST_MILLISECONDS,
    }
    if settings.has_pooler and not direct:
        arguments["prepare_threshold"] = None
    else:
        own = connection_parameters(url).get("options", "")
        arguments["options"] = f"{own} {options}".strip()
    try:
        return connector_for(settings, url).connect(**arguments)
    except psycopg.OperationalError as error:
        if "startup parameter" in str(error):
            raise SettingsError(NO_OPTIONS.format(name=settings.name_of(url))) from None
        raise


@lru_cache(maxsize=8)
def require_sessions(settings: Settings) -> None:
    """Check that the direct connections keep their session. Raises psycopg errors and SettingsError."""
    if shares_sessions(lambda: open_connection(settings, "kontor-check")):
        raise SettingsError(NO_SESSION.format(name=settings.name_of(settings.direct_url)))


@lru_cache(maxsize=8)
def data_keys(settings: Settings) -> "DataKeys":
    """Return the data keys, opened with SECRET_KEY. Raises psycopg errors and SettingsError for another key."""
    from kontor.adapters.data_keys import stored_keys  # the relay opens none, and runs without cryptography

    with open_connection(settings, "kontor-keys") as connection:
        return stored_keys(connection, settings.secret_keys)


class DatabaseKeys:
    """Implements kontor.kernel.data_keys.DataKeys: read from the database when one is first used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def key(self, purpose: KeyPurpose) -> bytes:
        """Return the key of a purpose. Raises psycopg errors and SettingsError for another SECRET_KEY."""
        return data_keys(self._settings).key(purpose)


@lru_cache(maxsize=8)
def require_key(settings: Settings) -> None:
    """Check that SECRET_KEY belongs to the database. Raises psycopg errors and SettingsError.

    A database that no migration has prepared takes any.
    """
    with open_connection(settings, "kontor-key") as connection:
        try:
            row = connection.execute("SELECT sealed_with FROM data_keys LIMIT 1").fetchone()
        except psycopg.errors.UndefinedTable:
            return
    if row is None:
        with suppress(psycopg.errors.ReadOnlySqlTransaction):
            data_keys(settings)
    elif row[0] not in {fingerprint(key) for key in settings.secret_keys}:
        raise SettingsError(other_key(row[0], settings.secret_keys))


def sql_engine(settings: Settings, application: str, size: int, options: str = OPTIONS) -> "Engine":
    """Return an engine with a pool of `size` connections, named in pg_stat_activity. Raises SettingsError.

    While PostgreSQL is unavailable, its sessions are checked with the first connection.
    """
    from sqlalchemy import create_engine, event  # the relay runs without SQLAlchemy, which takes 20 MB

    from kontor.evidence.digests import lend_key

    with suppress(psycopg.OperationalError):
        require_sessions(settings)
        require_key(settings)

    def connect() -> Connection:
        require_sessions(settings)
        require_key(settings)
        connection = open_connection(settings, application, options, direct=False)
        connection.autocommit = False
        return connection

    engine = create_engine(settings.database_url, creator=connect, pool_size=size, max_overflow=4, pool_timeout=30)
    event.listen(engine, "handle_error", drop_read_only)
    lend_key(engine, partial(DatabaseKeys(settings).key, KeyPurpose.AUDIT))
    connector_for(settings, settings.database_url).watch()
    return engine


def drop_read_only(context: "ExceptionContext") -> None:
    """Drop the pool's connections when the server writes no more: after a failover the next ones find the primary."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True


def one_off_engine(settings: Settings, application: str = "kontor") -> "Engine":
    """Return an engine without a pool, for a command."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    from kontor.evidence.digests import lend_key

    def connect() -> Connection:
        connection = open_connection(settings, application, direct=False)
        connection.autocommit = False
        return connection

    engine = create_engine(settings.database_url, creator=connect, poolclass=NullPool)
    lend_key(engine, partial(DatabaseKeys(settings).key, KeyPurpose.AUDIT))
    return engine


def psycopg_connection(settings: Settings, application: str) -> Connection:
    """Open a separate psycopg connection in autocommit mode, with a session of its own."""
    require_sessions(settings)
    require_key(settings)
    connector_for(settings, settings.direct_url).watch()
    return open_connection(settings, application, CACHED_PLAN_OPTIONS)


def redis_client(settings: Settings, timeout: float | None = None) -> "redis.Redis":
    """Return a client that raises at once when Redis is unavailable; callers do their own retries.

    `timeout`: seconds that an answer may take. Raises SettingsError for a Redis Cluster, whose keys would lie on
    several servers.
    """
    client = client_of(settings.redis_url, timeout)
    with suppress(redis.RedisError):
        if is_cluster(client):
            raise SettingsError(
                "REDIS_URL names a Redis Cluster, over which doorbells cannot be moved: use one Redis or Valkey server,"
                " or Sentinel (redis+sentinel://…)"
            )
    return client


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
    return both_times(settings)[0]


def both_times(settings: Settings) -> tuple[datetime, datetime]:
    """Return programme time and real time, and close the connection."""
    clock = clock_for(settings)
    try:
        return clock.now(), clock.wall_time()
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


def yield_to_others() -> None:
    """Let other threads of this process have the processor first; Linux has a priority per thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), HASHING_NICENESS)


class BoundedThreads(ThreadPoolExecutor):
    """Threads with a queue of `waiting` calls; a further one is refused at once. All others go before them."""

    def __init__(self, threads: int, waiting: int) -> None:
        super().__init__(threads, thread_name_prefix="sign-in", initializer=yield_to_others)
        self._free = threading.BoundedSemaphore(threads + waiting)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` in the caller's context. Raises TooManyAttempts while the queue is full."""
        if not self._free.acquire(blocking=False):
            raise TooManyAttempts(QUEUE_RETRY)
        context = copy_context()
        try:
            future = super().submit(lambda: context.run(fn, *args, **kwargs))
        except RuntimeError:
            self._free.release()
            raise
        future.add_done_callback(lambda _: self._free.release())
        return future
