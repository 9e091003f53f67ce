"""The declared types in a process's catalogue: built from their newest versions, read again when those change."""

from collections.abc import Mapping
from typing import Final

import structlog
from psycopg import Connection
from pydantic import ValidationError
from pydantic_core import to_json

from kontor.engine.catalogue import Catalogue, Payload, Policy
from kontor.engine.declared import DeclaredPayload, DeclaredTask, FollowUp, payload_class
from kontor.kernel.errors import Invalid
from kontor.kernel.states import TaskKind
from kontor.task_types import queries
from kontor.task_types.declaration import TaskTypeIn, duration_of
from kontor.task_types.json_schema import SchemaCheck

log = structlog.get_logger(__name__)
Versions = Mapping[str, int]
UNREADABLE: Final = "This release cannot read the type: apply it again."


def built(name: str, version: int, declared: TaskTypeIn) -> type[DeclaredPayload]:
    """Build the payload class of a type. Raises Invalid(`invalid_schema`)."""
    policy = Policy(
        name=name,
        queue=declared.queue or family_of(name),
        kind=TaskKind.EXTERNAL,
        retry=declared.retry_policy,
        crash=declared.crash,
        public=declared.public,
        due_by=duration_of(declared.due_by),
        time_limit=duration_of(declared.time_limit),
        declared=True,
        pull=declared.url is None,
    )
    then = None if declared.then is None else FollowUp(declared.then.task, declared.then.args)
    task = DeclaredTask(
        version, declared.args, SchemaCheck(declared.args), declared.url, declared.lane, declared.compensate, then
    )
    return payload_class(policy, task)


def family_of(name: str) -> str:
    """Return the first part of a task's name."""
    return name.partition(".")[0]


def refresh(connection: Connection[tuple[object, ...]], catalogue: Catalogue) -> None:
    """Bring a catalogue up to the newest versions; does nothing when they are what it has."""
    if queries.versions(connection) != versions_in(catalogue):
        catalogue.declare(_read(connection, catalogue))


def refresh_task(connection: Connection[tuple[object, ...]], catalogue: Catalogue, task: str) -> None:
    """Bring one task up to its newest version; a task of Kontor's own costs nothing."""
    if not catalogue.is_own(task) and queries.version_of(connection, task) != versions_in(catalogue).get(task):
        refresh(connection, catalogue)


def versions_in(catalogue: Catalogue) -> Versions:
    """Return the versions that a catalogue has."""
    return {
        name: payload.task.version
        for name, payload in catalogue.declared.items()
        if issubclass(payload, DeclaredPayload)
    }


def _read(connection: Connection[tuple[object, ...]], catalogue: Catalogue) -> list[type[Payload]]:
    payloads: list[type[Payload]] = []
    for name, version, document in queries.documents(connection):
        current = catalogue.declared.get(name)
        if current is not None and issubclass(current, DeclaredPayload) and current.task.version == version:
            payloads.append(current)
            continue
        try:
            payloads.append(built(name, version, TaskTypeIn.model_validate_json(to_json(document))))
        except (Invalid, ValidationError) as error:
            log.error("task_type.unreadable", task=name, version=version, error=str(error), remedy=UNREADABLE)
    return payloads
