"""What Prometheus is told of the deployment, from PostgreSQL. Labels are names of code, never ids."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.jobs import TaskKind
from engine.catalogue import Catalogue
from engine.driver import driver
from engine.tally import RUN_BOUNDS, WAIT_BOUNDS
from services import queues
from services.jobs import id_floor
from services.mails import SEND
from services.reconciliation import reconciling
from store import metrics as rows

HOUR: Final = timedelta(hours=1)
TIMEOUT_MS: Final = 2_000
ROLES: Final = ("web", "worker", "relay", "scheduler")
NOT_CALLS: Final = frozenset({SEND, "probe.echo"})
"""External tasks that call no customer's system."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """One family of figures: name, help, label names, samples of label values and a number; a counter only grows."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Sequence[tuple[tuple[str, ...], float]]
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """One family of histograms: samples of label values, counts by bucket, and the sum; bounds in seconds."""

    name: str
    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]
    samples: Sequence[tuple[tuple[str, ...], Sequence[int], float]]


Family = Gauge | Histogram


def gauges(session: Session, catalogue: Catalogue, now: datetime, real: datetime) -> Iterator[Family]:
    """Everything that is scraped. `now` is programme time, `real` wall time."""
    session.execute(text(f"SET LOCAL statement_timeout = {TIMEOUT_MS}"))
    connection = driver(session)
    yield from _queues(session, catalogue, now)
    yield from _tasks(connection, catalogue, now)
    yield from _done(connection, catalogue)
    yield from _engine(connection, now)
    yield from _running(connection, now)
    yield from _outside(connection, real)
    yield from _decisions(session)


def _queues(session: Session, catalogue: Catalogue, now: datetime) -> Iterator[Family]:
    views = queues.listed(session, catalogue.queues, now)
    states = ("scheduled", "queued", "running", "retrying", "dead")
    counts = [((view.name, state), float(getattr(view, state))) for view in views for state in states]
    waits = [((view.name,), view.oldest_queued_seconds or 0.0) for view in views]
    paused = [((view.name,), float(view.paused)) for view in views]
    yield Gauge("kontor_jobs", "Jobs in the hot table by queue and state.", ("queue", "state"), counts)
    yield Gauge("kontor_queue_oldest_seconds", "Age of the oldest queued job.", ("queue",), waits)
    yield Gauge("kontor_queue_paused", "1 while a queue is paused.", ("queue",), paused)


def _tasks(connection: Connection[Any], catalogue: Catalogue, now: datetime) -> Iterator[Family]:
    """Lateness is what the oldest queued job waits beyond its task's due-by."""
    since: dict[str, datetime] = dict(rows.waiting(connection))
    waits = {one.policy.name: _age(since.get(one.policy.name), now) for one in catalogue}
    dues = {one.policy.name: one.policy.due_by.total_seconds() for one in catalogue}
    oldest = [((task,), seconds) for task, seconds in waits.items()]
    late = [((task,), max(0.0, seconds - dues[task])) for task, seconds in waits.items()]
    yield Gauge("kontor_task_oldest_seconds", "Age of a task's oldest queued job.", ("task",), oldest)
    yield Gauge("kontor_task_lateness_seconds", "By how much that is beyond due-by.", ("task",), late)
    lag = _age(rows.unpromoted(connection, now), now)
    yield Gauge("kontor_relay_lag_seconds", "Age of the oldest due job no relay has queued.", (), [((), lag)])


def _done(connection: Connection[Any], catalogue: Catalogue) -> Iterator[Family]:
    found = rows.totals(connection)
    names = ("task", "outcome")
    ended = [((one.task, one.outcome), float(one.jobs)) for one in found]
    late: Counter[tuple[str, ...]] = Counter()
    for one in found:
        late[(one.task,)] += one.late
    waits = [((one.task, one.outcome), one.wait_buckets, one.wait_seconds) for one in found]
    runs = [((one.task, one.outcome), one.run_buckets, one.run_seconds) for one in found]
    yield Gauge("kontor_job_attempts", "Attempts that ended.", names, ended, counter=True)
    yield Gauge(
        "kontor_jobs_late", "Attempts that ended later than due-by.", ("task",), list(late.items()), counter=True
    )
    yield Histogram("kontor_job_wait_seconds", "From due to start.", names, WAIT_BOUNDS, waits)
    yield Histogram("kontor_job_run_seconds", "From start to end.", names, RUN_BOUNDS, runs)
    outside = {one.policy.name for one in catalogue if one.policy.kind is TaskKind.EXTERNAL} - NOT_CALLS
    calls = [((one.task, one.outcome), float(one.jobs)) for one in found if one.task in outside]
    yield Gauge("kontor_calls", "Calls to customers' systems that ended.", names, calls, counter=True)
    buried = dict.fromkeys((one.policy.name for one in catalogue), 0.0) | _counts(rows.dead(connection))
    dead = [((task,), count) for task, count in buried.items()]
    yield Gauge("kontor_jobs_dead", "Dead jobs that wait for a person.", ("task",), dead)


