"""The web process: API and pages behind uvicorn."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import uvicorn
from sqlalchemy.orm import sessionmaker

from kontor.adapters.network import system_resolve
from kontor.adapters.redis_doorbell import RedisRelayHint
from kontor.adapters.secrets import HASHES_AT_ONCE, Argon2Passwords, DataKeyBox
from kontor.adapters.settings import Settings
from kontor.engine.enqueue import Jobs
from kontor.engine.tracing import with_tracing
from kontor.http.context import Deps
from kontor.kernel.addresses import AddressGuard
from kontor.programme.service import Programmes
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
from workers.web_app import build
from workers.wiring import identity_provider, tokens_of

THREADS = 8
BACKLOG = 2_048
DRAIN_SECONDS = 10
WAITING_SIGN_INS = 100
"""Sign-ins that may wait for a thread; further ones are 429 at once."""


@contextmanager
def web_deps(settings: Settings) -> Iterator[Deps]:
    """Build the dependencies of the API from settings; close them at the end of the block."""
    engine = sql_engine(settings, "kontor web", THREADS + HASHES_AT_ONCE)
    client = redis_client(settings)
    doorbell = RedisRelayHint(client, redis_keys(settings))
    clock = clock_for(settings)
    presence = PresenceThread(settings, Presence(identify("web"), clock, RedisPing(settings)))
    tracer = tracer_for(settings, "web")
    threads = (ThreadPoolExecutor if tracer is None else ContextThreads)(THREADS, thread_name_prefix="call")
    keys = DatabaseKeys(settings)
    sign_in_threads = BoundedThreads(HASHES_AT_ONCE, WAITING_SIGN_INS)
    presence.start()
    try:
        yield Deps(
            sessions=sessionmaker(engine, expire_on_commit=False),
            clock=clock,
            jobs=with_tracing(Jobs(catalogue(), clock, doorbell), tracer),
            secret_box=DataKeyBox(keys, settings.secret_keys),
            passwords=Argon2Passwords(),
            programmes=Programmes(),
            tokens=tokens_of(settings),
            guard=AddressGuard(system_resolve, settings.allow_private_instances),
            threads=threads,
            sign_in_threads=sign_in_threads,
            keys=keys,
            identity_provider=identity_provider(settings, clock),
            public_url=settings.public_url,
            console_url=settings.console_url,
            test_clock=settings.test_clock,
            version=installed_version(),
            tracer=tracer,
            readiness=presence.readiness,
        )
    finally:
        presence.stop()
        threads.shutdown(wait=False, cancel_futures=True)
        sign_in_threads.shutdown(wait=False, cancel_futures=True)
        doorbell.close()
        client.close()
        engine.dispose()


def run(settings: Settings) -> None:
    """Serve until a stop signal."""
    with web_deps(settings) as deps:
        uvicorn.run(
            build(deps),
            host="0.0.0.0",  # noqa: S104 -- the platform decides who reaches the port
            port=settings.port,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
