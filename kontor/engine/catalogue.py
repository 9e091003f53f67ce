"""The task catalogue: payload models, execution policies and schedules, without the handlers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Annotated, ClassVar, Final, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from kontor.engine.endings import EndingSubscriber
from kontor.engine.retry import RetryPolicy
from kontor.kernel.database import PgConnection
from kontor.kernel.errors import FieldError, Invalid
from kontor.kernel.field_errors import MANY_ERRORS, field_errors, unknown_names
from kontor.kernel.states import CrashPolicy, MisfirePolicy, TaskKind


@dataclass(frozen=True, slots=True)
class Policy:
    """How a task runs. A start more than `due_by` after the due time counts as late.

    Who may enqueue it from outside: `public` every key, `declared` (a task type of others) unbound keys; else nobody.
    `pull`: its jobs are leased by pull workers, and no worker of Kontor's runs them.
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
    pull: bool = False

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

    @classmethod
    def args_schema(cls) -> dict[str, JsonValue]:
        """Return the JSON Schema of the args."""
        return cls.model_json_schema()

    @classmethod
    def from_args(cls, args: Mapping[str, object]) -> Self:
        """Validate untrusted args. Raises Invalid(`invalid_args`) that lists a hundred invalid fields."""
        errors = unknown_names(cls, args, "args") if len(args) > MANY_ERRORS else []
        try:
            if not errors:
                return cls.model_validate(args)
        except ValidationError as error:
            errors = field_errors(error, "args")
        raise unfit(cls.policy.name, errors)


def unfit(task: str, errors: Sequence[FieldError]) -> Invalid:
    """Return the refusal of a task's args."""
    return Invalid("invalid_args", f"The args do not fit task {task}.", errors=errors)


def validate(payload: type[Payload], args: Mapping[str, object]) -> Payload:
    """Validate untrusted args. Raises Invalid(`invalid_args`) that lists a hundred invalid fields."""
    return payload.from_args(args)


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """A schedule as declared by code or a programme. A payload field `due` is set to the slot's instant."""

    name: str
    cron: str
    timezone: str
    task: str
    misfire: MisfirePolicy
    args: Mapping[str, JsonValue] = field(default_factory=dict)


def declare_nothing(connection: PgConnection) -> None:
    """Leave the declared types as they are."""


DECLARED_CHANNEL: Final = "declared"


class Catalogue:
    """All tasks of this deployment by wire name: Kontor's own, and the declared types as this process last read them.

    Thread-safe: `declare` replaces what is declared as a whole. `simulated`: of a sandbox, in which pull types have a
    simulated handler too.
    """

    def __init__(self, payloads: Iterable[type[Payload]], *, simulated: bool = False) -> None:
        self.simulated = simulated
        self._own: dict[str, type[Payload]] = {}
        for payload in payloads:
            if payload.policy.name in self._own:
                raise ValueError(f"duplicate task name {payload.policy.name}")
            self._own[payload.policy.name] = payload
        self._declared: Mapping[str, type[Payload]] = {}
        self.subscribers: tuple[EndingSubscriber, ...] = ()
        self._own_queues = tuple(sorted({payload.policy.queue for payload in self._own.values()}))

    def declare(self, payloads: Iterable[type[Payload]]) -> None:
        """Replace the declared types; those with the name of a task of Kontor's own are left out."""
        named = {payload.policy.name: payload for payload in payloads}
        self._declared = {name: payload for name, payload in named.items() if name not in self._own}

    def subscribe(self, subscriber: EndingSubscriber) -> None:
        """Tell a subscriber of the ends of declared jobs; called where the process starts."""
        if subscriber not in self.subscribers:
            self.subscribers = (*self.subscribers, subscriber)

    @property
    def declared(self) -> Mapping[str, type[Payload]]:
        """The declared types by name."""
        return self._declared

    @property
    def own_names(self) -> Iterable[str]:
        """The names of the built-in tasks."""
        return self._own.keys()

    def is_open(self, name: str) -> bool:
        """Whether the arguments and results of a task are not for operators alone."""
        payload = self._own.get(name) or self._declared.get(name)
        return payload is not None and not payload.policy.internal

    def is_own(self, name: str) -> bool:
        """Whether a task is built in, whoever may enqueue it."""
        return name in self._own

    def __getitem__(self, name: str) -> type[Payload]:
        payload = self._own.get(name) or self._declared.get(name)
        if payload is None:
            message = f"There is no task {name!r}; GET /v1/tasks lists them."
            raise Invalid("unknown_task", message, errors=[FieldError("task", message)])
        return payload

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._declared

    def __iter__(self) -> Iterator[type[Payload]]:
        return chain(self._own.values(), self._declared.values())

    @property
    def own_queues(self) -> tuple[str, ...]:
        """The queues of the built-in tasks, sorted; each has a channel to the workers."""
        return self._own_queues

    def channel(self, queue: str, task: str) -> str:
        """Return the channel to the workers for a task's jobs in a queue: declared types share a channel of theirs."""
        if queue in self._own_queues:
            return queue
        own = self._own.get(task)
        return DECLARED_CHANNEL if own is None else own.policy.queue

    @property
    def channels(self) -> tuple[str, ...]:
        """All channels to the workers."""
        return (*self._own_queues, DECLARED_CHANNEL)

    @property
    def queues(self) -> tuple[str, ...]:
        """All queue names, sorted."""
        return tuple(sorted({payload.policy.queue for payload in self}))
