"""Two tasks whose handlers do what a test tells them to."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from domain.jobs import CrashPolicy, TaskKind
from domain.retry import RetryPolicy
from engine.catalogue import Payload, Policy
from engine.handlers import JobContext
from engine.outcomes import Done, Outcome

RETRY = RetryPolicy(max_attempts=3, base=timedelta(seconds=10), cap=timedelta(seconds=30))
EFFECTS = "CREATE TABLE effects (job_id uuid NOT NULL, note text NOT NULL)"
WRITE = text("INSERT INTO effects (job_id, note) VALUES (:job, :note)")

Deed = Callable[[JobContext, Any], Outcome | None]


class Write(Payload):
    policy: ClassVar[Policy] = Policy("test.write", "write", TaskKind.TRANSACTIONAL, RETRY)
    note: str = "plain"


class WriteElsewhere(Payload):
    policy: ClassVar[Policy] = Policy("test.write_elsewhere", "elsewhere", TaskKind.TRANSACTIONAL, RETRY)
    note: str = "plain"


class WriteAlone(Payload):
    policy: ClassVar[Policy] = Policy("test.write_alone", "write", TaskKind.TRANSACTIONAL, RETRY, share_commit=False)
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


@dataclass
class Script:
    """What handlers do for jobs with a note, and what they did."""

    deeds: dict[str, Deed] = field(default_factory=dict)
    claims: dict[str, Deed] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)
    told: list[tuple[str, str | None]] = field(default_factory=list)
    telling: Callable[[], None] = lambda: None

    def do(self, deeds: dict[str, Deed], job: JobContext, note: str) -> Outcome | None:
        deed = deeds.get(note)
        return None if deed is None else deed(job, note)


@dataclass
class Writer:
    """A transactional task: writes its effect, then does its deed."""

    script: Script
    payload: type[Payload] = Write

    def run(self, job: JobContext, session: Session, payload: Any) -> Outcome:
        session.execute(WRITE, {"job": job.id, "note": payload.note})
        self.script.order.append(payload.note)
        return self.script.do(self.script.deeds, job, payload.note) or Done({"note": payload.note})

    def failed(self, job: JobContext, session: Session, payload: Any, error: str, dead: str | None) -> None:
        self.script.told.append((payload.note, dead))
        self.script.telling()


@dataclass
class Sender:
    """An external task: counts what it sent by key, writes its effect when that is recorded."""

    script: Script
    payload: type[Payload] = Send

    def claim(self, job: JobContext, session: Session, payload: Any) -> Any:
        return self.script.do(self.script.claims, job, payload.note) or payload.note

    def act(self, job: JobContext, plan: str) -> str:
        self.script.order.append(plan)
        self.script.do(self.script.deeds, job, plan)
        self.script.sent[str(job.id)] += 1
        return plan

    def record(self, job: JobContext, session: Session, payload: Any, plan: str, result: str) -> Outcome:
        session.execute(WRITE, {"job": job.id, "note": result})
        return Done({"note": result})

    def failed(self, job: JobContext, session: Session, payload: Any, error: str, dead: str | None) -> None:
        self.script.told.append((payload.note, dead))
        self.script.telling()


@dataclass
class VerifyingSender(Sender):
    """Asks what was sent before it sends again."""

    payload: type[Payload] = SendVerified

    def verify(self, job: JobContext, plan: str) -> str | None:
        self.script.verified.append(plan)
        return plan if self.script.sent[str(job.id)] else None
