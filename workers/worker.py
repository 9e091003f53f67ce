"""`kontor worker`: a Dramatiq worker whose messages are doorbells."""

import platform
import secrets
import signal
import threading
from collections.abc import Sequence
from random import random
from uuid import UUID

import dramatiq
import structlog
from dramatiq.middleware import CurrentMessage, TimeLimit
from dramatiq.middleware.threading import Interrupt

from kontor.adapters.dramatiq_broker import DoorbellBroker
from kontor.adapters.fault_injection import KillAt
from kontor.adapters.redis_doorbell import RedisKeys, RedisRelayHint, actor_name_of
from kontor.adapters.settings import Settings
from kontor.engine.catalogue import Catalogue
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
from kontor.webhooks.dead_jobs import emit_job_dead
from tasks.catalogue import PAYLOADS
from workers.connections import CACHED_PLAN_OPTIONS, clock_for, psycopg_connection, redis_client, sql_engine, tracer_for
from workers.heartbeat import Heartbeat, end_process
from workers.wiring import handlers_for

log = structlog.get_logger(__name__)

STOP_MILLISECONDS = 25_000
RECONNECT_SECONDS = 1.0
CHECK_SECONDS = 1.0


def prefetch_of(catalogue: Catalogue, threads: int) -> dict[str, int]:
    """Return how many bells of each queue a process may hold: queues with external tasks leave two threads free."""
    limits = {}
    for name in catalogue.queues:
        kinds = {payload.policy.kind for payload in catalogue if payload.policy.queue == name}
        slow = TaskKind.EXTERNAL in kinds
        limits[name] = max(1, threads - 2) if slow else threads
    return limits


class Worker:
    """One worker process; starts and stops its parts in order."""

    def __init__(self, settings: Settings, extra: Sequence[Handler] = (), crash: CrashPoint = no_crash) -> None:
        self.name = f"{platform.node()[:20]}-{secrets.token_hex(6)}"
        self.threads = settings.worker_threads
        keys = RedisKeys(settings.namespace)
        client = redis_client(settings)
        clock = clock_for(settings)
        self.doorbell = RedisRelayHint(client, keys)
        catalogue = Catalogue([*PAYLOADS, *(handler.payload for handler in extra)])
        self.tracer = tracer_for(settings, "worker")
        jobs = with_tracing(Jobs(catalogue, clock, self.doorbell), self.tracer)
        self.registry = Registry([*handlers_for(settings, clock, jobs, self.tracer), *extra])
        application = APPLICATION_PREFIX + self.name
        self.engine = sql_engine(settings, application, self.threads + 1, CACHED_PLAN_OPTIONS)
        self.broker = DoorbellBroker(
            client, keys, self.name, prefetch_of(catalogue, self.threads), [CurrentMessage(), TimeLimit()]
        )
        stats = JobStats()
        holdings = Holdings(self.broker.bell_ids)
        self.heartbeat = Heartbeat(
            lambda: psycopg_connection(settings, application),
            self.name, self.threads, catalogue.queues, self._drain, stats, holdings,
        )  # fmt: skip
        self.broker.may_claim = self.heartbeat.may_claim
        self._stopping = threading.Event()
        runtime = self._runtime(jobs, stats, holdings, crash)
        self.runner = Runner(runtime) if self.tracer is None else TracedRunner(runtime, self.tracer, queue_of_bell)
        self._serve(catalogue.queues)
        self.worker = dramatiq.Worker(self.broker, worker_threads=self.threads, worker_timeout=1000)

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
            wait_for_database=lambda: not self._stopping.wait(RECONNECT_SECONDS),
            interrupts=(Interrupt,),
            stats=stats,
            holdings=holdings,
            may_claim=self.heartbeat.may_claim,
            registered_only=True,
        )

    def _serve(self, queues: Sequence[str]) -> None:
        for queue in queues:
            declare = dramatiq.actor(broker=self.broker, queue_name=queue, actor_name=actor_name_of(queue))
            declare(self._run)

    def _run(self, task: str, ids: list[str]) -> None:
        message = CurrentMessage.get_current_message()
        bell_id = message.message_id if message else ""
        self.broker.report(self.runner.run(bell_id, task, [UUID(job_id) for job_id in ids]))

    def _drain(self, draining: bool) -> None:
        self.broker.draining = draining

    def start(self) -> None:
        """Register, then consume doorbells."""
        self.heartbeat.register()
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
        """Finish running jobs (at most 25 s), send the answers, deregister."""
        self.broker.draining = True
        self.worker.stop(timeout=STOP_MILLISECONDS)
        self._stopping.set()
        self.broker.acknowledger.drain(2)
        self.heartbeat.stop()
        self.doorbell.close()
        self.engine.dispose()
        if self.tracer is not None:
            self.tracer.close()


def queue_of_bell() -> str:
    """Return the queue of the calling thread's current doorbell."""
    message = CurrentMessage.get_current_message()
    return str(message.queue_name) if message else ""


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
