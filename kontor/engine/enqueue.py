"""Enqueues jobs inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, TypedDict, Unpack
from uuid import UUID

from psycopg import Cursor
from sqlalchemy import event
from sqlalchemy.orm import Session

from kontor.engine import declared, keyed_rows
from kontor.engine.catalogue import Catalogue, Payload, validate
from kontor.engine.declared import NOBODY, DeclaredPayload, JobSubject
from kontor.engine.keyed_rows import Row, insert_statement
from kontor.kernel.database import PgConnection, psycopg_connection
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ids import new_id
from kontor.kernel.ports import Clock, RelayHint, SecretBox

NO_ARGS: Mapping[str, object] = MappingProxyType({})
PENDING_RING = "kontor.ring"
COLUMNS = (
    "id, task, queue, tenant, lane, priority, state, payload, payload_version, unique_key, once_key,"
    " run_at, max_attempts, parent_id, trace_id, created_at"
)
ALWAYS = ("id", "payload", "run_at", "created_at")
OPTIONAL = ("tenant", "lane", "priority", "payload_version", "unique_key", "once_key", "parent_id", "trace_id")
DEFAULTS = ("", None, 0, 1, None, None, None, None)
ASIDE = ("held", "unsupported")
"""True for a job of a pull type: it is set aside for pull workers, as the relay would do."""
ARGS_LIMIT = 1024 * 1024
"""The most bytes of a job's args as JSON; checked before UTF-8 is counted, in which a character has at most 4."""
MAX_UTF8 = 4
Shared = tuple[str, str, int, str, int, datetime, int, UUID | None, str | None, datetime]
"""Columns that jobs of a bulk insert may share: task, queue, priority, state, payload_version, run_at, max_attempts,
parent_id, trace_id, created_at."""
BULK = f"""
INSERT INTO jobs ({COLUMNS})
SELECT id, %s, %s, tenant, NULL, %s, %s, payload::jsonb, %s, NULL, NULL, %s, %s, %s, %s, %s
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS rows (id, tenant, payload)
"""  # noqa: S608 -- constants


class CheckedPayload(NamedTuple):
    """A valid payload and its JSON."""

    model: Payload
    body: str


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
    subject: JobSubject


