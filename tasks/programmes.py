"""Tasks of applied programme files: a version begins, resellers are told its prices."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy.orm import Session

from kontor.context import Context
from kontor.engine.handlers import Cancel, Done, Handler, JobContext, Outcome
from kontor.engine.schedules import declare
from kontor.programme import announcements, rollout
from kontor.programme.payloads import ProgrammesAnnounce, ProgrammesBegin
from kontor.programme.service import Programmes
from tasks.deps import HandlerDeps
from tasks.schedules import all_schedules


class ProgrammesBeginHandler:
    """Does nothing for a version that another one replaced before it began."""

    payload: ClassVar[type[ProgrammesBegin]] = ProgrammesBegin

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ProgrammesBegin) -> Outcome:
        """Put the version in force, check changed limits, declare the schedules."""
        if not rollout.begin(Context(job.jobs, self._programmes), session, payload):
            return Cancel("another version took its place before it began")
        declare(session, all_schedules(session), job.now)
        return Done()


class ProgrammesAnnounceHandler:
    """Tells one chunk of resellers; the next job continues."""

    payload: ClassVar[type[ProgrammesAnnounce]] = ProgrammesAnnounce

    def __init__(self, programmes: Programmes) -> None:
        self._programmes = programmes

    def run(self, job: JobContext, session: Session, payload: ProgrammesAnnounce) -> Outcome:
        """Mail a chunk of resellers."""
        return Done({"mails": announcements.announce(Context(job.jobs, self._programmes), session, payload)})


def handlers(deps: HandlerDeps) -> list[Handler]:
    """Return the handlers of programme files."""
    return [ProgrammesBeginHandler(deps.programmes), ProgrammesAnnounceHandler(deps.programmes)]
