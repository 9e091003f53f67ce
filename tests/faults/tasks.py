"""Tasks with countable effects: rows in PostgreSQL without a unique key, lines in a file outside."""

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from kontor.engine.catalogue import Payload, Policy
from kontor.engine.handlers import Cancelled, Done, Handler, JobContext, Outcome, Transient
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import CrashPolicy, TaskKind
from tests.support.polling import wait_for

RETRY = RetryPolicy(max_attempts=12, base=timedelta(milliseconds=200), cap=timedelta(seconds=2))
TABLE = "CREATE TABLE IF NOT EXISTS effects (job_id uuid NOT NULL, number bigint NOT NULL)"
WRITE = text("INSERT INTO effects (job_id, number) VALUES (:job, :number)")
LONG_SECONDS = 120.0
SLOW_SECONDS = 0.3  # so slow that doorbells carry one such job


def policy(name: str, kind: TaskKind, crash: CrashPolicy = CrashPolicy.RERUN, *, shared: bool = True) -> Policy:
    return Policy(f"fault.{name}", f"fault-{kind}", kind, RETRY, crash=crash, batch_commits=shared)


class Work(Payload):
    """`number` identifies the effect. `holds`: attempts that never end. `fails`: attempts that fail.

    With `gated` each attempt waits until `Sink.open_gate` is called for it.
    """

    number: int
    holds: int = 0
    fails: int = 0
    children: int = 0
    gated: bool = False


class Single(Work):
    policy: ClassVar[Policy] = policy("single", TaskKind.TRANSACTIONAL, shared=False)


class Batch(Work):
    policy: ClassVar[Policy] = policy("batch", TaskKind.TRANSACTIONAL)


class Rerun(Work):
    policy: ClassVar[Policy] = policy("rerun", TaskKind.EXTERNAL)


class Verify(Work):
    policy: ClassVar[Policy] = policy("verify", TaskKind.EXTERNAL, CrashPolicy.VERIFY)


class Park(Work):
    policy: ClassVar[Policy] = policy("park", TaskKind.EXTERNAL, CrashPolicy.PARK)


class Sink:
    """The outside world: a file to which each effect appends one line in one write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def put(self, **line: Any) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, (json.dumps({**line, "at": time.monotonic(), "pid": os.getpid()}) + "\n").encode())
        os.close(descriptor)

    def lines(self, **fields: Any) -> list[dict[str, Any]]:
        read = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [line for line in read if fields.items() <= line.items()]

    def gate(self, number: int, attempt: int) -> Path:
        return self.path.with_name(f"gate-{number}-{attempt}")

    def open_gate(self, number: int, attempt: int) -> None:
        self.gate(number, attempt).touch()


def linger(job: JobContext, seconds: float) -> None:
    """Wait that long, or stop when asked to."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if job.cancelled():
            raise Cancelled
        time.sleep(0.02)


def begin(sink: Sink, job: JobContext, work: Work) -> None:
    """Record the start of an attempt; then continue, hang or fail as the payload says."""
    if work.holds:
        sink.put(began=work.number, attempt=job.attempt)
        linger(job, LONG_SECONDS if job.attempt <= work.holds else SLOW_SECONDS)
    if work.gated:
        sink.put(began=work.number, attempt=job.attempt)
        wait_for(sink.gate(work.number, job.attempt).exists, "the gate")
    if job.attempt <= work.fails:
        raise Transient("told to fail")


@dataclass
class Writer:
    """Writes one row, and enqueues its children."""

    sink: Sink
    payload: type[Work]

    def run(self, job: JobContext, session: Session, payload: Work) -> Outcome:
        session.execute(WRITE, {"job": job.id, "number": payload.number})
        begin(self.sink, job, payload)
        for child in range(payload.children):
            job.jobs.enqueue(session, "fault.batch", {"number": payload.number * 100 + child})
        return Done()


@dataclass
class Sender:
    """Appends one line under the key of its job, then writes one row."""

    sink: Sink
    payload: type[Work]

    def claim(self, job: JobContext, session: Session, payload: Work) -> Work:
        return payload

    def act(self, job: JobContext, plan: Work) -> str:
        begin(self.sink, job, plan)
        self.sink.put(effect=plan.number, key=str(job.id), run=job.attempt, thread=threading.get_ident())
        return str(job.id)

    def record(self, job: JobContext, session: Session, payload: Work, plan: Work, result: str) -> Outcome:
        session.execute(WRITE, {"job": job.id, "number": payload.number})
        return Done()


@dataclass
class VerifyingSender(Sender):
    """Checks the sink before sending again."""

    def verify(self, job: JobContext, plan: Work) -> str | None:
        return str(job.id) if self.sink.lines(effect=plan.number, key=str(job.id)) else None


PAYLOADS: Sequence[type[Work]] = (Single, Batch, Rerun, Verify, Park)


def handlers(sink: Sink) -> list[Handler]:
    return [
        Writer(sink, Single),
        Writer(sink, Batch),
        Sender(sink, Rerun),
        VerifyingSender(sink, Verify),
        Sender(sink, Park),
    ]
