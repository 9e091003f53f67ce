"""Declared task types as the engine sees them: what a type says, and what a job of one has beyond its row.

Sensitive args stand in the job's row as a mask; their values lie sealed in `declared_jobs`, and are opened only for
the handler's call or the lease of a pull worker.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol, Self
from uuid import UUID

from psycopg import Cursor
from pydantic import ConfigDict, JsonValue, PrivateAttr

from kontor.engine.catalogue import Payload, Policy, unfit
from kontor.engine.lanes import SHARED
from kontor.engine.masking import MASK, masked
from kontor.kernel.database import PgConnection
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.ports import SecretBox

Place = tuple[str | int, ...]
"""A path into the args: names of members and numbers of items."""

STORE: Final = """
INSERT INTO declared_jobs (job_id, account_id, reseller_id, external_id, places, sealed) VALUES (%s, %s, %s, %s, %s, %s)
"""
COPY: Final = """
INSERT INTO declared_jobs (job_id, account_id, reseller_id, external_id, places, sealed)
SELECT %s, account_id, reseller_id, external_id, places, sealed FROM declared_jobs WHERE job_id = %s
"""
READ: Final = "SELECT account_id, reseller_id, external_id, places, sealed FROM declared_jobs WHERE job_id = %s"
ERASE: Final = "UPDATE declared_jobs SET sealed = NULL WHERE job_id = ANY(%s::uuid[]) AND sealed IS NOT NULL"


class ArgsCheck(Protocol):
    """The schema of a type's args."""

    def errors(self, args: Mapping[str, object]) -> Sequence[FieldError]:
        """Return what does not fit, each with its place."""

    def sensitive(self, args: Mapping[str, object]) -> Sequence[Place]:
        """Return the places of valid args that are sealed."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A job that success enqueues."""

    task: str
    args: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeclaredTask:
    """What a type says beyond its policy. `url`: of its handler, None for pull workers; `lane`: see `lane_of`."""

    version: int
    schema: Mapping[str, JsonValue]
    check: ArgsCheck
    url: str | None
    lane: str
    compensate: str | None = None
    then: FollowUp | None = None


@dataclass(frozen=True, slots=True)
class JobSubject:
    """Whom a job is for: an account, the reseller it belongs to, and what another system calls it."""

    account_id: UUID | None = None
    reseller_id: UUID | None = None
    external_id: str | None = None


NOBODY: Final = JobSubject()


@dataclass(frozen=True, slots=True)
class DeclaredFacts:
    """What a job has beyond its row. `erased`: its sensitive args are gone."""

    subject: JobSubject
    secrets: Sequence[tuple[Place, JsonValue]] = field(default=(), repr=False)
    erased: bool = False


class DeclaredPayload(Payload):
    """The args of a declared type: any members that its schema allows, the sensitive ones masked."""

    model_config = ConfigDict(frozen=True, extra="allow")

    task: ClassVar[DeclaredTask]
    _secrets: Sequence[tuple[Place, JsonValue]] = PrivateAttr(default=())

    @classmethod
    def args_schema(cls) -> dict[str, JsonValue]:
        """Return the schema that the type declares."""
        return dict(cls.task.schema)

    @classmethod
    def kept_result(cls, result: JsonValue) -> JsonValue:
        """Return what is kept of a handler's answer: members that are sensitive as args are masked."""
        return masked(cls.task.schema, result)

    @classmethod
    def from_args(cls, args: Mapping[str, object]) -> Self:
        """Validate untrusted args by the type's schema and take the sensitive ones out. Raises Invalid."""
        errors = cls.task.check.errors(args)
        if errors:
            raise unfit(cls.policy.name, errors)
        masked, secrets = args, []
        for place in cls.task.check.sensitive(args):
            secrets.append((place, value_at(args, place)))
            masked = replaced(masked, place, MASK)
        return cls.model_validate(masked).with_secrets(secrets)

    def with_secrets(self, secrets: Sequence[tuple[Place, JsonValue]]) -> Self:
        """Keep the values that were taken out, until the job is stored."""
        self._secrets = secrets
        return self

    @property
    def secrets(self) -> Sequence[tuple[Place, JsonValue]]:
        """The sensitive values that were taken out."""
        return self._secrets

    @property
    def args(self) -> Mapping[str, JsonValue]:
        """The args, masked."""
        return self.__pydantic_extra__ or {}


def payload_class(policy: Policy, task: DeclaredTask) -> type[DeclaredPayload]:
    """Build the payload class of a type."""
    members = {"policy": policy, "task": task, "__module__": __name__, "__doc__": f"The args of {policy.name}."}
    return type(policy.name.title().replace(".", ""), (DeclaredPayload,), members)


