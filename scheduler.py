"""`kontor scheduler`: the cron process. A thin loop around kontor.engine.schedules."""

import signal
import threading

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from kontor.adapters.redis_doorbell import RedisRelayHint
from kontor.adapters.settings import Settings
from kontor.engine.enqueue import Jobs
from kontor.engine.schedules import declare, fire_due
from tasks.catalogue import catalogue
from tasks.schedules import all_schedules
from workers.connections import clock_for, redis_client, sql_engine, tracer_for
from workers.namespaces import redis_keys

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
DECLARE_SECONDS = 10.0


class SchedulerLoop:
    """Declares the schedules every 10 s and fires those due."""

    def __init__(self, engine: Engine, jobs: Jobs) -> None:
        self._engine = engine
        self._jobs = jobs
        self._declare_at = 0.0

    def run_once(self) -> int:
        """Declare and fire once; return how many jobs were enqueued."""
        now = self._jobs.clock.now()
        passed = self._jobs.clock.monotonic()
        if passed >= self._declare_at:
            with Session(self._engine) as session, session.begin():
                declare(session, all_schedules(session), now)
            self._declare_at = passed + DECLARE_SECONDS
        with Session(self._engine) as session, session.begin():
            return fire_due(session, self._jobs, now)


def run(settings: Settings) -> None:
    """Run a scheduler until SIGTERM or SIGINT; any number may run."""
    stop_requested = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_requested.set())
    doorbell = RedisRelayHint(redis_client(settings), redis_keys(settings))
    engine = sql_engine(settings, "kontor-scheduler", 2)
    tracer = tracer_for(settings, "scheduler")
    jobs = Jobs(catalogue(), clock_for(settings), doorbell)
    if tracer is not None:
        from kontor.engine.tracing import with_tracing

        jobs = with_tracing(jobs, tracer)
    keeper = SchedulerLoop(engine, jobs)
    log.info("scheduler.ready")
    while not stop_requested.is_set():
        try:
            fired = keeper.run_once()
            if fired:
                log.info("scheduler.fired", jobs=fired)
        except (DBAPIError, psycopg.Error) as error:
            log.warning("scheduler.no_ledger", error=str(error).strip())
            engine.dispose()
        stop_requested.wait(POLL_SECONDS)
    doorbell.close()
    engine.dispose()
    if tracer is not None:
        tracer.close()
