"""The task catalogue: payload models, execution policies and schedules, without the handlers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from kontor.engine.retry import RetryPolicy
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.field_errors import MANY_ERRORS, field_errors, unknown_names
from kontor.kernel.states import CrashPolicy, MisfirePolicy, TaskKind


@dataclass(frozen=True, slots=True)
class Policy:
    """How a task runs. A start more than `due_by` after the due time counts as late.

    Who may enqueue it from outside: `public` every key, `declared` (a task type of others) unbound keys; else nobody.
    """

    name: str
    queue: str
    kind: TaskKind
    retry: RetryPolicy
    crash: CrashPolicy = CrashPolicy.RERUN
    public: bool = False
    due_by: timedelta = timedelta(minutes=5)
    time_limit: timedelta = timedelta(minutes=5)
    batch_commits: bool = True
    declared: bool = False

    @property
    def internal(self) -> bool:
        """Whether the task is Kontor's own: only Kontor itself enqueues it (security.md 1.1)."""
        return not (self.public or self.declared)


def isolated_policy(name: str, queue: str, due_by: timedelta = timedelta(minutes=5), *, attempts: int = 10) -> Policy:
    """A transactional policy with one commit per job, so that row locks are never held for other jobs of a batch."""
    retry = RetryPolicy(max_attempts=attempts)
    return Policy(name, queue, TaskKind.TRANSACTIONAL, retry, due_by=due_by, batch_commits=False)


Instant = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC))]
Day = Annotated[date, Field(ge=date(1900, 1, 1), lt=date(9999, 1, 1))]
Count = Annotated[int, Field(ge=0, lt=2**63)]
ProgrammeCode = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""The ranges of arguments of Kontor's own tasks; they hold for jobs that Kontor itself enqueues too."""


class Payload(BaseModel):
    """The arguments of a job: ids and scalars only, frozen, versioned, without secrets.

    `sensitive` names the fields that console, logs and API redact.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: ClassVar[Policy]
    version: ClassVar[int] = 1
    sensitive: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def upgrade(cls, version: int, stored: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Convert a payload stored by an older release to the current version."""
        return stored


def validate(payload: type[Payload], args: Mapping[str, object]) -> Payload:
    """Validate untrusted args. Raises Invalid(`invalid_args`) that lists a hundred invalid fields."""
    errors = unknown_names(payload, args, "args") if len(args) > MANY_ERRORS else []
    try:
        if not errors:
            return payload.model_validate(args)
    except ValidationError as error:
        errors = field_errors(error, "args")
    raise Invalid("invalid_args", f"The args do not fit task {payload.policy.name}.", errors=errors)


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """A schedule as declared by code or a programme. A payload field `due` is set to the slot's instant."""

    name: str
    cron: str
    timezone: str
    task: str
    misfire: MisfirePolicy
    args: Mapping[str, JsonValue] = field(default_factory=dict)


class Catalogue:
    """All tasks of this deployment by wire name."""

    def __init__(self, payloads: Iterable[type[Payload]]) -> None:
        self._tasks: dict[str, type[Payload]] = {}
        for payload in payloads:
            if payload.policy.name in self._tasks:
                raise ValueError(f"duplicate task name {payload.policy.name}")
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
        """All queue names, sorted."""
        return tuple(sorted({payload.policy.queue for payload in self}))