def lane_of(payload: DeclaredPayload, subject: JobSubject) -> str | None:
    """Return the lane of a job: by account, reseller, handler or an arg; `none`: its handler's breaker alone.

    Raises Invalid if the type requires an account, or the arg is missing.
    """
    kind, handler = payload.task.lane, payload.task.url
    match kind:
        case "account" | "reseller" if subject.account_id is None:
            message = f"{payload.policy.name} runs one job at a time for each {kind}: name the account_id."
            raise Invalid("invalid", message, errors=[FieldError("account_id", message)])
        case "account":
            return f"account:{subject.account_id}"
        case "reseller":
            return f"reseller:{subject.reseller_id or subject.account_id}"
        case "handler":
            return f"handler:{handler or payload.policy.name}"
        case "none":
            return None if handler is None else SHARED + handler
    name = kind.removeprefix("args.")
    value = payload.args.get(name)
    if not isinstance(value, str | int | float) or value == "":
        raise unfit(payload.policy.name, [FieldError(f"args.{name}", "A text or number is required: it is the lane.")])
    return f"{kind}:{value}"[:LANE_LIMIT]


LANE_LIMIT: Final = 500


def store(
    cursor: Cursor[tuple[UUID]], job_id: UUID, subject: JobSubject, payload: DeclaredPayload, box: SecretBox | None
) -> None:
    """Store what a new job has beyond its row."""
    sealed = None
    if payload.secrets:
        if box is None:
            raise RuntimeError("this process enqueues jobs without a secret box")
        sealed = box.seal(json.dumps([[list(place), value] for place, value in payload.secrets]))
    values = (job_id, subject.account_id, subject.reseller_id, subject.external_id, len(payload.secrets), sealed)
    cursor.execute(STORE, values)


def copy(connection: PgConnection, job_id: UUID, source: UUID) -> None:
    """Store for a new job what another one has beyond its row, its sensitive args as they are sealed."""
    connection.execute(COPY, (job_id, source))


def read(connection: PgConnection, job_id: UUID, box: SecretBox) -> DeclaredFacts:
    """Return what a job has beyond its row, its sensitive args opened."""
    row = connection.execute(READ, (job_id,)).fetchone()
    if row is None:
        return DeclaredFacts(NOBODY)
    account_id, reseller_id, external_id, places, sealed = row
    secrets = [] if sealed is None else [(tuple(place), value) for place, value in json.loads(box.open(sealed))]
    return DeclaredFacts(JobSubject(account_id, reseller_id, external_id), secrets, erased=bool(places) and not secrets)


def subject_of(connection: PgConnection, job_id: UUID) -> JobSubject:
    """Return whom a job is for."""
    row = connection.execute(READ, (job_id,)).fetchone()
    return NOBODY if row is None else JobSubject(*row[:3])


def opened(
    args: Mapping[str, JsonValue], facts: DeclaredFacts, *, masked_only: bool = False
) -> Mapping[str, JsonValue]:
    """Return the args with their sensitive values in place; `masked_only`: where the mask stands still."""
    whole: Mapping[str, object] = args
    for place, value in facts.secrets:
        if not masked_only or _stands_at(whole, place):
            whole = replaced(whole, place, value)
    return whole  # type: ignore[return-value]  # JSON values replaced by JSON values


def erase(connection: PgConnection, *job_ids: UUID) -> None:
    """Erase the sensitive args of jobs that have finished."""
    connection.execute(ERASE, (list(job_ids),))


def _stands_at(args: object, place: Place) -> bool:
    """Whether the mask stands at a place."""
    try:
        return value_at(args, place) == MASK
    except (KeyError, IndexError, TypeError):
        return False


def value_at(value: object, place: Place) -> JsonValue:
    """Return the value at a place."""
    for step in place:
        value = value[step]  # type: ignore[index]  # the schema's check named a place that is there
    return value  # type: ignore[return-value]  # a part of JSON


def replaced(value: object, place: Place, new: object) -> Mapping[str, object]:
    """Return a copy of nested mappings and lists with the value at a place replaced."""
    copy = _with(value, place, new)
    assert isinstance(copy, Mapping)
    return copy


def _with(value: object, place: Place, new: object) -> object:
    if not place:
        return new
    step, rest = place[0], place[1:]
    if isinstance(value, Mapping):
        return {name: _with(inner, rest, new) if name == step else inner for name, inner in value.items()}
    if isinstance(value, Sequence):
        return [_with(inner, rest, new) if number == step else inner for number, inner in enumerate(value)]
    return value
