"""Dry-run a job: its handler runs in a transaction that is rolled back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final, cast
from uuid import UUID

from psycopg.rows import class_row
from sqlalchemy.orm import Session

from kontor.engine.enqueue import Jobs
from kontor.engine.handlers import Cancel, Done, ExternalHandler, Outcome, Registry, Snooze, TransactionalHandler
from kontor.engine.ledger import ROW, JobRow
from kontor.engine.runtime import context_of, payload_of
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.ids import new_id
from kontor.kernel.ports import HttpReply, OutgoingCall
from kontor.kernel.states import TaskKind
from kontor.mails import queries as mails_queries
from kontor.mails.dispatch import Dispatch
from models.mails import MailState

MAX_DEPTH: Final = 4
MAX_CHILDREN: Final = 50
NOT_DRY_RUN: Final = frozenset({"jobs.bulk", "jobs.foresee", "upkeep.retention"})
"""Tasks too slow to dry-run."""

CHILDREN_QUERY: Final = (
    f"SELECT {ROW} FROM jobs WHERE parent_id = %s AND id > %s AND state = 'queued' ORDER BY id LIMIT %s"  # noqa: S608 -- constants
)
ASSUMED_REPLY: Final = HttpReply(200, {}, b"")


class DryRunKind(StrEnum):
    """Result of a dry run."""

    WOULD_RUN = "goes"
    SETTLED = "settled"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Effects:
    """Messages that would be sent, and amounts that would be charged by currency."""

    mails: int = 0
    calls: int = 0
    webhooks: int = 0
    money: Mapping[str, Decimal] = field(default_factory=dict)

    def __add__(self, other: "Effects") -> "Effects":
        money = dict(self.money)
        for currency, amount in other.money.items():
            money[currency] = money.get(currency, Decimal(0)) + amount
        return Effects(self.mails + other.mails, self.calls + other.calls, self.webhooks + other.webhooks, money)


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """Result of a job's dry run. `message`: why nothing is left to do, or the error."""

    kind: DryRunKind
    effects: Effects = field(default_factory=Effects)
    message: str = ""


class SilentDoorbell:
    """A doorbell that does nothing, because a dry run is never committed."""

    def ring(self) -> None:
        """Do nothing."""

    def offer(self, task: str, tenant: str) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """Dry-runs jobs with the handlers of `registry`. The caller rolls back."""

    registry: Registry
    jobs: Jobs

    def without_doorbell(self) -> Jobs:
        """Return the ledger without doorbell and tracer."""
        return Jobs(self.jobs.catalogue, self.jobs.clock, SilentDoorbell())

    def run(self, session: Session, row: JobRow) -> DryRunResult:
        """Dry-run a job; its changes stay visible to the next dry run of the transaction. Never raises."""
        if row.task not in self.registry or row.task in NOT_DRY_RUN:
            return DryRunResult(DryRunKind.UNKNOWN, message="this task cannot be dry-run")
        floor, charged_since = new_id(), recent_floor()
        before = charges_since(psycopg_connection(session), charged_since)
        savepoint = session.begin_nested()
        try:
            kind, effects, message = self._run_with_children(session, row, 0, floor)
            after = charges_since(psycopg_connection(session), charged_since)
        except Exception as error:  # noqa: BLE001 -- a handler may raise anything; reported as the runner records it
            savepoint.rollback()
            session.expunge_all()
            return DryRunResult(DryRunKind.FAILS, message=f"{type(error).__name__}: {error}"[:300])
        savepoint.commit()
        session.expunge_all()
        money = {currency: amount - before.get(currency, Decimal(0)) for currency, amount in after.items()}
        charged = Effects(money={currency: amount for currency, amount in money.items() if amount})
        return DryRunResult(kind, effects + charged, message)

    def _run_with_children(
        self, session: Session, row: JobRow, depth: int, floor: UUID
    ) -> tuple[DryRunKind, Effects, str]:
        kind, effects, message = self._run_one(session, row)
        if kind is DryRunKind.SETTLED or depth == MAX_DEPTH:
            return kind, effects, message
        cursor = psycopg_connection(session).cursor(row_factory=class_row(JobRow))
        for child in cursor.execute(CHILDREN_QUERY, (row.id, floor, MAX_CHILDREN)).fetchall():
            if child.task in self.registry and child.task not in NOT_DRY_RUN:
                effects += self._run_with_children(session, child, depth + 1, floor)[1]
        return kind, effects, message

    def _run_one(self, session: Session, row: JobRow) -> tuple[DryRunKind, Effects, str]:
        handler, payload = self.registry[row.task], payload_of(row, self.registry.catalogue)
        job = context_of(row, row.attempt + 1, self.jobs.clock.now(), self.without_doorbell(), lambda: False)
        if handler.payload.policy.kind is TaskKind.TRANSACTIONAL:
            outcome = cast(TransactionalHandler, handler).run(job, session, payload)
            session.flush()
            return _not_runnable(outcome) or (DryRunKind.WOULD_RUN, Effects(), "")
        external = cast(ExternalHandler, handler)
        plan = external.claim(job, session, payload)
        session.flush()
        if isinstance(plan, Done | Snooze | Cancel):
            return _not_runnable(plan) or (DryRunKind.SETTLED, Effects(), "nothing left to do")
        if isinstance(plan, Dispatch):
            mails_queries.close(session, plan.mail_id, MailState.SENT, "rehearsed", row.id)
        effects, reply = _assumed_effect(row, plan)
        if reply is not None:
            external.record(job, session, payload, plan, reply)
            session.flush()
        return (DryRunKind.WOULD_RUN if effects != Effects() else DryRunKind.UNKNOWN), effects, ""


def _not_runnable(outcome: Outcome) -> tuple[DryRunKind, Effects, str] | None:
    """Return why the job has nothing to do now; None when it did something."""
    if isinstance(outcome, Cancel):
        return DryRunKind.SETTLED, Effects(), outcome.reason
    if isinstance(outcome, Snooze):
        return DryRunKind.SETTLED, Effects(), "not due yet"
    return None


def _assumed_effect(row: JobRow, plan: object) -> tuple[Effects, HttpReply | None]:
    """Return a plan's effects and the successful reply to record; None when no reply can be assumed."""
    match plan:
        case Dispatch():
            return Effects(mails=1), None
        case OutgoingCall() if (row.lane or "").startswith("instance:"):
            return Effects(calls=1), ASSUMED_REPLY
        case OutgoingCall():
            return Effects(webhooks=1), ASSUMED_REPLY
        case _:
            return Effects(), None


MOMENT_MS: Final = 5_000
CHARGED: Final = """
SELECT currency, sum(CASE kind WHEN 'credit' THEN -total ELSE total END) FROM charges WHERE id >= %s GROUP BY currency
"""
SHUT: Final = "SELECT name FROM lanes WHERE name = ANY(%s) AND state <> 'closed'"


def recent_floor() -> UUID:
    """The smallest id of a row created within the last five seconds (real time)."""
    return UUID(int=max(0, (new_id().int >> 80) - MOMENT_MS) << 80)


def charges_since(connection: PgConnection, floor: UUID) -> dict[str, Decimal]:
    """Charges less credits by currency from an id on, including those of the current transaction."""
    return {str(currency): total for currency, total in connection.execute(CHARGED, (floor,)).fetchall()}


def lanes_not_closed(connection: PgConnection, names: Iterable[str]) -> set[str]:
    """The names of those lanes that are open or held."""
    return {row[0] for row in connection.execute(SHUT, (sorted(set(names)),)).fetchall()}
