"""Previews of bulk actions: a dry run of the matching jobs, one chunk at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Final
from uuid import UUID

from psycopg.rows import class_row
from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.audit import Actor
from kontor.bulk import dry_run as bulk_dry_run
from kontor.bulk import service
from kontor.bulk.dry_run import DryRun, DryRunKind, DryRunResult
from kontor.engine.admin import job_queries
from kontor.engine.admin.job_filter import JobFilter
from kontor.engine.admin.job_queries import JobRecord
from kontor.engine.admin.operations import Operations
from kontor.engine.dead_jobs import recall
from kontor.engine.ledger import ROW, JobRow
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Conflict, NotFound
from kontor.kernel.states import BulkAction, JobState
from models.base import JsonObject
from models.console import BulkRun

CHUNK: Final = 50
CHUNK_SECONDS: Final = 0.3
MAX_JOBS: Final = 10_000
TIMEOUTS: Final = "SELECT set_config('lock_timeout', '500ms', true), set_config('statement_timeout', '5s', true)"
JOB_QUERY: Final = f"SELECT {ROW} FROM jobs WHERE id = %s"  # noqa: S608 -- constants
COUNTERS: Final = (
    "jobs", "goes", "settled", "conflicts", "refused", "fails", "unknown", "waits", "mails", "calls", "webhooks",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Preview:
    """Predicted results of the jobs of one task and tenant, if they ran now.

    `goes` + `settled` + `conflicts` + `refused` + `fails` + `unknown` = `jobs`. `settled`: nothing left to do.
    `conflicts`: another unfinished job has the unique key. `waits`: queued behind a lane that is down or on hold.
    `why`: reason of the settled jobs; `error`: error of the failing ones. `money`: decimals by currency.
    """

    task: str
    tenant: str
    jobs: int = 0
    goes: int = 0
    settled: int = 0
    conflicts: int = 0
    refused: int = 0
    fails: int = 0
    unknown: int = 0
    waits: int = 0
    mails: int = 0
    calls: int = 0
    webhooks: int = 0
    money: Mapping[str, str] = field(default_factory=dict)
    why: str = ""
    error: str = ""

    def __add__(self, other: "Preview") -> "Preview":
        sums = {name: getattr(self, name) + getattr(other, name) for name in COUNTERS}
        money = add_amounts(self.money, other.money)
        return replace(self, **sums, money=money, why=self.why or other.why, error=self.error or other.error)


def add_amounts(left: Mapping[str, str], right: Mapping[str, str]) -> dict[str, str]:
    """Add amounts by currency."""
    return {name: str(Decimal(left.get(name, "0")) + Decimal(right.get(name, "0"))) for name in {**left, **right}}


def previews(run: BulkRun) -> list[Preview]:
    """Return the results so far, most jobs first."""
    return sorted(PREVIEWS.validate_python(run.foreseen), key=lambda row: (-row.jobs, row.task, row.tenant))


PREVIEWS: Final = TypeAdapter(list[Preview])
"""The form stored in `BulkRun.foreseen`."""


def total(rows: Iterable[Preview]) -> Preview:
    """Sum all rows."""
    return sum(rows, Preview("", ""))


@dataclass(frozen=True, slots=True)
class PreviewChunk:
    """Result of a chunk: sums, number of jobs previewed so far, the last one, and whether there are more."""

    rows: list[JsonObject]
    count: int
    last: UUID | None
    seen_keys: list[str]
    more: bool


def preview_chunk(session: Session, dry_run: DryRun, run: BulkRun) -> PreviewChunk:
    """Dry-run one chunk, newest first, and roll it back, so that no other transaction sees any of it."""
    action = BulkAction(run.action)
    records = job_queries.newest_jobs(psycopg_connection(session), remaining(run), CHUNK)
    sums = {(row.task, row.tenant): row for row in previews(run)}
    seen_keys, done = set(run.seen_keys), 0
    clock = dry_run.jobs.clock
    started = clock.monotonic()
    savepoint = session.begin_nested()
    session.execute(text(TIMEOUTS))
    down_lanes = bulk_dry_run.lanes_not_closed(
        psycopg_connection(session), (record.lane for record in records if record.lane)
    )
    for record in records:
        preview = _preview_job(session, dry_run, action, record, seen_keys)
        waits = int(record.lane in down_lanes and preview.goes > 0)
        key = (record.task, record.tenant)
        sums[key] = sums.get(key, Preview(*key)) + replace(preview, waits=waits)
        done += 1
        if clock.monotonic() - started > CHUNK_SECONDS:
            break
    savepoint.rollback()
    session.expunge_all()
    count = run.looked + done
    more = (done < len(records) or len(records) == CHUNK) and count < MAX_JOBS
    last = records[done - 1].id if done else run.looked_to
    return PreviewChunk([asdict(row) for row in sums.values()], count, last, sorted(seen_keys), more)


def remaining(run: BulkRun) -> JobFilter:
    """Return the filter of the jobs not previewed yet."""
    job_filter = JobFilter.load(run.query).replace(before=run.looked_to or run.id)
    return service.applicable(BulkAction(run.action), job_filter)


def _preview_job(
    session: Session, dry_run: DryRun, action: BulkAction, record: JobRecord, seen_keys: set[str]
) -> Preview:
    preview = Preview(record.task, record.tenant, jobs=1)
    if action is BulkAction.RETRY:
        if _has_rival(session, record, seen_keys):
            return replace(preview, conflicts=1)
        try:
            with session.begin_nested():
                Operations(dry_run.without_doorbell()).retry(session, record.id, Actor("preview"))
        except (Conflict, NotFound):
            return replace(preview, refused=1)
    elif record.state == JobState.DEAD:
        recall(psycopg_connection(session), record.id)
    row = psycopg_connection(session).cursor(row_factory=class_row(JobRow)).execute(JOB_QUERY, (record.id,)).fetchone()
    if row is None or record.state == JobState.RUNNING:
        return replace(preview, unknown=1)
    return _with_result(preview, dry_run.run(session, row))


def _has_rival(session: Session, record: JobRecord, seen_keys: set[str]) -> bool:
    """Whether an unfinished job, or a newer job of this action, has the unique key."""
    if record.unique_key is None or record.state == JobState.RETRYING:
        return False
    digest = sha256(f"{record.tenant}\x00{record.task}\x00{record.unique_key}".encode()).hexdigest()[:16]
    if digest in seen_keys or job_queries.unique_key_holder(psycopg_connection(session), record) is not None:
        return True
    seen_keys.add(digest)
    return False


def _with_result(preview: Preview, result: DryRunResult) -> Preview:
    effects = result.effects
    money = {currency: str(amount) for currency, amount in effects.money.items()}
    counted = replace(preview, mails=effects.mails, calls=effects.calls, webhooks=effects.webhooks, money=money)
    if result.kind is DryRunKind.SETTLED:
        return replace(counted, settled=1, why=result.message)
    if result.kind is DryRunKind.FAILS:
        return replace(counted, fails=1, error=result.message)
    return replace(counted, goes=1) if result.kind is DryRunKind.WOULD_RUN else replace(counted, unknown=1)
