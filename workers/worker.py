"""`kontor worker`: a Dramatiq worker whose messages are doorbells."""

import platform
import secrets
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from random import random
from uuid import UUID

import dramatiq
import psycopg
import structlog
from dramatiq.middleware import CurrentMessage, TimeLimit
from dramatiq.middleware.threading import Interrupt
from sqlalchemy.exc import DBAPIError

from kontor.adapters.dramatiq_broker import DoorbellBroker
from kontor.adapters.fault_injection import KillAt
from kontor.adapters.redis_doorbell import RedisRelayHint, actor_name_of
from kontor.adapters.secrets import DataKeyBox
from kontor.adapters.settings import Settings
from kontor.adapters.taken_bells import Capacity
from kontor.engine import ledger
from kontor.engine.catalogue import DECLARED_CHANNEL, Catalogue
from kontor.engine.enqueue import Jobs
from kontor.engine.handlers import Handler, Registry
from kontor.engine.holdings import Holdings
from kontor.engine.job_stats import JobStats
from kontor.engine.recovery import APPLICATION_PREFIX
from kontor.engine.runner import Runner
from kontor.engine.runtime import WorkerRuntime
from kontor.engine.tracing import TracedRunner, with_tracing
from kontor.kernel.ports import CrashPoint, no_crash
from kontor.kernel.states import TaskKind
from kontor.programme.service import Programmes
from kontor.provisioning.service import ServiceEndings
from kontor.task_types import registry as task_types
from kontor.webhooks.job_events import JOB_END_EVENTS, emit_job_dead
from tasks.catalogue import PAYLOADS
from workers.connections import (
    CACHED_PLAN_OPTIONS,
    DatabaseKeys,
    clock_for,
    psycopg_connection,
    redis_client,
    sql_engine,
    tracer_for,
)
from workers.heartbeat import Heartbeat, end_process
from workers.namespaces import redis_keys
from workers.wiring import handlers_for, installed_handlers

log = structlog.get_logger(__name__)

STOP_MILLISECONDS = 25_000
RECONNECT_SECONDS = 1.0
CHECK_SECONDS = 1.0


QUICK_THREADS = 2
"""Threads in addition to those that outside work may occupy: database work goes on while all of them wait."""


def slow_queues(catalogue: Catalogue) -> frozenset[str]:
    """Return the channels with external tasks."""
    own = (payload.policy.queue for payload in catalogue if payload.policy.kind is TaskKind.EXTERNAL)
    return frozenset((*own, DECLARED_CHANNEL))


