"""Tasks whose handlers follow a script."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.engine.catalogue import Payload, Policy
from kontor.engine.handlers import Done, JobContext, Outcome
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import CrashPolicy, TaskKind

RETRY = RetryPolicy(max_attempts=3, base=timedelta(seconds=10), cap=timedelta(seconds=30))
EFFECTS = "CREATE TABLE effects (job_id uuid NOT NULL, note text NOT NULL)"
WRITE = text("INSERT INTO effects (job_id, note) VALUES (:job, :note)")

HandlerAction = Callable[[JobContext, Any], Outcome | None]


class Write(Payload):
    policy: ClassVar[Policy] = Policy("test.write", "write", TaskKind.TRANSACTIONAL, RETRY)
    note: str = "plain"


class WriteElsewhere(Payload):
    policy: ClassVar[Policy] = Policy("test.write_elsewhere", "elsewhere", TaskKind.TRANSACTIONAL, RETRY)
    note: str = "plain"


class WriteAlone(Payload):
    policy: ClassVar[Policy] = Policy("test.write_alone", "write", TaskKind.TRANSACTIONAL, RETRY, batch_commits=False)
    note: str = "plain"


class Send(Payload):
    policy: ClassVar[Policy] = Policy("test.send", "send", TaskKind.EXTERNAL, RETRY)
    note: str = "plain"


class SendVerified(Payload):
    policy: ClassVar[Policy] = Policy("test.verify", "send", TaskKind.EXTERNAL, RETRY, crash=CrashPolicy.VERIFY)
    note: str = "plain"


class SendParked(Payload):
    policy: ClassVar[Policy] = Policy("test.park", "send", TaskKind.EXTERNAL, RETRY, crash=CrashPolicy.PARK)
    note: str = "plain"


def make_psycopg_drop_prepared_statements(session: Session) -> None:
    """Execute a DROP: psycopg then drops all statements, if it has prepared any (at the sixth run)."""
    for _ in range(7):
        session.execute(text("SELECT 1"))
    session.execute(text("DROP TABLE IF EXISTS missing"))
    session.execute(text("SELECT 1"))


@dataclass
class Script:
    """Actions of handlers by the note of the job, and a record of what they did."""

    actions: dict[str, HandlerAction] = field(default_factory=dict)
    claims: dict[str, HandlerAction] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)
    failures: list[tuple[str, str | None]] = field(default_factory=list)
    on_failure: Callable[[], None] = lambda: None

    def do(self, actions: dict[str, HandlerAction], job: JobContext, note: str) -> Outcome | None:
        action = actions.get(note)
        return None if action is None else action(job, note)


@dataclass
class Writer:
    """A transactional task: writes its effect, then runs its action."""

    script: Script
    payload: type[Payload] = Write

    def run(self, job: JobContext, session: Session, payload: Any) -> Outcome:
        session.execute(WRITE, {"job": job.id, "note": payload.note})
        self.script.sessions.append(session)
        self.script.order.append(payload.note)
        return self.script.do(self.script.actions, job, payload.note) or Done({"note": payload.note})

    def failed(self, job: JobContext, session: Session, payload: Any, error: str, dead: str | None) -> None:
        self.script.failures.append((payload.note, dead))
        self.script.on_failure()


@dataclass
class Sender:
    """An external task: counts what it sent per key, writes its effect when recording."""

    script: Script
    payload: type[Payload] = Send

    def claim(self, job: JobContext, session: Session, payload: Any) -> Any:
        return self.script.do(self.script.claims, job, payload.note) or payload.note

    def act(self, job: JobContext, plan: str) -> str:
        self.script.order.append(plan)
        self.script.do(self.script.actions, job, plan)
        self.script.sent[str(job.id)] += 1
        return plan

    def record(self, job: JobContext, session: Session, payload: Any, plan: str, result: str) -> Outcome:
        session.execute(WRITE, {"job": job.id, "note": result})
        return Done({"note": result})

    def failed(self, job: JobContext, session: Session, payload: Any, error: str, dead: str | None) -> None:
        self.script.failures.append((payload.note, dead))
        self.script.on_failure()


@dataclass
class VerifyingSender(Sender):
    """Checks what was sent before sending again."""

    payload: type[Payload] = SendVerified

    def verify(self, job: JobContext, plan: str) -> str | None:
        self.script.verified.append(plan)
        return plan if self.script.sent[str(job.id)] else None
