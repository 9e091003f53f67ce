"""What a job would do if it ran now: its own handler plays it in a transaction that is rolled back.

A call or a mail is not made: an external handler plans it (`claim`), the rehearsal counts it, takes a good answer for
granted and lets the handler record that. Follow-up jobs that are due at once are played too.
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

DEEP: Final = 4
CHILDREN: Final = 50
UNPLAYED: Final = frozenset({"jobs.bulk", "jobs.foresee", "upkeep.retention"})
"""Tasks whose playing would take as long as the thing itself."""

FOLLOWING: Final = f"SELECT {ROW} FROM jobs WHERE parent_id = %s AND id > %s AND state = 'queued' ORDER BY id LIMIT %s"  # noqa: S608 -- constants
GOOD: Final = HttpReply(200, {}, b"")


class Kind(StrEnum):
    """What became of a rehearsed job."""

    GOES = "goes"
    SETTLED = "settled"
    FAILS = "fails"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Effects:
    """What would leave this system, and money that would be charged, by currency."""

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
    """What a job would do. `says`: why it is settled, or with which error it fails."""

    kind: Kind
    effects: Effects = field(default_factory=Effects)
    says: str = ""


class Silent:
    """A doorbell that wakes nobody: what is rehearsed is never committed."""

    def ring(self) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Plays jobs by the handlers of `registry`. The caller rolls back."""

    registry: Registry
    jobs: Jobs

    def silent(self) -> Jobs:
        """The ledger, without its bell, and without a tracer: what is rehearsed never was."""
        return Jobs(self.jobs.catalogue, self.jobs.clock, Silent())

    def play(self, session: Session, row: JobRow) -> Rehearsed:
        """What this job would do; its rows stay in the transaction, for the next one to meet. Raises nothing."""
        if row.task not in self.registry or row.task in UNPLAYED:
            return Rehearsed(Kind.UNKNOWN, says="its task is not played")
        floor, moment = new_id(), foresight.recent()
        before = foresight.charged(driver(session), moment)
        savepoint = session.begin_nested()
        try:
            kind, effects, says = self._play(session, row, 0, floor)
            after = foresight.charged(driver(session), moment)
        except Exception as error:  # noqa: BLE001 -- a handler may raise anything: told here, as the runner records it
            savepoint.rollback()
            session.expunge_all()
            return Rehearsed(Kind.FAILS, says=f"{type(error).__name__}: {error}"[:300])
        savepoint.commit()
        session.expunge_all()
        money = {currency: amount - before.get(currency, Decimal(0)) for currency, amount in after.items()}
        charged = Effects(money={currency: amount for currency, amount in money.items() if amount})
        return Rehearsed(kind, effects + charged, says)

    def _play(self, session: Session, row: JobRow, depth: int, floor: UUID) -> tuple[Kind, Effects, str]:
        kind, effects, says = self._alone(session, row)
        if kind is Kind.SETTLED or depth == DEEP:
            return kind, effects, says
        cursor = driver(session).cursor(row_factory=class_row(JobRow))
        for child in cursor.execute(FOLLOWING, (row.id, floor, CHILDREN)).fetchall():
            if child.task in self.registry and child.task not in UNPLAYED:
                effects += self._play(session, child, depth + 1, floor)[1]
        return kind, effects, says

    def _alone(self, session: Session, row: JobRow) -> tuple[Kind, Effects, str]:
        handler, payload = self.registry[row.task], payload_of(row, self.registry.catalogue)
        job = context_of(row, row.attempt + 1, self.jobs.clock.now(), self.silent(), lambda: False)
        if handler.payload.policy.kind is TaskKind.TRANSACTIONAL:
            outcome = cast(Transactional, handler).run(job, session, payload)
            session.flush()
            return _settled(outcome) or (Kind.GOES, Effects(), "")
        external = cast(External, handler)
        plan = external.claim(job, session, payload)
        session.flush()
        if isinstance(plan, Done | Snooze | Cancel):
            return _settled(plan) or (Kind.SETTLED, Effects(), "nothing is left to do")
        if isinstance(plan, Dispatch):
            mails.close(session, plan.mail_id, MailState.SENT, "rehearsed", row.id)
        effects, answer = _effect(row, plan)
        if answer is not None:
            external.record(job, session, payload, plan, answer)
            session.flush()
        return (Kind.GOES if effects != Effects() else Kind.UNKNOWN), effects, ""


def _settled(outcome: Outcome) -> tuple[Kind, Effects, str] | None:
    """What an outcome says of a job that has nothing to do any more, or not yet; None when it did something."""
    if isinstance(outcome, Cancel):
        return Kind.SETTLED, Effects(), outcome.reason
    if isinstance(outcome, Snooze):
        return Kind.SETTLED, Effects(), "it is not time yet"
    return None


def _effect(row: JobRow, plan: Any) -> tuple[Effects, Any]:
    """What a plan would do outside, and the good answer to record; None when there is none to make up."""
    match plan:
        case Dispatch():
            return Effects(mails=1), None
        case Call() if (row.lane or "").startswith("instance:"):
            return Effects(calls=1), GOOD
        case Call():
            return Effects(webhooks=1), GOOD
        case _:
            return Effects(), None
