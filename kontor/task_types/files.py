"""A task file: its types and schedules, read with errors at their line, shown as a plan, applied all or none."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

import yaml
from pydantic import ValidationError
from pydantic_core import to_json
from sqlalchemy.orm import Session

from kontor.engine.catalogue import Catalogue
from kontor.engine.declared import DeclaredPayload
from kontor.kernel.errors import FieldError, Invalid
from kontor.programme.yaml_nodes import Entries, ItemList, Node, ProgrammeError, Scalar, UnreadableDocument, parse_yaml
from kontor.task_types import queries
from kontor.task_types.declaration import NAME_RULE, ScheduleIn, TaskTypeIn, is_name
from kontor.task_types.service import TaskTypes
from models.task_types import TaskSchedule

SECTIONS: Final = ("tasks", "schedules")
Declared = TypeVar("Declared", TaskTypeIn, ScheduleIn)


class InvalidTaskFile(Invalid):
    """The whole file is refused (422 `bad_tasks`); each error has its line."""

    def __init__(self, problems: Iterable[ProgrammeError]) -> None:
        ordered = sorted(set(problems), key=lambda each: (each.line, each.column, each.path, each.message))
        errors = [FieldError(f"line {problem.line}", str(problem)) for problem in ordered]
        super().__init__("bad_tasks", f"The task file is refused: {len(ordered)} error(s).", errors=errors)


@dataclass(frozen=True, slots=True)
class TaskFile:
    """What a file declares, and its tree for the lines of errors."""

    root: Node
    types: Mapping[str, TaskTypeIn]
    schedules: Mapping[str, ScheduleIn]


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """The changes of a file. `secrets`: of push handlers that are new, shown only here."""

    applied: bool
    changes: tuple[str, ...]
    versions: Mapping[str, int]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def read(text: str) -> TaskFile:
    """Read a file. Raises InvalidTaskFile with every error."""
    try:
        root = parse_yaml(text)
    except UnreadableDocument as error:
        raise InvalidTaskFile([error.error]) from None
    document, problems = value_of(root), list[ProgrammeError]()
    if not isinstance(document, dict):
        raise InvalidTaskFile([problem_at(root, (), "a mapping with tasks and schedules is required")])
    problems += [problem_at(root, (key,), "unknown key (allowed here: tasks, schedules)") for key in document
                 if key not in SECTIONS]  # fmt: skip
    types = dict(_members(root, document, "tasks", TaskTypeIn, problems))
    schedules = dict(_members(root, document, "schedules", ScheduleIn, problems))
    if problems:
        raise InvalidTaskFile(problems)
    return TaskFile(root, types, schedules)


def _members(
    root: Node, document: Mapping[str, object], section: str, model: type[Declared], problems: list[ProgrammeError]
) -> Iterator[tuple[str, Declared]]:
    """Yield the members of a section that are valid; add the errors of the others."""
    members = document.get(section) or {}
    if not isinstance(members, dict):
        problems.append(problem_at(root, (section,), "a mapping is required"))
        return
    for name, value in members.items():
        if section == "tasks" and not is_name(name):
            problems.append(problem_at(root, (section, name), NAME_RULE))
        try:
            yield name, model.model_validate_json(to_json(value))
        except ValidationError as error:
            problems += misfits(root, (section, name), error)


def misfits(root: Node, path: tuple[str, ...], error: ValidationError) -> list[ProgrammeError]:
    """Return the errors of a member at their places."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return [problem_at(root, (*path, *detail["loc"]), detail["msg"]) for detail in details]


