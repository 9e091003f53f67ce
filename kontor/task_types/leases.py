"""Leases of jobs: what pull workers, and handlers that answered 202, ask for."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from random import random
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.engine import outside
from kontor.engine.catalogue import Catalogue
from kontor.engine.enqueue import Jobs
from kontor.engine.handlers import Registry
from kontor.engine.outside import Attempt, LeaseRow, lease_lost
from kontor.engine.pulling import LeasedJob, Leasing, Puller
from kontor.engine.runtime import WorkerRuntime
from kontor.http.context import RequestContext
from kontor.http.scopes import covers_task
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import FieldError, Forbidden, Invalid, NotFound
from kontor.webhooks.job_events import emit_job_dead
from models.keys import Scope

RESULT_LIMIT: Final = 64 * 1024
"""The most bytes of a result as JSON."""


def pulled_tasks(catalogue: Catalogue, patterns: Sequence[str], scopes: Sequence[str]) -> list[str]:
    """Return the pull types that patterns name and scopes allow. Raises Forbidden when they allow none of them."""
    tasks = [name for name, payload in catalogue.declared.items() if payload.policy.pull]
    named = sorted(task for task in tasks if any(fnmatchcase(task, pattern) for pattern in patterns))
    allowed = [task for task in named if covers_task(scopes, Scope.WORK, task)]
    if named and not allowed:
        raise Forbidden(message=f"This key may not work on {named[0]}.", scope=f"{Scope.WORK}:{named[0]}")
    return allowed


def runtime_of(ctx: RequestContext) -> WorkerRuntime:
    """Return what records an attempt, in the process that answers calls. Its clock goes on while a call waits."""
    jobs: Jobs = replace(ctx.deps.jobs, trace_id=ctx.incoming.trace_id)
    registry = Registry((), ctx.deps.jobs.catalogue)
    deps = ctx.deps
    return WorkerRuntime(
        deps.engine, registry, jobs, jobs.clock, random, "pull", on_dead=emit_job_dead, stats=deps.job_stats
    )


def lease(ctx: RequestContext, session: Session, puller: Puller, tasks: Sequence[str], most: int) -> list[LeasedJob]:
    """Lease jobs to a pull worker."""
    connection = psycopg_connection(session)
    return Leasing(runtime_of(ctx), session, connection, ctx.deps.secret_box).lease(puller, tasks, most)


@dataclass(frozen=True, slots=True)
class LeaseCall:
    """A call with a lease: `verb` is what it asks for."""

    ctx: RequestContext
    lease: LeaseRow

    @classmethod
    def of(cls, ctx: RequestContext, lease_id: UUID) -> "LeaseCall":
        """Find the lease of a call. Raises NotFound for one of another key."""
        row = outside.find(ctx.connection, lease_id)
        if row is None or not _is_of(ctx, row):
            raise NotFound(message="There is no such lease.")
        return cls(ctx, row)

    def attempt(self) -> Attempt:
        """Lock the job. Raises Conflict(`lease_lost`)."""
        if self.lease.answer is not None:
            raise lease_lost()
        session = self.ctx.session
        return Attempt.of(runtime_of(self.ctx), session, psycopg_connection(session), self.lease)

    def once(self, verb: str, work: Callable[[Attempt], None]) -> JsonValue:
        """End the attempt; the same call again gets the first one's answer. Raises Conflict(`lease_lost`)."""
        answer = self.lease.answer
        if isinstance(answer, dict) and answer.get("ended") == verb:
            return answer
        attempt = self.attempt()
        work(attempt)
        ended: JsonValue = {"job": str(self.lease.job_id), "ended": verb}
        attempt.close(ended)
        return ended


def _is_of(ctx: RequestContext, row: LeaseRow) -> bool:
    """Whether a lease is the caller's: of its key, or of the attempt whose token it has."""
    if ctx.caller.key_id == row.lease:
        return True
    return row.key_id is not None and ctx.caller.key_id == row.key_id


def require_result(result: JsonValue) -> JsonValue:
    """Return a result of at most 64 KiB. Raises Invalid(`result_too_large`)."""
    if len(json.dumps(result, ensure_ascii=False).encode()) > RESULT_LIMIT:
        message = "A result has at most 64 KiB. Store the data elsewhere and pass its address."
        raise Invalid("result_too_large", message, errors=[FieldError("result", message)])
    return result


def pause_of(seconds: float | None) -> timedelta | None:
    """Return a pause in seconds."""
    return None if seconds is None else timedelta(seconds=seconds)


def require_future(until: datetime, now: datetime) -> datetime:
    """Return the instant that a job is snoozed to; one that has passed is now."""
    return max(until, now)
