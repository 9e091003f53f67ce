"""The declared types in a process's catalogue: built from their newest versions, read again when those change."""

from collections.abc import Mapping, Sequence
from typing import Final

import structlog
from pydantic import ValidationError
from pydantic_core import to_json

from kontor.engine.catalogue import Catalogue, Payload, Policy
from kontor.engine.declared import DeclaredPayload, DeclaredTask, FollowUp, payload_class
from kontor.kernel.database import PgConnection
from kontor.kernel.errors import Invalid
from kontor.kernel.states import TaskKind
from kontor.task_types.declaration import TaskTypeIn, duration_of
from kontor.task_types.json_schema import SchemaCheck

log = structlog.get_logger(__name__)
Versions = Mapping[str, int]
VERSIONS: Final = "SELECT name, version FROM task_types"
DOCUMENTS: Final = "SELECT name, version, document FROM task_types"
VERSION_OF: Final = "SELECT version FROM task_types WHERE name = %s"
SIMULATED: Final = "https://{}.invalid/"
"""The address of a pull type's handler in a sandbox; nothing connects to it."""
UNREADABLE: Final = "This release cannot read the type: apply it again."


def versions(connection: PgConnection) -> dict[str, int]:
    """Return the newest versions by name."""
    return dict(connection.execute(VERSIONS).fetchall())


def documents(connection: PgConnection) -> Sequence[tuple[str, int, dict[str, object]]]:
    """Return (name, version, document) of all types."""
    return connection.execute(DOCUMENTS).fetchall()


def version_of(connection: PgConnection, name: str) -> int | None:
    """Return the newest version of a type."""
    row = connection.execute(VERSION_OF, (name,)).fetchone()
    return None if row is None else int(row[0])


def built(name: str, version: int, declared: TaskTypeIn, *, simulated: bool = False) -> type[DeclaredPayload]:
    """Build the payload class of a type; `simulated`: with a handler in any case. Raises Invalid(`invalid_schema`)."""
    url = declared.url or (SIMULATED.format(name) if simulated else None)
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
        pull=url is None,
    )
    then = None if declared.then is None else FollowUp(declared.then.task, declared.then.args)
    task = DeclaredTask(
        version, declared.args, SchemaCheck(declared.args), url, declared.lane, declared.compensate, then
    )
    return payload_class(policy, task)


def family_of(name: str) -> str:
    """Return the first part of a task's name."""
    return name.partition(".")[0]


def refresh(connection: PgConnection, catalogue: Catalogue) -> None:
    """Bring a catalogue up to the newest versions; does nothing when they are what it has."""
    if versions(connection) != versions_in(catalogue):
        catalogue.declare(_read(connection, catalogue))


def refresh_task(connection: PgConnection, catalogue: Catalogue, task: str) -> None:
    """Bring one task up to its newest version; a task of Kontor's own costs nothing."""
    if not catalogue.is_own(task) and version_of(connection, task) != versions_in(catalogue).get(task):
        refresh(connection, catalogue)


def versions_in(catalogue: Catalogue) -> Versions:
    """Return the versions that a catalogue has."""
    return {
        name: payload.task.version
        for name, payload in catalogue.declared.items()
        if issubclass(payload, DeclaredPayload)
    }


def _read(connection: PgConnection, catalogue: Catalogue) -> list[type[Payload]]:
    payloads: list[type[Payload]] = []
    for name, version, document in documents(connection):
        current = catalogue.declared.get(name)
        if current is not None and issubclass(current, DeclaredPayload) and current.task.version == version:
            payloads.append(current)
            continue
        try:
            declared = TaskTypeIn.model_validate_json(to_json(document))
            payloads.append(built(name, version, declared, simulated=catalogue.simulated))
        except (Invalid, ValidationError) as error:
            log.error("task_type.unreadable", task=name, version=version, error=str(error), remedy=UNREADABLE)
    return payloads
