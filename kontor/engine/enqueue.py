"""Enqueues jobs inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TypedDict, Unpack
from uuid import UUID

from psycopg import Cursor
from psycopg.sql import quote
from sqlalchemy import event
from sqlalchemy.orm import Session

from kontor.engine.catalogue import Catalogue, Payload, validate
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ids import new_id
from kontor.kernel.ports import Clock, RelayHint

NO_ARGS: Mapping[str, object] = MappingProxyType({})
PENDING_RING = "kontor.ring"
COLUMNS = (
    "id, task, queue, tenant, lane, priority, state, payload, payload_version, unique_key, once_key,"
    " run_at, max_attempts, parent_id, trace_id, created_at"
)
ALWAYS = ("id", "payload", "run_at", "created_at")
FIXED = ("task", "queue", "state", "max_attempts")
OPTIONAL = ("tenant", "lane", "priority", "payload_version", "unique_key", "once_key", "parent_id", "trace_id")
DEFAULTS = ("", None, 0, 1, None, None, None, None)
Row = tuple[str, tuple[object, ...]]
"""An INSERT statement and its values."""
Shared = tuple[str, str, int, str, int, datetime, int, UUID | None, str | None, datetime]
"""Columns that jobs of a bulk insert may share: task, queue, priority, state, payload_version, run_at, max_attempts,
parent_id, trace_id, created_at."""
MOVE_ONCE = "UPDATE once_keys SET job_id = %s WHERE key = %s"
CLAIM_ONCE = "INSERT INTO once_keys (key, job_id) VALUES (%s, %s) ON CONFLICT DO NOTHING"
FIND_ONCE = "SELECT job_id FROM once_keys WHERE key = %s"
FIND_UNIQUE = "SELECT id FROM jobs WHERE tenant = %s AND task = %s AND unique_key = %s AND state <> 'dead'"
BULK = f"""
INSERT INTO jobs ({COLUMNS})
SELECT id, %s, %s, tenant, NULL, %s, %s, payload::jsonb, %s, NULL, NULL, %s, %s, %s, %s, %s
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS rows (id, tenant, payload)
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class EnqueueResult:
    """The job of a request; `created` is False when one of its keys matched an earlier job."""

    id: UUID
    created: bool


