"""`dns.add`: add a record to a zone file, once, whatever is killed."""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from kontor.sdk import (
    CrashPolicy,
    Done,
    JobContext,
    Outcome,
    Payload,
    Permanent,
    Policy,
    RetryPolicy,
    Session,
    TaskKind,
)

ZONES = "DNS_ZONES"
"""The variable with the folder of the zone files."""


class DnsAdd(Payload):
    """Add an address record to a zone."""

    policy: ClassVar[Policy] = Policy(
        name="dns.add",
        queue="dns",
        kind=TaskKind.EXTERNAL,
        retry=RetryPolicy(max_attempts=8, base=timedelta(seconds=5)),
        crash=CrashPolicy.VERIFY,
        declared=True,
    )

    zone: str
    name: str
    address: str


@dataclass(frozen=True)
class Record:
    """A line of a zone file."""

    file: Path
    line: str


class DnsAddHandler:
    """Adds the record with one write; asked again after a crash, it looks whether the record is there."""

    payload = DnsAdd

    def claim(self, job: JobContext, session: Session, payload: DnsAdd) -> Record:
        """Say which line goes into which file."""
        if not payload.zone.replace(".", "").replace("-", "").isalnum():
            raise Permanent(f"{payload.zone} is not the name of a zone")
        return Record(Path(os.environ[ZONES]) / f"{payload.zone}.zone", f"{payload.name} IN A {payload.address}")

    def verify(self, job: JobContext, plan: Record) -> str | None:
        """Return the line if an earlier attempt wrote it."""
        return plan.line if plan.file.exists() and plan.line in plan.file.read_text().splitlines() else None

    def act(self, job: JobContext, plan: Record) -> str:
        """Write the line."""
        with plan.file.open("a") as zone:
            zone.write(plan.line + "\n")
        return plan.line

    def record(self, job: JobContext, session: Session, payload: DnsAdd, plan: Record, result: str) -> Outcome:
        """Succeed with the line as the result."""
        return Done(result)
