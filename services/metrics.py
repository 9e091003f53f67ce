"""What Prometheus is told of the deployment, from PostgreSQL. Labels are names of code, never ids."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import Connection
from sqlalchemy import text
from sqlalchemy.orm import Session

from engine.catalogue import Catalogue
from engine.driver import driver
from engine.tally import RUN_BOUNDS, WAIT_BOUNDS
from services import queues
from services.jobs import id_floor
from services.reconciliation import reconciling
from store import metrics as rows

HOUR: Final = timedelta(hours=1)
TIMEOUT_MS: Final = 2_000


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
    yield from _done(connection)
    yield from _engine(connection, now)
    yield from _outside(connection, real)
    yield from _gaps(session)


def _queues(session: Session, catalogue: Catalogue, now: datetime) -> Iterator[Family]:
    views = queues.listed(session, catalogue.queues, now)
    states = ("scheduled", "queued", "running", "retrying", "dead")
    counts = [((view.name, state), float(getattr(view, state))) for view in views for state in states]
    waits = [((view.name,), view.oldest_queued_seconds or 0.0) for view in views]
    paused = [((view.name,), float(view.paused)) for view in views]
    yield Gauge("kontor_jobs", "Jobs in the hot table by queue and state.", ("queue", "state"), counts)
    yield Gauge("kontor_queue_oldest_seconds", "Age of the oldest queued job.", ("queue",), waits)
    yield Gauge("kontor_queue_paused", "1 while a queue is paused.", ("queue",), paused)
    lag = max((wait for _, wait in waits), default=0.0)
    yield Gauge("kontor_relay_lag_seconds", "How long the oldest queued job waits.", (), [((), lag)])


def _done(connection: Connection[Any]) -> Iterator[Family]:
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
    dead = [((task,), float(count)) for task, count in rows.dead(connection)]
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


def _outside(connection: Connection[Any], real: datetime) -> Iterator[Family]:
    floor = id_floor(real - HOUR)
    mails = [((template, state), float(count)) for template, state, count in rows.mails(connection, floor)]
    yield Gauge("kontor_mails_1h", "Mails posted in the last hours.", ("template", "state"), mails)
    found = dict.fromkeys(("pending", "delivered", "failed"), 0.0) | _counts(rows.deliveries(connection, floor))
    calls = [((state,), count) for state, count in found.items()]
    yield Gauge("kontor_webhook_deliveries_1h", "Webhook deliveries begun in the last hours.", ("state",), calls)
    open_ = dict.fromkeys(("waiting", "waiting_for_confirmation"), 0.0) | _counts(rows.offers(connection))
    offers = [((state,), count) for state, count in open_.items()]
    yield Gauge("kontor_offers_open", "Open offers by state.", ("state",), offers)


def _gaps(session: Session) -> Iterator[Gauge]:
    gaps = [((kind.value,), float(count)) for kind, count in reconciling.counts(session).items()]
    yield Gauge("kontor_reconciliation_gaps", "What should exist and does not.", ("kind",), gaps)


def _counts(found: rows.Rows) -> dict[str, float]:
    return {str(name): float(count) for name, count in found}