@dataclass(frozen=True, slots=True)
class Applying:
    """Applies files. `reserved`: names of schedules that are Kontor's own."""

    types: TaskTypes
    reserved: Collection[str] = ()

    def problems(self, file: TaskFile) -> list[ProgrammeError]:
        """Return what is wrong with a file beyond its form."""
        problems: list[ProgrammeError] = []
        for name, declared in file.types.items():
            try:
                self.types.require_name(name)
            except Invalid as error:
                problems.append(problem_at(file.root, ("tasks", name), error.message))
            errors = self.types.check(name, declared, file.types)
            problems += [problem_at(file.root, ("tasks", name, *each.loc.split(".")), each.msg) for each in errors]
        for name, schedule in file.schedules.items():
            path = ("schedules", name)
            if name in self.reserved:
                problems.append(problem_at(file.root, path, "Kontor has a schedule of this name; choose another"))
            problems += [
                problem_at(file.root, (*path, *each.loc.split(".")), each.msg)
                for each in self._misfits_of_schedule(schedule, file.types)
            ]
        return problems

    def _misfits_of_schedule(self, schedule: ScheduleIn, types: Mapping[str, TaskTypeIn]) -> list[FieldError]:
        """Return why the jobs of a schedule could not be enqueued. They are for no account."""
        if schedule.task not in types and schedule.task not in self.types.catalogue.declared:
            return [FieldError("task", f"There is no task type {schedule.task!r}.")]
        errors = self.types.misfits(schedule.task, schedule.args, types, "")
        if lane_kind(self.types.catalogue, schedule.task, types) in ("account", "reseller"):
            errors.append(FieldError("task", f"{schedule.task} runs in the lane of an account; a schedule has none."))
        return errors

    def apply(
        self, session: Session, source: str, file: TaskFile, now: datetime, actor: str, *, dry_run: bool
    ) -> TaskPlan:
        """Apply a file under its name; a second time there is nothing to change. Raises InvalidTaskFile."""
        if problems := self.problems(file):
            raise InvalidTaskFile(problems)
        changes, versions, secrets = [], {}, {}
        with session.begin_nested() as attempt:
            for name, declared in file.types.items():
                applied = self.types.put(session, name, declared, now, actor)
                versions[name] = applied.row.version
                if applied.secret is not None:
                    secrets[name] = applied.secret
                if applied.created:
                    changes.append(f"task {name}: new")
                elif applied.changed:
                    changes.append(f"task {name}: {', '.join(applied.changed)}")
            changes += self._put_schedules(session, source, file)
            if dry_run:
                attempt.rollback()
                session.expire_all()
        return TaskPlan(bool(changes) and not dry_run, tuple(changes), versions, {} if dry_run else secrets)

    @staticmethod
    def _put_schedules(session: Session, source: str, file: TaskFile) -> Iterator[str]:
        """Store the schedules of a file and drop those that it no longer has."""
        before = {row.name: row for row in queries.all_schedules(session)}
        for name, schedule in file.schedules.items():
            document = schedule.model_dump(mode="json")
            row = before.get(name)
            if row is None:
                session.add(TaskSchedule(name=name, file=source, document=document))
                yield f"schedule {name}: new"
            elif (row.document, row.file) != (document, source):
                row.document, row.file = document, source
                yield f"schedule {name}: changed"
        for name, row in before.items():
            if row.file == source and name not in file.schedules:
                session.delete(row)
                yield f"schedule {name}: gone"
        session.flush()


def lane_kind(catalogue: Catalogue, task: str, types: Mapping[str, TaskTypeIn]) -> str:
    """Return by what the jobs of a type run one at a time: as a file says, else as declared before."""
    if task in types:
        return types[task].lane
    model = catalogue.declared[task]
    return model.task.lane if issubclass(model, DeclaredPayload) else "none"


def value_of(node: Node) -> object:
    """Return the plain value of a tree."""
    match node:
        case Scalar(text=text, kind=kind):
            return text if kind == "str" else yaml.safe_load(text) if text else None
        case ItemList(items=items):
            return [value_of(item) for item in items]
        case Entries(pairs=pairs):
            return {key.text if isinstance(key, Scalar) else "": value_of(value) for key, value in pairs}


def problem_at(root: Node, path: tuple[str | int, ...], message: str) -> ProgrammeError:
    """Return an error at the deepest place of a path that the file has; a member is where its key stands."""
    node = at = root
    for step in path:
        inner = _child(node, step)
        if inner is None:
            break
        at, node = inner
    return ProgrammeError(at.line, at.column, ".".join(map(str, path)), message)


def _child(node: Node, step: str | int) -> tuple[Node, Node] | None:
    """Return a member's key and value, or an item twice; None if there is none."""
    if isinstance(node, ItemList):
        item = node.items[int(step)] if str(step).isdigit() and int(step) < len(node.items) else None
        return None if item is None else (item, item)
    pairs = node.pairs if isinstance(node, Entries) else ()
    return next((pair for pair in pairs if isinstance(pair[0], Scalar) and pair[0].text == str(step)), None)
