"""A task type and a schedule as they are declared, in YAML and JSON alike."""

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from kontor.engine.retry import RetryPolicy
from kontor.kernel.states import CrashPolicy, MisfirePolicy

DURATION: Final = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)", re.ASCII)
UNITS: Final = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST: Final = timedelta(days=7)
NAME: Final = re.compile(r"^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+$", re.ASCII)
QUEUE: Final = r"^[a-z][a-z0-9_.-]*$"
LANE: Final = r"^(account|reseller|handler|none|args\.[A-Za-z_][A-Za-z0-9_-]*)$"
NAME_LIMIT: Final = 100
PULL: Final = "pull"
NAME_RULE: Final = "A name is a family and a verb such as vps.create: a-z, 0-9, - and _, at most 100 characters."


def is_name(text: str) -> bool:
    """Whether a task type may have this name."""
    return len(text) <= NAME_LIMIT and bool(NAME.fullmatch(text))


def duration_of(text: str) -> timedelta:
    """Parse a duration such as 500ms, 5s, 10m, 2h, 3d. Raises ValueError."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError("write a number and ms, s, m, h or d, such as 10m")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def _positive(text: str) -> str:
    if not timedelta(0) < duration_of(text) <= LONGEST:
        raise ValueError("more than 0 and at most 7d")
    return text


Duration = Annotated[str, AfterValidator(_positive)]
"""A duration such as 500ms, 5s, 10m, 2h, 3d; at most 7d."""
TaskName = Annotated[str, StringConstraints(pattern=NAME.pattern, max_length=NAME_LIMIT)]


class Declaration(BaseModel):
    """A part of what is declared: strict, no unknown members. The relay reads it too, so it knows no request layer."""

    any_text: ClassVar[bool] = False

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class RetryIn(Declaration):
    """How often a failed attempt is repeated: after base, twice base and so on up to cap, with full jitter."""

    max_attempts: int = Field(10, ge=1, le=1_000)
    base: Duration = "2s"
    cap: Duration = "1h"

    @model_validator(mode="after")
    def base_below_cap(self) -> Self:
        """Check that the first pause is not above the longest."""
        if duration_of(self.base) > duration_of(self.cap):
            raise ValueError("base must be at most cap")
        return self


class PushIn(Declaration):
    """A handler that Kontor calls."""

    push: str = Field(max_length=2_000)


class ThenIn(Declaration):
    """The job that success enqueues, in the transaction that records it."""

    task: TaskName
    args: dict[str, JsonValue] = Field(default_factory=dict)


class TaskTypeIn(Declaration):
    """A task type. `args`: JSON Schema 2020-12; `writeOnly` marks sensitive members, which are kept sealed.

    `lane`: `account`, `reseller`, `handler` or `args.NAME`: one job at a time each; `none`: any number.
    """

    args: dict[str, JsonValue] = Field(default_factory=dict)
    queue: str | None = Field(None, pattern=QUEUE, max_length=NAME_LIMIT)
    handler: PushIn | Literal["pull"]
    public: bool = False
    retry: RetryIn = RetryIn()
    crash: CrashPolicy = CrashPolicy.RERUN
    lane: str = Field("none", pattern=LANE, max_length=NAME_LIMIT)
    time_limit: Duration = "5m"
    due_by: Duration = "5m"
    compensate: TaskName | None = None
    then: ThenIn | None = None

    @field_validator("handler", mode="before")
    @classmethod
    def pull_as_member(cls, value: object) -> object:
        """Read `{pull: …}` as `pull`."""
        return PULL if isinstance(value, dict) and value.keys() == {PULL} else value

    @property
    def url(self) -> str | None:
        """The address of a push handler."""
        return self.handler.push if isinstance(self.handler, PushIn) else None

    @property
    def retry_policy(self) -> RetryPolicy:
        """The policy as the engine knows it."""
        return RetryPolicy(self.retry.max_attempts, duration_of(self.retry.base), duration_of(self.retry.cap))


class ScheduleIn(Declaration):
    """A schedule of a task file."""

    task: TaskName
    args: dict[str, JsonValue] = Field(default_factory=dict)
    cron: str = Field(max_length=200)
    timezone: str = Field("UTC", max_length=100)
    misfire: MisfirePolicy = MisfirePolicy.ONCE
