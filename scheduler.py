"""`kontor scheduler`: the cron process. A thin loop around kontor.engine.schedules."""

import signal
import threading
from datetime import datetime

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from kontor.adapters.redis_doorbell import RedisRelayHint
from kontor.adapters.secrets import DataKeyBox
from kontor.adapters.settings import Settings
from kontor.engine import processes
from kontor.engine.enqueue import Jobs
from kontor.engine.leadership import Lead, Leadership, LeadershipLost, SoleLead
from kontor.engine.schedule_rows import has_work
from kontor.engine.schedules import declare, fire_due
from kontor.kernel.database import PgConnection
from kontor.kernel.database import psycopg_connection as psycopg_of
from kontor.task_types import registry as task_types
from tasks.catalogue import catalogue
from tasks.schedules import all_schedules
from workers.connections import (
    DatabaseKeys,
    clock_for,
    installed_version,
    psycopg_connection,
    redis_client,
    sql_engine,
    tracer_for,
)
from workers.namespaces import redis_keys
from workers.presence import Presence, RedisPing, identify
from workers.sealing import Sealer

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.5
DECLARE_SECONDS = 10.0


class SchedulerLoop:
    """Declares the schedules every 10 s and fires those due.

    `connection`: in autocommit mode; asked first whether there is anything to fire.
    """

    def __init__(
        self, engine: Engine, jobs: Jobs, release: str | None = None, connection: PgConnection | None = None
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._jobs = jobs
        self._release = installed_version() if release is None else release
        self._declare_at = 0.0
        self._sealer = Sealer(engine, jobs.clock)

    def run_once(self, lead: Lead | None = None) -> int:
        """Declare and fire once; return how many jobs were enqueued. Raises LeadershipLost."""
        lead = SoleLead() if lead is None else lead
        lead.confirm()
        now = self._jobs.clock.now()
        passed = self._jobs.clock.monotonic()
        if passed >= self._declare_at:
            self._declare_at = passed + DECLARE_SECONDS
            self._declare(now)
        lead.check()
        self._sealer.run_due()
        if self._connection is not None and not has_work(self._connection, now):
            return 0
        with Session(self._engine) as session, session.begin():
            task_types.refresh(psycopg_of(session), self._jobs.catalogue)
            return fire_due(session, self._jobs, now, self._release)

    def _declare(self, now: datetime) -> None:
        """Declare; what is declared already fires even if this fails. Raises DBAPIError."""
        try:
            with Session(self._engine) as session, session.begin():
                declare(session, all_schedules(session), now, self._release)
        except DBAPIError:
            raise
        except Exception:
            log.exception("scheduler.not_declared")


class SchedulerProcess:
    """Acquires leadership and runs the loop; survives every error."""

    def __init__(self, settings: Settings, engine: Engine, jobs: Jobs, presence: Presence) -> None:
        self._settings = settings
        self._engine = engine
        self._jobs = jobs
        self._presence = presence
        self._stop_requested = threading.Event()

    def stop(self, *_: object) -> None:
        """Request the scheduler to stop."""
        self._stop_requested.set()

    def run(self) -> None:
        """Run until a stop is requested."""
        identity = self._presence.identity
        while not self._stop_requested.is_set():
            try:
                with psycopg_connection(self._settings, identity.application) as connection:
                    self._serve(connection)
                    processes.leave(connection, identity)
            except (DBAPIError, psycopg.Error) as error:
                log.warning("scheduler.no_ledger", error=str(error).strip())
            except Exception:
                log.exception("scheduler.failed")
            self._engine.dispose()
            self._stop_requested.wait(POLL_SECONDS)

    def _serve(self, connection: PgConnection) -> None:
        leadership = Leadership(connection, self._presence.identity, self._jobs.clock.monotonic)
        loop = SchedulerLoop(self._engine, self._jobs, connection=connection)
        while not self._stop_requested.is_set():
            self._presence.beat(connection, leads=leadership.fence is not None)
            try:
                self._lead_once(connection, leadership, loop)
            except LeadershipLost:
                log.warning("scheduler.stepped_down", fence=leadership.fence)
                leadership.release()
            self._stop_requested.wait(POLL_SECONDS)
        leadership.release()

    def _lead_once(self, connection: PgConnection, leadership: Leadership, loop: SchedulerLoop) -> None:
        """Fire once if this process leads. Raises LeadershipLost."""
        if not self._presence.trusted:
            leadership.release()
            return
        if leadership.fence is None:
            if not leadership.acquire():
                return
            log.info("scheduler.leading", fence=leadership.fence)
        leadership.renew()
        fired = loop.run_once(leadership)
        if fired:
            log.info("scheduler.fired", jobs=fired)


def run(settings: Settings) -> None:
    """Run a scheduler until SIGTERM or SIGINT; any number may run, and one of them fires."""
    clock = clock_for(settings)
    presence = Presence(identify("scheduler"), clock, RedisPing(settings))
    doorbell = RedisRelayHint(redis_client(settings), redis_keys(settings))
    engine = sql_engine(settings, presence.identity.application, 2)
    tracer = tracer_for(settings, "scheduler")
    box = DataKeyBox(DatabaseKeys(settings), settings.secret_keys)
    jobs = Jobs(catalogue(settings.task_packages, simulated=settings.in_sandbox), clock, doorbell, secret_box=box)
    if tracer is not None:
        from kontor.engine.tracing import with_tracing

        jobs = with_tracing(jobs, tracer)
    process = SchedulerProcess(settings, engine, jobs, presence)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, process.stop)
    log.info("scheduler.ready")
    process.run()
    doorbell.close()
    engine.dispose()
    if tracer is not None:
        tracer.close()
