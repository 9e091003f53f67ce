"""What a dead job sets off besides its own handler's word."""

from sqlalchemy.orm import Session

from engine.handlers import JobContext


def announce(session: Session, job: JobContext, reason: str, error: str) -> None:
    """Tell whoever listens for `job.dead`."""
