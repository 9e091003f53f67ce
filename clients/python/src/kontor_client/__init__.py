"""Client of Kontor's HTTP API: typed calls, pull workers, verification of webhooks."""

from kontor_client.async_worker import AsyncWorker
from kontor_client.client import Kontor
from kontor_client.errors import FieldProblem, KontorError, LeaseLost, Problem, Unreachable
from kontor_client.jobs import Job, Permanent, Release, RetryIn, Snooze
from kontor_client.retrying import Retry
from kontor_client.webhooks import Message, NotVerified, Seen, Webhooks
from kontor_client.worker import Worker

__all__ = [
    "AsyncWorker",
    "FieldProblem",
    "Job",
    "Kontor",
    "KontorError",
    "LeaseLost",
    "Message",
    "NotVerified",
    "Permanent",
    "Problem",
    "Release",
    "Retry",
    "RetryIn",
    "Seen",
    "Snooze",
    "Unreachable",
    "Webhooks",
    "Worker",
]