def _engine(connection: Connection[Any], now: datetime) -> Iterator[Family]:
    found = dict.fromkeys(("closed", "open", "forced"), 0.0) | _counts(rows.lanes(connection))
    lanes = [((state,), count) for state, count in found.items()]
    yield Gauge("kontor_lanes", "Lanes by the state of their breaker.", ("state",), lanes)
    alive, threads, memory = rows.workers(connection)[0]
    yield Gauge("kontor_workers_alive", "Worker processes with a heartbeat.", (), [((), float(alive))])
    yield Gauge("kontor_worker_threads", "Their threads.", (), [((), float(threads))])
    yield Gauge("kontor_worker_memory_bytes", "The greatest of them.", (), [((), float(memory))])
    schedules = rows.schedules(connection, now)
    late = [((name,), max(0.0, seconds)) for name, seconds, _ in schedules]
    paused = [((name,), float(off)) for name, _, off in schedules]
    yield Gauge("kontor_schedule_lateness_seconds", "How late an occurrence is.", ("schedule",), late)
    yield Gauge("kontor_schedule_paused", "1 while a schedule is paused.", ("schedule",), paused)


def _running(connection: Connection[Any], now: datetime) -> Iterator[Family]:
    held, since = rows.leases(connection)
    yield Gauge("kontor_leases", "Jobs that run under a lease.", (), [((), float(held))])
    yield Gauge("kontor_lease_oldest_seconds", "Age of the oldest lease.", (), [((), _age(since, now))])
    found = dict.fromkeys(ROLES, 0.0) | _counts(rows.connections(connection))
    roles = [((role,), found[role]) for role in ROLES]
    yield Gauge("kontor_connections", "Connections to PostgreSQL by role.", ("role",), roles)


def _outside(connection: Connection[Any], real: datetime) -> Iterator[Family]:
    floor = id_floor(real - HOUR)
    mails = [((template, state), float(count)) for template, state, count in rows.mails(connection, floor)]
    yield Gauge("kontor_mails_1h", "Mails posted in the last hours.", ("template", "state"), mails)
    states = dict.fromkeys(("queued", "sent", "suppressed", "failed"), 0.0) | _counts(
        rows.recipients(connection, floor)
    )
    each = [((state,), count) for state, count in states.items()]
    yield Gauge("kontor_mail_recipients_1h", "Addressees of those mails.", ("state",), each)
    found = dict.fromkeys(("pending", "delivered", "failed"), 0.0) | _counts(rows.deliveries(connection, floor))
    calls = [((state,), count) for state, count in found.items()]
    yield Gauge("kontor_webhook_deliveries_1h", "Webhook deliveries begun in the last hours.", ("state",), calls)
    open_ = dict.fromkeys(("waiting", "waiting_for_confirmation"), 0.0) | _counts(rows.offers(connection))
    offers = [((state,), count) for state, count in open_.items()]
    yield Gauge("kontor_offers_open", "Open offers by state.", ("state",), offers)


def _decisions(session: Session) -> Iterator[Gauge]:
    """What waits for a person beside dead jobs."""
    gaps = [((kind.value,), float(count)) for kind, count in reconciling.counts(session).items()]
    yield Gauge("kontor_reconciliation_gaps", "What should exist and does not.", ("kind",), gaps)
    held = float(rows.held_runs(driver(session)))
    yield Gauge("kontor_discount_runs_held", "Discount runs that the guard-rail holds.", (), [((), held)])


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _counts(found: rows.Rows) -> dict[str, float]:
    return {str(name): float(count) for name, count in found}