@dataclass(frozen=True, slots=True)
class JobRequest:
    """One job to enqueue. `run_at` is aware, None for now; `priority` 0-9, 9 first.

    `subject`: whom a job of a declared type is for; its type decides the lane.
    """

    task: str
    args: Mapping[str, object]
    tenant: str = ""
    lane: str | None = None
    queue: str | None = None
    priority: int = 0
    run_at: datetime | None = None
    unique_key: str | None = None
    effect_key: str | None = None
    subject: JobSubject = NOBODY

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
    """Enqueues jobs. Holds no connection: every call works in the caller's session.

    `secret_box` seals the sensitive args of declared types.
    """

    catalogue: Catalogue
    clock: Clock
    doorbell: RelayHint
    parent_id: UUID | None = None
    trace_id: str | None = None
    secret_box: SecretBox | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.parent_id is None:
            listen_for_commits()

    def child_of(self, job_id: UUID, trace_id: str | None) -> "Jobs":
        """Return a copy whose jobs are children of `job_id`."""
        return Jobs(self.catalogue, self.clock, self.doorbell, job_id, trace_id, self.secret_box)

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
        payload = self.check(request)
        request = self._in_lane(request, payload)
        row = self._row(request, payload, new_id(), self.clock.now())
        cursor: Cursor[tuple[UUID]] = connection.cursor()
        existing_id = keyed_rows.claim_once(cursor, row)
        if existing_id is None:
            existing_id = keyed_rows.insert(cursor, row)
        if existing_id == row.id and isinstance(payload.model, DeclaredPayload):
            self._store(cursor, row.id, request, payload.model)
        return EnqueueResult(existing_id, existing_id == row.id)

    def enqueue_copy(
        self, connection: PgConnection, request: JobRequest, payload: DeclaredPayload, source: UUID
    ) -> UUID:
        """Enqueue a job with the args of another declared one: unchecked, the sealed ones copied as they are."""
        job_id, body = new_id(), payload.model_dump_json()
        row = self._row(request, CheckedPayload(payload, body), job_id, self.clock.now())
        keyed_rows.insert(connection.cursor(), row)
        declared.copy(connection, job_id, source)
        if payload.policy.pull:
            self.doorbell.offer(request.task, request.tenant)
        return job_id

    def _store(self, cursor: Cursor[tuple[UUID]], job_id: UUID, request: JobRequest, model: DeclaredPayload) -> None:
        """Store what a declared job has beyond its row, and note it for pull workers that wait."""
        declared.store(cursor, job_id, request.subject, model, self.secret_box)
        if model.policy.pull:
            self.doorbell.offer(request.task, request.tenant)

    def _in_lane(self, request: JobRequest, payload: CheckedPayload) -> JobRequest:
        """Return the request of a declared type in the lane that its type says; others as they are. Raises Invalid."""
        if not isinstance(payload.model, DeclaredPayload):
            return request
        return replace(request, lane=declared.lane_of(payload.model, request.subject))

    def enqueue_many(self, session: Session, requests: Sequence[JobRequest]) -> list[UUID]:
        """Insert many jobs, all or none; return their ids in the same order. Raises Invalid.

        Keys are taken in one order, so that two calls with the same keys wait for each other without a deadlock.
        """
        now = self.clock.now()
        ids = [new_id() for _ in requests]
        keyed: dict[int, Row] = {}
        models: dict[UUID, DeclaredPayload] = {}
        groups: dict[Shared, tuple[list[UUID], list[str], list[str]]] = {}
        for number, (row_id, request) in enumerate(zip(ids, requests, strict=True)):
            payload = self.check(request)
            if isinstance(payload.model, DeclaredPayload):
                keyed[number] = self._row(self._in_lane(request, payload), payload, row_id, now)
                models[row_id] = payload.model
                continue
            if request.has_key_or_lane:
                keyed[number] = self._row(request, payload, row_id, now)
                continue
            row_ids, tenants, payloads = groups.setdefault(self._shared(request, payload.model, now), ([], [], []))
            row_ids.append(row_id)
            tenants.append(request.tenant)
            payloads.append(payload.body)
        cursor = psycopg_connection(session).cursor()
        for shared, members in groups.items():
            cursor.execute(BULK, (*shared, *members))
        for number, job_id in keyed_rows.insert_in_key_order(cursor, keyed).items():
            if job_id == ids[number]:
                if job_id in models:
                    self._store(cursor, job_id, requests[number], models[job_id])
                self.record_created(job_id, requests[number])
            ids[number] = job_id
        ring_after_commit(session, self.doorbell)
        return ids

    def record_created(self, job_id: UUID, request: JobRequest) -> None:
        """Do nothing; a traced subclass records that a keyed job of a batch is new."""

    def check(self, request: JobRequest) -> CheckedPayload:
        """Return the payload of a request. Raises Invalid."""
        payload = self._payload(request)
        body = payload.model_dump_json(exclude_unset=True)
        if len(body) * MAX_UTF8 > ARGS_LIMIT and len(body.encode()) > ARGS_LIMIT:
            message = "The args exceed 1 MiB. Store the data elsewhere and pass its id or address."
            raise Invalid("args_too_large", message, errors=[FieldError("args", message)])
        return CheckedPayload(payload, body)

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

    def _row(self, request: JobRequest, payload: CheckedPayload, row_id: UUID, now: datetime) -> Row:
        """Return the INSERT and its values; columns with default values are omitted, which saves a third."""
        task, queue, priority, state, version, run_at, attempts, parent, trace, now = self._shared(
            request, payload.model, now
        )
        always, fixed = (row_id, payload.body, run_at, now), (task, queue, state, attempts)
        rest = (request.tenant, request.lane, priority, version, request.unique_key, request.effect_key, parent, trace)
        aside = ASIDE if payload.model.policy.pull and state == "queued" else ()
        if rest == DEFAULTS and not aside:
            return Row(row_id, insert_statement(ALWAYS, fixed), always, "", task, None, None)
        overrides = [
            (name, value) for name, value, default in zip(OPTIONAL, rest, DEFAULTS, strict=True) if value != default
        ]
        columns = (*ALWAYS, *(name for name, _ in overrides), *aside)
        values = (*always, *(value for _, value in overrides), *(True for _ in aside))
        statement = insert_statement(columns, fixed)
        return Row(row_id, statement, values, request.tenant, task, request.unique_key, request.effect_key)


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
