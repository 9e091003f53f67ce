"""Queries of worker processes and running jobs."""

from typing import Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from models.control import WorkerProcess
from models.jobs import Job

ALIVE: Final = text("interval '15 seconds'")
SHOWN: Final = 500


def listed(session: Session) -> list[tuple[WorkerProcess, bool, float]]:
    """Return (process, is alive, seconds since its heartbeat), by host and pid."""
    silent = func.clock_timestamp() - WorkerProcess.heartbeat_at
    seconds = func.extract("epoch", silent)
    query = select(WorkerProcess, silent < ALIVE, seconds).order_by(WorkerProcess.host, WorkerProcess.pid)
    return [(row[0], bool(row[1]), max(0.0, float(row[2]))) for row in session.execute(query)]


def running(session: Session) -> list[Job]:
    """Return the running jobs, longest-running first."""
    query = select(Job).where(Job.state == "running").order_by(Job.started_at).limit(SHOWN)
    return list(session.scalars(query))
