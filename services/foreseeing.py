"""What a bulk action would do, worked out a chunk at a time by rehearsing its jobs."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from psycopg.rows import class_row
from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.jobs import JobState
from engine.control import Actor, Control
from engine.driver import driver
from engine.ledger import ROW, JobRow
from models.console import BulkAction, BulkRun
from services import bulk
from services.rehearsal import Kind, Rehearsal, Rehearsed
from store import foresight, jobs_read
from store.jobs_read import JobQuery, JobRecord

CHUNK: Final = 50
CHUNK_SECONDS: Final = 0.3
MOST: Final = 10_000
PATIENCE: Final = "SELECT set_config('lock_timeout', '500ms', true), set_config('statement_timeout', '5s', true)"
ONE: Final = f"SELECT {ROW} FROM jobs WHERE id = %s"  # noqa: S608 -- constants
NUMBERS: Final = (
    "jobs", "goes", "settled", "conflicts", "refused", "fails", "unknown", "waits", "mails", "calls", "webhooks",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the jobs of one task and tenant would do, were they run now.

    `goes` + `settled` + `conflicts` + `refused` + `fails` + `unknown` = `jobs`. `settled`: nothing is left to do.
    `conflicts`: another unfinished job has the unique key. `waits`: behind a lane that does not deliver.
    `why`: of what is settled; `error`: of what fails. `money` in decimals by currency.
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

    def __add__(self, other: "Foreseen") -> "Foreseen":
        sums = {name: getattr(self, name) + getattr(other, name) for name in NUMBERS}
        money = added(self.money, other.money)
        return replace(self, **sums, money=money, why=self.why or other.why, error=self.error or other.error)


def added(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Amounts by currency, added."""
    return {name: str(Decimal(one.get(name, "0")) + Decimal(other.get(name, "0"))) for name in {**one, **other}}


def foreseen(run: BulkRun) -> list[Foreseen]:
    """What is known so far, the most jobs first."""
    return sorted((Foreseen(**row) for row in run.foreseen), key=lambda one: (-one.jobs, one.task, one.tenant))


def total(rows: Iterable[Foreseen]) -> Foreseen:
    """All of them together."""
    return sum(rows, Foreseen("", ""))


@dataclass(frozen=True, slots=True)
class Looked:
    """What a chunk found: the sums so far, how many were looked at, the last of them, and whether there is more."""

    rows: list[dict[str, Any]]
    count: int
    last: UUID | None
    seen_keys: list[str]
    more: bool


def look(session: Session, rehearsal: Rehearsal, run: BulkRun) -> Looked:
    """Rehearse one chunk, newest first, and undo it: nothing of it is ever seen by others."""
    action = BulkAction(run.action)
    records = jobs_read.newest(driver(session), remaining(run), CHUNK)
    sums = {(one.task, one.tenant): one for one in foreseen(run)}
    seen, looked = set(run.seen_keys), 0
    clock = rehearsal.jobs.clock
    began = clock.monotonic()
    savepoint = session.begin_nested()
    session.execute(text(PATIENCE))
    shut = foresight.shut_lanes(driver(session), (one.lane for one in records if one.lane))
    for record in records:
        found = _one(session, rehearsal, action, record, seen)
        waits = int(record.lane in shut and found.goes > 0)
        key = (record.task, record.tenant)
        sums[key] = sums.get(key, Foreseen(*key)) + replace(found, waits=waits)
        looked += 1
        if clock.monotonic() - began > CHUNK_SECONDS:
            break
    savepoint.rollback()
    session.expunge_all()
    count = run.looked + looked
    more = (looked < len(records) or len(records) == CHUNK) and count < MOST
    last = records[looked - 1].id if looked else run.looked_to
    return Looked([asdict(one) for one in sums.values()], count, last, sorted(seen), more)


def remaining(run: BulkRun) -> JobQuery:
    """The jobs that were not looked at yet."""
    query = bulk.query_of(**{**run.query, "before": run.looked_to or run.id})
    return bulk.possible(BulkAction(run.action), query)


def _one(session: Session, rehearsal: Rehearsal, action: BulkAction, record: JobRecord, seen: set[str]) -> Foreseen:
    alone = Foreseen(record.task, record.tenant, jobs=1)
    if action is BulkAction.RETRY:
        if _in_the_way(session, record, seen):
            return replace(alone, conflicts=1)
        try:
            with session.begin_nested():
                Control(rehearsal.silent()).retry(session, record.id, Actor("preview"))
        except (Conflict, NotFound):
            return replace(alone, refused=1)
    row = driver(session).cursor(row_factory=class_row(JobRow)).execute(ONE, (record.id,)).fetchone()
    if row is None or record.state == JobState.RUNNING:
        return replace(alone, unknown=1)
    return _told(alone, rehearsal.play(session, row))


def _in_the_way(session: Session, record: JobRecord, seen: set[str]) -> bool:
    """Whether an unfinished job has the unique key, or a newer job of this action would take it."""
    if record.unique_key is None or record.state == JobState.RETRYING:
        return False
    name = sha256(f"{record.tenant}\x00{record.task}\x00{record.unique_key}".encode()).hexdigest()[:16]
    if name in seen or jobs_read.rival(driver(session), record) is not None:
        return True
    seen.add(name)
    return False


def _told(alone: Foreseen, played: Rehearsed) -> Foreseen:
    effects = played.effects
    money = {currency: str(amount) for currency, amount in effects.money.items()}
    found = replace(alone, mails=effects.mails, calls=effects.calls, webhooks=effects.webhooks, money=money)
    if played.kind is Kind.SETTLED:
        return replace(found, settled=1, why=played.says)
    if played.kind is Kind.FAILS:
        return replace(found, fails=1, error=played.says)
    return replace(found, goes=1) if played.kind is Kind.GOES else replace(found, unknown=1)
