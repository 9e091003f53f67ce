"""The web process: API and pages behind uvicorn."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import uvicorn
from sqlalchemy.orm import sessionmaker

from adapters.bells import Keys
from adapters.doorbell import RedisDoorbell
from adapters.http_network import system_resolve
from adapters.passwords import Argon2Passwords
from adapters.sealer import FernetSealer, derived_key
from adapters.settings import Settings
from api.app import build
from api.deps import Deps
from engine.enqueue import Jobs
from engine.traced_jobs import traced_jobs
from services.addresses import AddressGuard
from services.programmes import Programmes
from services.tokens import Tokens
from tasks.catalogue import catalogue
from workers.clocks import clock_for
from workers.connections import redis_client, sql_engine
from workers.release import release
from workers.tracing import CarryingThreads, tracer_for

THREADS = 8
BACKLOG = 2_048
DRAIN_SECONDS = 10


@contextmanager
def web_deps(settings: Settings) -> Iterator[Deps]:
    """Build the dependencies of the API from settings; close them at the end of the block."""
    engine = sql_engine(settings, "kontor web", THREADS)
    client = redis_client(settings)
    doorbell = RedisDoorbell(client, Keys(settings.namespace))
    clock = clock_for(settings)
    tracer = tracer_for(settings, "web")
    pool = ThreadPoolExecutor if tracer is None else CarryingThreads
    threads = pool(THREADS, thread_name_prefix="call")
    try:
        yield Deps(
            sessions=sessionmaker(engine, expire_on_commit=False),
            clock=clock,
            jobs=traced_jobs(Jobs(catalogue(), clock, doorbell), tracer),
            sealer=FernetSealer(settings.secret_key),
            passwords=Argon2Passwords(),
            programmes=Programmes(),
            tokens=Tokens(settings.secret_key),
            guard=AddressGuard(system_resolve, settings.allow_private_instances),
            threads=threads,
            secret=derived_key(settings.secret_key, "api"),
            offer_secret=settings.secret_key.encode(),
            public_url=settings.public_url,
            test_clock=settings.test_clock,
            version=release(),
            tracer=tracer,
        )
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
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
