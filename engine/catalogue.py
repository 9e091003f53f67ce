"""The catalogue of tasks: what a job may carry and how it is run, without the code that runs it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.errors import FieldError, Invalid
from domain.jobs import CrashPolicy, TaskKind
from domain.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class Policy:
    """How a task is run. `due_by` is how late its start may be before it counts as late."""

    name: str
    queue: str
    kind: TaskKind
    retry: RetryPolicy
    crash: CrashPolicy = CrashPolicy.RERUN
    public: bool = False
    due_by: timedelta = timedelta(minutes=5)
    time_limit: timedelta = timedelta(minutes=5)
    share_commit: bool = True


def own_commit(name: str, queue: str, due_by: timedelta = timedelta(minutes=5), *, attempts: int = 10) -> Policy:
    """Database work that locks people's rows: a commit of its own, so that it keeps nobody's lock for others."""
    retry = RetryPolicy(max_attempts=attempts)
    return Policy(name, queue, TaskKind.TRANSACTIONAL, retry, due_by=due_by, share_commit=False)


class Payload(BaseModel):
    """What a job carries: ids and scalars only, frozen, versioned, without secrets.

    `sensitive` names the fields that console, logs and API redact.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: ClassVar[Policy]
    version: ClassVar[int] = 1
    sensitive: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def upgrade(cls, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        """Bring a payload stored by an older release to today's shape."""
        return stored


def checked(payload: type[Payload], args: Mapping[str, Any]) -> Payload:
    """Validate args from outside. Raises Invalid(`invalid_args`) with every field."""
    try:
        return payload.model_validate(args)
    except ValidationError as problem:
        errors = [FieldError(".".join(["args", *map(str, e["loc"])]), e["msg"]) for e in problem.errors()]
        name = payload.policy.name
        raise Invalid("invalid_args", f"The args do not fit task {name}.", errors=errors) from None


class Catalogue:
    """Every task of this deployment by wire name."""

    def __init__(self, payloads: Iterable[type[Payload]]) -> None:
        self._tasks: dict[str, type[Payload]] = {}
        for payload in payloads:
            if payload.policy.name in self._tasks:
                raise ValueError(f"two tasks are called {payload.policy.name}")
            self._tasks[payload.policy.name] = payload

    def __getitem__(self, name: str) -> type[Payload]:
        try:
            return self._tasks[name]
        except KeyError:
            message = f"There is no task {name!r}; GET /v1/tasks lists them."
            raise Invalid("unknown_task", message, errors=[FieldError("task", message)]) from None

    def __contains__(self, name: object) -> bool:
        return name in self._tasks

    def __iter__(self) -> Iterator[type[Payload]]:
        return iter(self._tasks.values())

    @property
    def queues(self) -> tuple[str, ...]:
        """The names of all queues, sorted."""
        return tuple(sorted({payload.policy.queue for payload in self}))
