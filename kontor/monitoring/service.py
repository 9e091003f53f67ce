"""Prometheus metrics of the deployment, read from PostgreSQL. Label values are names from the code, never ids."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.engine.admin import invariants, overview, queues
from kontor.engine.catalogue import Catalogue
from kontor.engine.job_stats import RUN_BOUNDS, WAIT_BOUNDS
from kontor.jobs.service import id_floor
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.states import TaskKind
from kontor.mails.payloads import SEND
from kontor.monitoring import queries
from kontor.reconciliation import service as reconciliation

HOUR: Final = timedelta(hours=1)
TIMEOUT_MS: Final = 2_000
ROLES: Final = ("web", "worker", "relay", "scheduler")
NOT_CALLS: Final = frozenset({SEND, "probe.echo"})
"""External tasks that do not call a customer's system."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge or counter family; samples are (label values, number). A `counter` never decreases."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Sequence[tuple[tuple[str, ...], float]]
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram family; samples are (label values, counts per bucket, sum). Bounds in seconds."""

    name: str
    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]
    samples: Sequence[tuple[tuple[str, ...], Sequence[int], float]]


Family = Gauge | Histogram


def collect(session: Session, catalogue: Catalogue, now: datetime, wall_time: datetime) -> Iterator[Family]:
    """Yield every metric family. `now` is programme time."""
    session.execute(text(f"SET LOCAL statement_timeout = {TIMEOUT_MS}"))
    connection = psycopg_connection(session)
    yield from _queues(session, catalogue, now)
    yield from _tasks(connection, catalogue, now)
    yield from _finished(connection, catalogue)
    yield from _engine(connection, now)
    yield from _leases(connection, now)
    yield from _invariants(connection, now)
    yield from _external(connection, wall_time)
    yield from _pending_decisions(session)


def _queues(session: Session, catalogue: Catalogue, now: datetime) -> Iterator[Family]:
    views = queues.list_queues(session, catalogue.queues, now)
    states = ("scheduled", "queued", "running", "retrying", "dead")
    counts = [((view.name, state), float(getattr(view, state))) for view in views for state in states]
    waits = [((view.name,), view.oldest_queued_seconds or 0.0) for view in views]
    paused = [((view.name,), float(view.paused)) for view in views]
    yield Gauge("kontor_jobs", "Unfinished and dead jobs by queue and state.", ("queue", "state"), counts)
    yield Gauge("kontor_queue_oldest_seconds", "Age of the oldest queued job.", ("queue",), waits)
    yield Gauge("kontor_queue_paused", "1 while a queue is paused.", ("queue",), paused)


def _tasks(connection: PgConnection, catalogue: Catalogue, now: datetime) -> Iterator[Family]:
    """Lateness: how much longer than its task's due-by the oldest queued job has waited."""
    oldest_queued: dict[str, datetime] = dict(queries.waiting(connection))
    ages = {payload.policy.name: _age(oldest_queued.get(payload.policy.name), now) for payload in catalogue}
    due_by = {payload.policy.name: payload.policy.due_by.total_seconds() for payload in catalogue}
    age_samples = [((task,), seconds) for task, seconds in ages.items()]
    lateness = [((task,), max(0.0, seconds - due_by[task])) for task, seconds in ages.items()]
    yield Gauge("kontor_task_oldest_seconds", "Age of a task's oldest queued job.", ("task",), age_samples)
    yield Gauge("kontor_task_lateness_seconds", "How much that age exceeds the task's due-by.", ("task",), lateness)
    relay_lag = _age(queries.unpromoted(connection, now), now)
    yield Gauge(
        "kontor_relay_lag_seconds", "Age of the oldest due job that no relay has queued.", (), [((), relay_lag)]
    )


def _finished(connection: PgConnection, catalogue: Catalogue) -> Iterator[Family]:
    totals = queries.totals(connection)
    names = ("task", "outcome")
    attempts = [((total.task, total.outcome), float(total.jobs)) for total in totals]
    late_by_task: Counter[tuple[str, ...]] = Counter()
    for total in totals:
        late_by_task[(total.task,)] += total.overdue
    waits = [((total.task, total.outcome), total.wait_buckets, total.wait_seconds) for total in totals]
    runs = [((total.task, total.outcome), total.run_buckets, total.run_seconds) for total in totals]
    yield Gauge("kontor_job_attempts", "Attempts that ended.", names, attempts, counter=True)
    yield Gauge(
        "kontor_jobs_late",
        "Attempts that ended later than their task's due-by.",
        ("task",),
        list(late_by_task.items()),
        counter=True,
    )
    yield Histogram("kontor_job_wait_seconds", "From due to start.", names, WAIT_BOUNDS, waits)
    yield Histogram("kontor_job_run_seconds", "From start to end.", names, RUN_BOUNDS, runs)
    external = {payload.policy.name for payload in catalogue if payload.policy.kind is TaskKind.EXTERNAL} - NOT_CALLS
    calls = [((total.task, total.outcome), float(total.jobs)) for total in totals if total.task in external]
    yield Gauge("kontor_calls", "Calls to customers' systems that ended.", names, calls, counter=True)
    dead_counts = dict.fromkeys((payload.policy.name for payload in catalogue), 0.0) | _counts(queries.dead(connection))
    dead_samples = [((task,), count) for task, count in dead_counts.items()]
    yield Gauge("kontor_jobs_dead", "Dead jobs that need an operator.", ("task",), dead_samples)
    unknown = [((task,), float(count)) for task, count in overview.unsupported_by_task(connection).items()]
    yield Gauge("kontor_jobs_unknown_task", "Jobs that no running release supports.", ("task",), unknown)


