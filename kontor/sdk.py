"""The surface for task packages of others: what a payload and its handler are made of. They import this module alone.

docs/how-to/add-a-task-package.md.
"""

from sqlalchemy.orm import Session

from kontor.engine.catalogue import Count, Day, Instant, Payload, Policy
from kontor.engine.handlers import (
    Cancel,
    Cancelled,
    Done,
    External,
    Handler,
    JobContext,
    Outcome,
    Permanent,
    Released,
    RemoteUnavailable,
    Snooze,
    Transactional,
    Transient,
    Undecided,
    Verifying,
)
from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import CrashPolicy, TaskKind

__all__ = [
    "Cancel",
    "Cancelled",
    "Count",
    "CrashPolicy",
    "Day",
    "Done",
    "External",
    "Handler",
    "Instant",
    "JobContext",
    "Outcome",
    "Payload",
    "Permanent",
    "Policy",
    "Released",
    "RemoteUnavailable",
    "RetryPolicy",
    "Session",
    "Snooze",
    "TaskKind",
    "Transactional",
    "Transient",
    "Undecided",
    "Verifying",
]