class JobOptions(TypedDict, total=False):
    """The fields of a JobRequest besides task and args."""

    tenant: str
    lane: str | None
    queue: str | None
    priority: int
    run_at: datetime | None
    unique_key: str | None
    effect_key: str | None


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One job to enqueue. `run_at` is aware, None for now; `priority` 0-9, 9 first."""

    task: str
    args: Mapping[str, object]
    tenant: str = ""
    lane: str | None = None
    queue: str | None = None
    priority: int = 0
    run_at: datetime | None = None
    unique_key: str | None = None
    effect_key: str | None = None

    @classmethod
    def of(cls, payload: Payload, **options: Unpack[JobOptions]) -> "JobRequest":
        """Return the request for a payload; `options` are the other fields."""
        return cls(payload.policy.name, payload.model_dump(mode="json", exclude_unset=True), **options)

    @property
    def has_key_or_lane(self) -> bool:
        """Whether it has a key or a lane, so that it cannot be inserted in bulk."""
        return bool(self.unique_key or self.effect_key or self.lane)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Enqueues jobs. Holds no connection: every call works in the caller's session."""

    catalogue: Catalogue
    clock: Clock
    doorbell: RelayHint
    parent_id: UUID | None = None
    trace_id: str | None = None

    def __post_init__(self) -> None:
        if self.parent_id is None:
            listen_for_commits()

    def child_of(self, job_id: UUID, trace_id: str | None) -> "Jobs":
        """Return a copy whose jobs are children of `job_id`."""
        return Jobs(self.catalogue, self.clock, self.doorbell, job_id, trace_id)

    def enqueue(
        self,
        session: Session,
        task: Payload | str,
        args: Mapping[str, object] | Payload = NO_ARGS,
        **options: Unpack[JobOptions],
    ) -> EnqueueResult:
        """Insert one job, given as its payload or as a name with args. Raises Invalid."""
        if isinstance(task, Payload):
            return self.enqueue_request(session, JobRequest.of(task, **options))
        arguments = args.model_dump(mode="json", exclude_unset=True) if isinstance(args, Payload) else args
        return self.enqueue_request(session, JobRequest(task, arguments, **options))

    def enqueue_request(self, session: Session, request: JobRequest) -> EnqueueResult:
        """Insert one job, or return the existing job with its keys. Raises Invalid."""
        result = self.enqueue_on(psycopg_connection(session), request)
        if result.created:
            ring_after_commit(session, self.doorbell)
        return result

    def enqueue_on(self, connection: PgConnection, request: JobRequest) -> EnqueueResult:
        """Do the same on a psycopg connection; the caller commits, then rings the doorbell. Raises Invalid."""
        now = self.clock.now()
        payload = self._payload(request)
        job_id = new_id()
        row = self._row(request, payload, job_id, now)
        cursor: Cursor[tuple[UUID]] = connection.cursor()
        if request.effect_key is not None:
            cursor.execute(CLAIM_ONCE, (request.effect_key, job_id))
            if cursor.rowcount == 0:
                existing = cursor.execute(FIND_ONCE, (request.effect_key,)).fetchone()
                assert existing is not None, "a claimed key has a job"
                return EnqueueResult(existing[0], False)
        if request.unique_key is None:
            cursor.execute(*row)
        else:
            existing_id = self._insert_unique(cursor, request, row)
            if existing_id is not None:
                if request.effect_key is not None:
                    cursor.execute(MOVE_ONCE, (existing_id, request.effect_key))
                return EnqueueResult(existing_id, False)
        return EnqueueResult(job_id, True)

    def enqueue_many(self, session: Session, requests: Sequence[JobRequest]) -> list[UUID]:
        """Insert many jobs, all or none; return their ids in the same order. Raises Invalid."""
        now = self.clock.now()
        ids: list[UUID] = []
        groups: dict[Shared, tuple[list[UUID], list[str], list[str]]] = {}
        for request in requests:
            if request.has_key_or_lane:
                ids.append(self.enqueue_request(session, request).id)
                continue
            payload = self._payload(request)
            row_id = new_id()
            shared = self._shared(request, payload, now)
            row_ids, tenants, payloads = groups.setdefault(shared, ([], [], []))
            row_ids.append(row_id)
            tenants.append(request.tenant)
            payloads.append(payload.model_dump_json(exclude_unset=True))
            ids.append(row_id)
        cursor = psycopg_connection(session).cursor()
        for shared, members in groups.items():
            cursor.execute(BULK, (*shared, *members))
        ring_after_commit(session, self.doorbell)
        return ids

    def _payload(self, request: JobRequest) -> Payload:
        if not 0 <= request.priority <= 9:
            raise Invalid("invalid", "priority is 0 to 9.", errors=[FieldError("priority", "0 to 9")])
        if request.run_at is not None and request.run_at.tzinfo is None:
            raise Invalid("invalid", "run_at needs an offset.", errors=[FieldError("run_at", "naive")])
        if request.queue is not None and request.queue not in self.catalogue.queues:
            message = f"There is no queue {request.queue!r}; GET /v1/queues lists them."
            raise Invalid("unknown_queue", message, errors=[FieldError("queue", message)])
        return validate(self.catalogue[request.task], request.args)

    def _shared(self, request: JobRequest, payload: Payload, now: datetime) -> Shared:
        policy = payload.policy
        scheduled = request.run_at is not None and request.run_at > now
        return (
            policy.name,
            request.queue or policy.queue,
            request.priority,
            "scheduled" if scheduled else "queued",
            payload.version,
            request.run_at or now,
            policy.retry.max_attempts,
            self.parent_id,
            self.trace_id,
            now,
        )

    def _row(self, request: JobRequest, payload: Payload, row_id: UUID, now: datetime) -> Row:
        """Return the INSERT and its values; columns with default values are omitted, which saves a third."""
        task, queue, priority, state, version, run_at, attempts, parent, trace, now = self._shared(
            request, payload, now
        )
        body = payload.model_dump_json(exclude_unset=True)
        always, fixed = (row_id, body, run_at, now), (task, queue, state, attempts)
        rest = (request.tenant, request.lane, priority, version, request.unique_key, request.effect_key, parent, trace)
        if rest == DEFAULTS:
            return insert_statement(ALWAYS, fixed), always
        overrides = [
            (name, value) for name, value, default in zip(OPTIONAL, rest, DEFAULTS, strict=True) if value != default
        ]
        columns = (*ALWAYS, *(name for name, _ in overrides))
        return insert_statement(columns, fixed), (*always, *(value for _, value in overrides))

    def _insert_unique(self, cursor: Cursor[tuple[UUID]], request: JobRequest, row: Row) -> UUID | None:
        """Insert and return None, or return the id of the unfinished job with the same key."""
        insert, values = row
        statement = f"{insert} ON CONFLICT DO NOTHING"
        while True:
            cursor.execute(statement, values)
            if cursor.rowcount == 1:
                return None
            key = (request.tenant, request.task, request.unique_key)
            existing = cursor.execute(FIND_UNIQUE, key).fetchone()
            if existing is not None:
                return existing[0]


@lru_cache(maxsize=512)
def insert_statement(columns: tuple[str, ...], fixed: tuple[str | int, ...]) -> str:
    """Return the INSERT of a job with these columns.

    Values fixed by the task's policy are literals: half as many parameters are sent, and few statements are prepared.
    """
    names = ", ".join((*columns, *FIXED))
    places = ("%s::jsonb" if name == "payload" else "%s" for name in columns)
    literals = (str(value) if isinstance(value, int) else quote(value).replace("%", "%%") for value in fixed)
    return f"INSERT INTO jobs ({names}) VALUES ({', '.join((*places, *literals))})"  # noqa: S608 -- constants


def ring_after_commit(session: Session, doorbell: RelayHint) -> None:
    """Notify the relay of new jobs after this transaction commits; its slow poll makes up for a lost hint."""
    session.info[PENDING_RING] = doorbell


def ring_if_enqueued(session: Session) -> None:
    """Ring the doorbell if the transaction just committed enqueued jobs."""
    doorbell: RelayHint | None = session.info.get(PENDING_RING)
    if doorbell is not None and not session.in_nested_transaction():
        session.info[PENDING_RING] = None
        doorbell.ring()


def listen_for_commits() -> None:
    """Register the commit listener of all Sessions, once; a listener per Session costs 70 us."""
    if not event.contains(Session, "after_commit", ring_if_enqueued):
        event.listen(Session, "after_commit", ring_if_enqueued)