class Worker:
    """One worker process; starts and stops its parts in order."""

    def __init__(self, settings: Settings, extra: Sequence[Handler] = (), crash: CrashPoint = no_crash) -> None:
        self.name = f"{platform.node()[:20]}-{secrets.token_hex(6)}"
        self.threads = settings.worker_threads
        keys = redis_keys(settings)
        client = redis_client(settings)
        clock = clock_for(settings)
        self.doorbell = RedisRelayHint(client, keys)
        extra = [*installed_handlers(settings), *extra]
        catalogue = Catalogue([*PAYLOADS, *(handler.payload for handler in extra)], simulated=settings.in_sandbox)
        self.tracer = tracer_for(settings, "worker")
        box = DataKeyBox(DatabaseKeys(settings), settings.secret_keys)
        jobs = with_tracing(Jobs(catalogue, clock, self.doorbell, secret_box=box), self.tracer)
        catalogue.subscribe(ServiceEndings(Programmes(clock)))
        catalogue.subscribe(JOB_END_EVENTS)
        self.registry = Registry([*handlers_for(settings, clock, jobs, self.tracer), *extra], catalogue)
        application = APPLICATION_PREFIX + self.name
        self.engine = sql_engine(settings, application, self.threads + QUICK_THREADS + 1, CACHED_PLAN_OPTIONS)
        self.limits = TimeLimit()
        self.broker = DoorbellBroker(
            client, keys, self.name, Capacity(self.threads, slow_queues(catalogue)), [CurrentMessage(), self.limits]
        )
        stats = JobStats()
        holdings = Holdings(self.broker.bell_ids)
        self.heartbeat = Heartbeat(
            lambda: psycopg_connection(settings, application),
            self.name, self.threads, catalogue.channels, self._drain, stats, holdings, clock,
        )  # fmt: skip
        self.broker.may_claim = self.heartbeat.may_claim
        self._stopping, self._ending = threading.Event(), threading.Event()
        self.runtime = self._runtime(jobs, stats, holdings, crash)
        self.runner = Runner(self.runtime) if self.tracer is None else TracedRunner(self.runtime, self.tracer)
        self._serve(catalogue.channels)
        self.worker = dramatiq.Worker(self.broker, worker_threads=self.threads + QUICK_THREADS, worker_timeout=1000)

    def _runtime(self, jobs: Jobs, stats: JobStats, holdings: Holdings, crash: CrashPoint) -> WorkerRuntime:
        return WorkerRuntime(
            engine=self.engine,
            registry=self.registry,
            jobs=jobs,
            clock=jobs.clock,
            random=random,
            worker=self.name,
            crash=crash,
            cancelled=self.heartbeat.cancelled,
            on_dead=emit_job_dead,
            wait_for_database=lambda: not self._ending.wait(RECONNECT_SECONDS),
            interrupts=(Interrupt,),
            stats=stats,
            holdings=holdings,
            may_claim=lambda: not self._stopping.is_set() and self.heartbeat.may_claim(),
            stopping=self._stopping.is_set,
            act_limit=self._act_limit,
            registered_only=True,
            refresh=partial(task_types.refresh, catalogue=self.registry.catalogue),
        )

    def _serve(self, queues: Sequence[str]) -> None:
        for queue in queues:
            declare = dramatiq.actor(broker=self.broker, queue_name=queue, actor_name=actor_name_of(queue))
            declare(self._run)

    def _run(self, task: str, ids: list[str]) -> None:
        message = CurrentMessage.get_current_message()
        bell_id = message.message_id if message else ""
        self.broker.report(self.runner.run(bell_id, task, [UUID(job_id) for job_id in ids]))

    @contextmanager
    def _act_limit(self, seconds: float) -> Iterator[None]:
        """Interrupt the calling thread after `seconds`; replaces the limit of the whole doorbell."""
        thread = threading.get_ident()
        self.limits.manager.add_timeout(thread, seconds * 1000)  # type: ignore[no-untyped-call]  # dramatiq's
        try:
            yield
        finally:
            self.limits.manager.remove_timeout(thread)  # type: ignore[no-untyped-call]  # dramatiq's

    def _drain(self, draining: bool) -> None:
        self.broker.draining = draining

    def start(self) -> None:
        """Register, then consume doorbells."""
        self.heartbeat.register()
        log.debug("worker.namespace", namespace=self.broker.keys.namespace)
        self.heartbeat.start()
        self.worker.start()
        log.info("worker.ready", worker=self.name, threads=self.threads)

    def check(self) -> None:
        """End the process when a thread that it cannot do without has died; to be called once a second."""
        self.heartbeat.check()
        for thread in (self.broker.acknowledger, *self.worker.consumers.values(), *self.worker.workers):
            if not thread.is_alive():
                end_process(f"the thread {thread.name} died")

    def stop(self) -> None:
        """Finish running jobs (at most 25 s), give back those that still run, send the answers, deregister."""
        self.broker.draining = True
        self._stopping.set()
        self.worker.stop(timeout=STOP_MILLISECONDS)
        self._ending.set()
        self._release()
        self.broker.acknowledger.drain(2)
        self.heartbeat.stop()
        self.doorbell.close()
        self.engine.dispose()
        if self.tracer is not None:
            self.tracer.close()

    def _release(self) -> None:
        """Give back the jobs whose acts go on: a stop is no crash, and another worker may begin them."""
        leases = self.runtime.holdings.leases()
        if not leases:
            return
        try:
            with self.runtime.transaction() as (_, connection):
                released = ledger.release(connection, self.name, leases, self.runtime.clock.now())
        except (DBAPIError, psycopg.Error) as error:
            log.warning("worker.unreleased", worker=self.name, leases=len(leases), error=str(error).strip())
        else:
            log.info("worker.released", worker=self.name, jobs=[str(job_id) for job_id in released])


def crash_of(settings: Settings) -> CrashPoint:
    """Return the crash point of the settings; no_crash without one."""
    return no_crash if settings.crash_point is None else KillAt(settings.crash_point)


def serve(process: Worker) -> None:
    """Run until SIGTERM or SIGINT."""
    stop_requested = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_requested.set())
    process.start()
    while not stop_requested.wait(CHECK_SECONDS):
        process.check()
    log.info("worker.stopping", worker=process.name)
    process.stop()


def run(settings: Settings) -> None:
    """Run a worker process with all tasks of the deployment."""
    serve(Worker(settings, crash=crash_of(settings)))