LANE_STATES: Final = {"closed": "closed", "open": "open", "forced": "held"}
"""States of a lane's breaker, and what API and metrics call them."""


def _engine(connection: PgConnection, now: datetime) -> Iterator[Family]:
    counts = dict.fromkeys(LANE_STATES, 0.0) | _counts(queries.lanes(connection))
    lanes = [((LANE_STATES[state],), count) for state, count in counts.items()]
    yield Gauge("kontor_lanes", "Lanes by state of their circuit breaker.", ("state",), lanes)
    alive, threads, memory = queries.workers(connection)[0]
    yield Gauge("kontor_workers_alive", "Worker processes with a heartbeat.", (), [((), float(alive))])
    yield Gauge("kontor_worker_threads", "Threads of the live worker processes.", (), [((), float(threads))])
    yield Gauge("kontor_worker_memory_bytes", "Memory of the largest live worker process.", (), [((), float(memory))])
    schedules = queries.schedules(connection, now)
    lateness = [((name,), max(0.0, seconds)) for name, seconds, _ in schedules]
    paused = [((name,), float(off)) for name, _, off in schedules]
    yield Gauge("kontor_schedule_lateness_seconds", "How late the next occurrence is.", ("schedule",), lateness)
    yield Gauge("kontor_schedule_paused", "1 while a schedule is paused.", ("schedule",), paused)


def _leases(connection: PgConnection, now: datetime) -> Iterator[Family]:
    held, since = queries.leases(connection)
    yield Gauge("kontor_leases", "Jobs running under a lease.", (), [((), float(held))])
    yield Gauge("kontor_lease_oldest_seconds", "Age of the oldest lease.", (), [((), _age(since, now))])
    counts = dict.fromkeys(ROLES, 0.0) | _counts(queries.connections(connection))
    roles = [((role,), counts[role]) for role in ROLES]
    yield Gauge("kontor_connections", "Connections to PostgreSQL by role.", ("role",), roles)


def _invariants(connection: PgConnection, now: datetime) -> Iterator[Family]:
    names = {entry.name for entry in invariants.broken(connection, now)}
    broken = [((name,), float(name in names)) for name in invariants.NAMES]
    yield Gauge("kontor_invariant_broken", "1 while an invariant is broken.", ("invariant",), broken)
    leads = invariants.leading_roles(connection)
    leaders = [((role,), float(role in leads)) for role in invariants.LEADING_ROLES]
    yield Gauge("kontor_leader", "1 while a process leads in a role.", ("role",), leaders)
    offsets = [((role, host), seconds) for role, host, seconds in invariants.clock_offsets(connection)]
    yield Gauge("kontor_clock_offset_seconds", "A host's clock minus PostgreSQL's.", ("role", "host"), offsets)


def _external(connection: PgConnection, wall_time: datetime) -> Iterator[Family]:
    floor = id_floor(wall_time - HOUR)
    mails = [((template, state), float(count)) for template, state, count in queries.mails(connection, floor)]
    yield Gauge("kontor_mails_1h", "Mails posted in the last two hours.", ("template", "state"), mails)
    states = dict.fromkeys(("queued", "sent", "suppressed", "failed"), 0.0) | _counts(
        queries.recipients(connection, floor)
    )
    recipients = [((state,), count) for state, count in states.items()]
    yield Gauge("kontor_mail_recipients_1h", "Recipients of those mails.", ("state",), recipients)
    counts = dict.fromkeys(("pending", "delivered", "failed"), 0.0) | _counts(queries.deliveries(connection, floor))
    calls = [((state,), count) for state, count in counts.items()]
    yield Gauge("kontor_webhook_deliveries_1h", "Webhook deliveries started in the last two hours.", ("state",), calls)
    counts = dict.fromkeys(("waiting", "waiting_for_confirmation"), 0.0) | _counts(queries.offers(connection))
    offers = [((state,), count) for state, count in counts.items()]
    yield Gauge("kontor_offers_open", "Open offers by state.", ("state",), offers)


def _pending_decisions(session: Session) -> Iterator[Gauge]:
    """What needs an operator's decision, in addition to dead jobs."""
    gaps = [((kind.value,), float(count)) for kind, count in reconciliation.counts(session).items()]
    yield Gauge("kontor_reconciliation_gaps", "Open gaps: records that should exist and do not.", ("kind",), gaps)
    held_mails = float(queries.held_mails(psycopg_connection(session)))
    yield Gauge("kontor_mails_held", "Mails to strangers that wait for a reseller's allowance.", (), [((), held_mails)])
    held = float(queries.held_runs(psycopg_connection(session)))
    yield Gauge("kontor_discount_runs_held", "Discount runs held by the guard rail.", (), [((), held)])


def _age(start: datetime | None, now: datetime) -> float:
    return 0.0 if start is None else max(0.0, (now - start).total_seconds())


def _counts(pairs: queries.Counts) -> dict[str, float]:
    return {str(name): float(count) for name, count in pairs}
