"""The web process: API and pages behind uvicorn."""

import gc
import resource
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from typing import Protocol

import uvicorn
from sqlalchemy import Engine
from sqlalchemy.orm import sessionmaker
from starlette.types import ASGIApp

from kontor.adapters.bounded_http import bounded_http
from kontor.adapters.clock import ServerClock
from kontor.adapters.redis_doorbell import RedisRelayHint
from kontor.adapters.redis_pull_hints import RedisPullHints
from kontor.adapters.resolver import Names
from kontor.adapters.sandbox import sandbox_of, simulated_lookup
from kontor.adapters.secrets import HASHES_AT_ONCE, Argon2Passwords, DataKeyBox
from kontor.adapters.settings import Settings
from kontor.engine.catalogue import Catalogue
from kontor.engine.enqueue import Jobs
from kontor.engine.job_stats import JobStats
from kontor.engine.tracing import with_tracing
from kontor.http.context import Deps
from kontor.http.key_use import KeyUse
from kontor.http.puller_use import PullerUse
from kontor.http.sandbox import SandboxSwitch
from kontor.kernel.addresses import AddressGuard
from kontor.kernel.database import PgConnection
from kontor.kernel.tracing import Tracer
from kontor.programme.service import Programmes
from kontor.task_types.registry import refresh
from tasks.catalogue import catalogue
from workers.connections import (
    BoundedThreads,
    ContextThreads,
    DatabaseKeys,
    clock_for,
    installed_version,
    redis_client,
    sql_engine,
    tracer_for,
)
from workers.namespaces import redis_keys
from workers.presence import Presence, PresenceThread, RedisPing, identify
from workers.rates import call_limits
from workers.web_app import build
from workers.wiring import identity_provider, tokens_of


class Closing(Protocol):
    """What is closed at the end."""

    def close(self) -> None:
        """Close it."""


class Flushing(Protocol):
    """What calls note and the beat writes."""

    def flush(self, connection: PgConnection) -> None:
        """Write it. Raises psycopg errors."""


THREADS = 8
SANDBOX_THREADS = 4
"""Threads that serve a sandbox's calls: what is tried there takes none of those of live calls."""
BACKLOG = 2_048
DRAIN_SECONDS = 10
WAITING_SIGN_INS = 100
"""Sign-ins that may wait for a thread; further ones are 429 at once."""


def threads_of(settings: Settings) -> int:
    """Return how many threads serve calls."""
    return SANDBOX_THREADS if settings.in_sandbox else THREADS


def call_threads(settings: Settings, tracer: Tracer | None) -> ThreadPoolExecutor:
    """Return the threads that serve calls; with tracing they carry the caller's context."""
    pool = ThreadPoolExecutor if tracer is None else ContextThreads
    return pool(threads_of(settings), thread_name_prefix="call")


def guards_of(settings: Settings, names: Names) -> tuple[AddressGuard, AddressGuard]:
    """Return the checks of addresses of instances and of handlers; in a sandbox no name is looked up."""
    lookup = simulated_lookup if settings.in_sandbox else names.lookup
    return (
        AddressGuard(lookup, settings.allow_private_instances),
        AddressGuard(lookup, networks=settings.handler_networks, field="handler.push"),
    )


def hashing_threads() -> BoundedThreads:
    """Return the threads that verify passwords."""
    return BoundedThreads(HASHES_AT_ONCE, WAITING_SIGN_INS)


def on_beat(uses: Sequence[Flushing], tasks: Catalogue, connection: PgConnection) -> None:
    """Write what calls noted, and read the newest declared types. Raises psycopg errors."""
    for use in uses:
        use.flush(connection)
    refresh(connection, tasks)


def presence_of(settings: Settings, clock: ServerClock, uses: Sequence[Flushing], tasks: Catalogue) -> PresenceThread:
    """Build the thread of the process's beat."""
    presence = Presence(identify("web"), clock, RedisPing(settings))
    return PresenceThread(settings, presence, partial(on_beat, uses, tasks))


@contextmanager
def ended(engine: Engine, pools: Sequence[Executor], *resources: Closing) -> Iterator[None]:
    """At the end of the block, let go of threads (what waits for one is dropped), then close what they used."""
    try:
        yield
    finally:
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for each in resources:
            each.close()
        engine.dispose()


@contextmanager
def running(presence: PresenceThread) -> Iterator[None]:
    """Beat until the end of the block."""
    presence.start()
    try:
        yield
    finally:
        presence.stop()


@contextmanager
def web_deps(settings: Settings) -> Iterator[Deps]:
    """Build the dependencies of the API from settings; close them at the end of the block."""
    engine = sql_engine(settings, "kontor web", threads_of(settings) + HASHES_AT_ONCE)
    client = redis_client(settings)
    doorbell, clock, key_use = RedisRelayHint(client, redis_keys(settings)), clock_for(settings), KeyUse()
    tasks, tracer = catalogue(settings.task_packages, simulated=settings.in_sandbox), tracer_for(settings, "web")
    keys, stats, pullers = DatabaseKeys(settings), JobStats(), PullerUse()
    presence = presence_of(settings, clock, (key_use, stats, pullers), tasks)
    box, threads, hashing = DataKeyBox(keys, settings.secret_keys), call_threads(settings, tracer), hashing_threads()
    with (
        ended(engine, (threads, hashing), doorbell, client), running(presence),
        call_limits(settings) as limits, closing(Names()) as names,
    ):  # fmt: skip
        guard, handler_guard = guards_of(settings, names)
        yield Deps(
            sessions=sessionmaker(engine, expire_on_commit=False),
            clock=clock,
            jobs=with_tracing(Jobs(tasks, clock, doorbell, secret_box=box), tracer),
            secret_box=box,
            passwords=Argon2Passwords(), programmes=Programmes(clock),
            tokens=tokens_of(settings),
            guard=guard, handler_guard=handler_guard,
            txt=names.lookup_txt,
            dkim_selector=settings.dkim_selector,
            threads=threads,
            sign_in_threads=hashing,
            keys=keys,
            identity_provider=identity_provider(settings, clock),
            public_url=settings.public_url, console_url=settings.console_url,
            metrics_token=settings.metrics_token,
            test_clock=settings.test_clock, in_sandbox=settings.in_sandbox,
            version=installed_version(),
            tracer=tracer,
            readiness=presence.readiness,
            key_use=key_use,
            limits=limits,
            job_stats=stats,
            puller_use=pullers,
            pull_hints=RedisPullHints(client, redis_keys(settings)),
        )  # fmt: skip


def raise_open_files() -> None:
    """Let this process open as many files as the system lets it: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def application(settings: Settings) -> Iterator[ASGIApp]:
    """Build the application, with that of the sandbox beside it if there is one; close both at the end."""
    with web_deps(settings) as deps:
        if not settings.sandbox:
            yield build(deps)
            return
        with web_deps(sandbox_of(settings)) as simulated:
            yield SandboxSwitch(build(deps), build(simulated))


def run(settings: Settings) -> None:
    """Serve until a stop signal."""
    raise_open_files()
    with application(settings) as app:
        gc.collect()
        gc.freeze()  # what a process keeps is not searched for garbage again and again
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=bounded_http(settings.forwarded_allow_ips),
            ws="none",
            proxy_headers=bool(settings.forwarded_allow_ips),
            forwarded_allow_ips=list(settings.forwarded_allow_ips),
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
