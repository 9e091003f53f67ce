"""Actions on everything that matches: counted first, then done in chunks by a job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.jobs import JobState
from engine.control import Actor, Control
from engine.driver import driver
from models.console import BulkAction
from store import jobs_read
from store.jobs_read import JobQuery
from store.patience import within

TASK: Final = "jobs.bulk"
CHUNK: Final = 500
COUNT_MS: Final = 5_000


STATES: Final[Mapping[BulkAction, frozenset[str]]] = {
    BulkAction.RETRY: frozenset({JobState.DEAD, JobState.RETRYING, JobState.CANCELLED}),
    BulkAction.CANCEL: frozenset(
        {JobState.SCHEDULED, JobState.QUEUED, JobState.RUNNING, JobState.RETRYING, JobState.DEAD}
    ),
}


@dataclass(frozen=True, slots=True)
class Counted:
    """How many jobs of a task and tenant would be touched."""

    task: str
    tenant: str
    count: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """What became of one chunk; `last` is where the next one goes on, None when there is none."""

    done: int
    refused: int
    last: UUID | None


def possible(action: BulkAction, query: JobQuery) -> JobQuery:
    """The query, kept to the states in which the action makes sense."""
    states = STATES[action]
    return replace(query, states=states & query.states if query.states else states)


def counted(session: Session, action: BulkAction, query: JobQuery, limit_ms: int = COUNT_MS) -> list[Counted] | None:
    """What would be touched, the most first; None when counting takes over five seconds (or `limit_ms`)."""
    wanted = possible(action, query)
    if not wanted.states:
        return []
    rows = within(session, limit_ms, lambda: jobs_read.counted(driver(session), wanted))
    if rows is None:
        return None
    return [Counted(task, tenant, count) for task, tenant, count in rows]


def act(session: Session, control: Control, action: BulkAction, query: JobQuery, actor: Actor) -> Chunk:
    """Do one chunk, newest first; a job that changed meanwhile is refused and left alone."""
    wanted = possible(action, query)
    rows = jobs_read.newest(driver(session), wanted, CHUNK) if wanted.states else []
    done = sum(_one(session, control, action, row.id, actor) for row in rows)
    return Chunk(done, len(rows) - done, rows[-1].id if len(rows) == CHUNK else None)


def _one(session: Session, control: Control, action: BulkAction, job_id: UUID, actor: Actor) -> bool:
    try:
        if action is BulkAction.RETRY:
            control.retry(session, job_id, actor)
        else:
            control.cancel(session, job_id, actor)
    except (Conflict, NotFound):
        return False
    return True


def plain(query: JobQuery) -> dict[str, Any]:
    """A query as JSON, for the job that carries it."""
    return {
        "states": sorted(query.states),
        "task": query.task,
        "queue": query.queue,
        "tenants": None if query.tenants is None else list(query.tenants),
        "created_after": _written(query.created_after),
        "created_before": _written(query.created_before),
        "args": [list(pair) for pair in query.args],
        "floor": None if query.floor is None else str(query.floor),
        "fingerprint": query.fingerprint,
        "error": query.error,
    }


def query_of(
    *,
    states: Sequence[str],
    task: str | None,
    queue: str | None,
    tenants: Sequence[str] | None,
    created_after: datetime | str | None,
    created_before: datetime | str | None,
    args: Sequence[Sequence[str]],
    floor: UUID | str | None,
    before: UUID | None,
    fingerprint: str | None = None,
    error: str | None = None,
) -> JobQuery:
    """The query that `plain` wrote, going on before an id."""
    return JobQuery(
        states=frozenset(states),
        task=task,
        queue=queue,
        tenants=None if tenants is None else tuple(tenants),
        created_after=_instant(created_after),
        created_before=_instant(created_before),
        args=tuple((pair[0], pair[1]) for pair in args),
        floor=UUID(floor) if isinstance(floor, str) else floor,
        before=before,
        fingerprint=fingerprint,
        error=error,
    )


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(given: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(given) if isinstance(given, str) else given
