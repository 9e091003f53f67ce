"""Task types: declared, changed, deleted; the secrets of their handlers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import JsonValue
from sqlalchemy.orm import Session

from kontor.engine.catalogue import Catalogue, validate
from kontor.engine.declared import DeclaredPayload
from kontor.engine.lanes import SHARED
from kontor.kernel import database
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Conflict, FieldError, Invalid, NotFound
from kontor.kernel.ports import SecretBox
from kontor.task_types import queries, registry
from kontor.task_types.declaration import TaskTypeIn
from kontor.task_types.json_schema import SchemaCheck, unaccepted
from kontor.task_types.registry import family_of
from kontor.task_types.schemas import TaskTypeOut
from kontor.webhooks import signing
from models.task_types import TaskType, TaskTypeVersion

NO_SUCH: Final = "There is no such task type; GET /v1/task-types lists all."


@dataclass(frozen=True, slots=True)
class AppliedType:
    """A type as it is now. `secret`: one that was just made; `changed`: what the version before said otherwise."""

    row: TaskType
    created: bool
    changed: Sequence[str]
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TaskTypes:
    """The use cases of task types. `catalogue`: Kontor's own tasks, whose names are reserved."""

    catalogue: Catalogue
    secret_box: SecretBox

    def check(
        self, name: str, declared: TaskTypeIn, beside: Mapping[str, TaskTypeIn], *, prefix: str = ""
    ) -> list[FieldError]:
        """Return what is wrong with a type by itself and with the tasks it names; `beside`: declared with it.

        A compensation gets the args of the job that it undoes: its schema must take what the type's schema lets pass.
        """
        errors = []
        if declared.compensate is not None and declared.compensate not in beside.keys() | self.catalogue.declared:
            errors.append(FieldError(f"{prefix}compensate", f"There is no task type {declared.compensate!r}."))
        elif declared.compensate is not None:
            target = self._schema_of(declared.compensate, beside)
            misfits = [f"{declared.compensate}: {misfit}" for misfit in unaccepted(declared.args, target)]
            errors += [FieldError(f"{prefix}compensate", misfit) for misfit in misfits]
        if declared.then is not None:
            errors += self.misfits(declared.then.task, declared.then.args, beside, f"{prefix}then.")
        try:
            registry.built(name, 0, declared)
        except Invalid as error:
            return errors + [FieldError(prefix + each.loc, each.msg) for each in error.errors]
        arg = declared.lane.removeprefix("args.") if declared.lane.startswith("args.") else None
        properties = declared.args.get("properties")
        member = properties.get(arg) if arg and isinstance(properties, dict) else None
        if isinstance(member, dict) and member.get("writeOnly"):
            errors.append(FieldError(f"{prefix}lane", "A sensitive arg cannot be a lane: lanes are shown."))
        return errors

    def misfits(
        self, task: str, args: Mapping[str, JsonValue], beside: Mapping[str, TaskTypeIn], prefix: str
    ) -> list[FieldError]:
        """Return why a job of a task with these args could not be enqueued."""
        if task not in beside and not self._may_follow(task):
            return [FieldError(f"{prefix}task", f"There is no task type {task!r}.")]
        try:
            if task in beside:
                errors = SchemaCheck(beside[task].args).errors(args)
            else:
                validate(self.catalogue[task], args)
                errors = ()
        except Invalid as error:
            errors = () if error.code == "invalid_schema" else error.errors
        return [FieldError(prefix + each.loc, each.msg) for each in errors]

    def require_name(self, name: str) -> None:
        """Raise Invalid(`reserved_name`) for a name among those of Kontor's own tasks."""
        own = {
            family_of(payload.policy.name) for payload in self.catalogue if self.catalogue.is_own(payload.policy.name)
        }
        if family_of(name) in own:
            message = (
                f"Names that begin with {family_of(name)}. are those of Kontor's own tasks; choose another family."
            )
            raise Invalid("reserved_name", message, errors=[FieldError("name", message)])

    def put(
        self, session: Session, name: str, declared: TaskTypeIn, now: datetime, actor: str, secret: str | None = None
    ) -> AppliedType:
        """Declare a type, or give it a new version unless it says the same already. The caller has checked it.

        Waiting jobs keep their args and get the new handler, policy and lane.
        """
        database.lock_names(session, f"task type:{name}")
        row = queries.by_name(session, name, lock=True)
        document = declared.model_dump(mode="json")
        changed = sorted(key for key in document if row is None or row.document.get(key) != document[key])
        made, created = None, row is None
        if row is None:
            row = TaskType(name=name, version=queries.highest_version(session, name), secret_sealed="")
            session.add(row)
        if declared.url is not None and not row.secret_sealed:
            made = signing.validate_or_generate(secret)
            row.secret_sealed = self.secret_box.seal(made)
        if changed:
            row.version, row.document, row.applied_at, row.applied_by = row.version + 1, document, now, actor
            session.add(
                TaskTypeVersion(name=name, version=row.version, document=document, applied_at=now, applied_by=actor)
            )
        session.flush()
        if not created and {"lane", "handler"} & set(changed):
            queries.move_lanes(psycopg_connection(session), name, declared.lane, declared.url, SHARED)
        return AppliedType(row, created, changed, made)

    def delete(self, session: Session, name: str) -> TaskType:
        """Delete a type; its versions stay on record. Raises NotFound, Conflict(`in_use`)."""
        database.lock_names(session, f"task type:{name}")
        row = self.get(session, name, lock=True)
        count = queries.unfinished(session, name)
        if count:
            message = f"{count} job(s) of {name} are not finished: wait for them, or cancel them."
            raise Conflict("in_use", message, jobs=count)
        schedules = [each.name for each in queries.all_schedules(session) if each.document["task"] == name]
        if schedules:
            message = f"Schedules of a task file run {name}: {', '.join(schedules)}. Take them out of the file first."
            raise Conflict("in_use", message, schedules=schedules)
        session.delete(row)
        session.flush()
        return row

    def rotate(self, session: Session, name: str, now: datetime) -> AppliedType:
        """Give a push handler a new secret; the former one also signs for 24 h. Raises NotFound, Conflict."""
        row = self.get(session, name, lock=True)
        if not row.secret_sealed:
            raise Conflict("no_handler", f"{name} is run by pull workers, which have keys and no secret.")
        made = signing.validate_or_generate(None)
        signing.replace_secret(self.secret_box, row, made, now)
        return AppliedType(row, created=False, changed=(), secret=made)

    @staticmethod
    def get(session: Session, name: str, *, lock: bool = False) -> TaskType:
        """Return a type. Raises NotFound."""
        row = queries.by_name(session, name, lock=lock)
        if row is None:
            raise NotFound("unknown_task", NO_SUCH)
        return row

    def _schema_of(self, task: str, beside: Mapping[str, TaskTypeIn]) -> Mapping[str, JsonValue]:
        """Return the schema of a declared type's args."""
        if task in beside:
            return beside[task].args
        model = self.catalogue.declared[task]
        return model.task.schema if issubclass(model, DeclaredPayload) else {}

    def _may_follow(self, task: str) -> bool:
        """Whether a type may name a task: another declared one, or a public one of Kontor's own."""
        return task in self.catalogue and not self.catalogue[task].policy.internal


def document_of(row: TaskType) -> TaskTypeOut:
    """Return a type as it is shown, its queue filled in."""
    document = {**row.document, "queue": row.document["queue"] or family_of(row.name)}
    shown = {"name": row.name, "version": row.version, "applied_at": row.applied_at, "applied_by": row.applied_by}
    return TaskTypeOut.model_validate({**document, **shown})
