"""Dry runs: a job's own handler runs it in a transaction that is rolled back.

Calls and mails are not made: an external handler plans them (`claim`), the dry run counts them, assumes that they
succeed and lets the handler record that. Follow-up jobs that are due immediately are run too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, cast
from uuid import UUID

from psycopg.rows import class_row
from sqlalchemy.orm import Session

from domain.calling import Call
from domain.ids import new_id
from domain.jobs import TaskKind
from domain.ports import HttpReply
from engine.driver import driver
from engine.enqueue import Jobs
from engine.handlers import External, Registry, Transactional
from engine.ledger import ROW, JobRow
from engine.outcomes import Cancel, Done, Outcome, Snooze
from engine.workshop import context_of, payload_of
from models.mails import MailState
from services.dispatch import Dispatch
from store import foresight, mails

MAX_DEPTH: Final = 4
MAX_CHILDREN: Final = 50
NOT_DRY_RUN: Final = frozenset({"jobs.bulk", "jobs.foresee", "upkeep.retention"})
"""Tasks too slow to dry-run."""

CHILDREN_QUERY: Final = (
    f"SELECT {ROW} FROM jobs WHERE parent_id = %s AND id > %s AND state = 'queued' ORDER BY id LIMIT %s"  # noqa: S608 -- constants
)
ASSUMED_REPLY: Final = HttpReply(200, {}, b"")


class Kind(StrEnum):
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
class Rehearsed:
    """Result of a job's dry run. `message`: why nothing is left to do, or the error."""

    kind: Kind
    effects: Effects = field(default_factory=Effects)
    message: str = ""


class SilentDoorbell:
    """A doorbell that does nothing, because a dry run is never committed."""

    def ring(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Dry-runs jobs with the handlers of `registry`. The caller rolls back."""

    registry: Registry
    jobs: Jobs

    def without_doorbell(self) -> Jobs:
        """Return the ledger without doorbell and tracer."""
        return Jobs(self.jobs.catalogue, self.jobs.clock, SilentDoorbell())

    def run(self, session: Session, row: JobRow) -> Rehearsed:
        """Dry-run a job; its changes stay visible to the next dry run of the transaction. Never raises."""
        if row.task not in self.registry or row.task in NOT_DRY_RUN:
            return Rehearsed(Kind.UNKNOWN, message="this task cannot be dry-run")
        floor, charged_since = new_id(), foresight.recent()
        before = foresight.charged(driver(session), charged_since)
        savepoint = session.begin_nested()
        try:
            kind, effects, message = self._run_with_children(session, row, 0, floor)
            after = foresight.charged(driver(session), charged_since)
        except Exception as error:  # noqa: BLE001 -- a handler may raise anything; reported as the runner records it
            savepoint.rollback()
            session.expunge_all()
            return Rehearsed(Kind.FAILS, message=f"{type(error).__name__}: {error}"[:300])
        savepoint.commit()
        session.expunge_all()
        money = {currency: amount - before.get(currency, Decimal(0)) for currency, amount in after.items()}
        charged = Effects(money={currency: amount for currency, amount in money.items() if amount})
        return Rehearsed(kind, effects + charged, message)

    def _run_with_children(self, session: Session, row: JobRow, depth: int, floor: UUID) -> tuple[Kind, Effects, str]:
        kind, effects, message = self._run_one(session, row)
        if kind is Kind.SETTLED or depth == MAX_DEPTH:
            return kind, effects, message
        cursor = driver(session).cursor(row_factory=class_row(JobRow))
        for child in cursor.execute(CHILDREN_QUERY, (row.id, floor, MAX_CHILDREN)).fetchall():
            if child.task in self.registry and child.task not in NOT_DRY_RUN:
                effects += self._run_with_children(session, child, depth + 1, floor)[1]
        return kind, effects, message

    def _run_one(self, session: Session, row: JobRow) -> tuple[Kind, Effects, str]:
        handler, payload = self.registry[row.task], payload_of(row, self.registry.catalogue)
        job = context_of(row, row.attempt + 1, self.jobs.clock.now(), self.without_doorbell(), lambda: False)
        if handler.payload.policy.kind is TaskKind.TRANSACTIONAL:
            outcome = cast(Transactional, handler).run(job, session, payload)
            session.flush()
            return _not_runnable(outcome) or (Kind.WOULD_RUN, Effects(), "")
        external = cast(External, handler)
        plan = external.claim(job, session, payload)
        session.flush()
        if isinstance(plan, Done | Snooze | Cancel):
            return _not_runnable(plan) or (Kind.SETTLED, Effects(), "nothing left to do")
        if isinstance(plan, Dispatch):
            mails.close(session, plan.mail_id, MailState.SENT, "rehearsed", row.id)
        effects, reply = _assumed_effect(row, plan)
        if reply is not None:
            external.record(job, session, payload, plan, reply)
            session.flush()
        return (Kind.WOULD_RUN if effects != Effects() else Kind.UNKNOWN), effects, ""


def _not_runnable(outcome: Outcome) -> tuple[Kind, Effects, str] | None:
    """Return why the job has nothing to do now; None when it did something."""
    if isinstance(outcome, Cancel):
        return Kind.SETTLED, Effects(), outcome.reason
    if isinstance(outcome, Snooze):
        return Kind.SETTLED, Effects(), "not due yet"
    return None


def _assumed_effect(row: JobRow, plan: Any) -> tuple[Effects, Any]:
    """Return a plan's effects and the successful reply to record; None when no reply can be assumed."""
    match plan:
        case Dispatch():
            return Effects(mails=1), None
        case Call() if (row.lane or "").startswith("instance:"):
            return Effects(calls=1), ASSUMED_REPLY
        case Call():
            return Effects(webhooks=1), ASSUMED_REPLY
        case _:
            return Effects(), None
