"""A task type as the API answers it."""

from typing import Literal

from kontor.http.visibility import ActorOut
from kontor.http.wire import Json, ResponseModel, UtcOut
from kontor.kernel.states import CrashPolicy
from kontor.task_types.declaration import PushIn, RetryIn, ThenIn


class TaskTypeOut(ResponseModel):
    """A task type with all defaults filled in."""

    name: str
    version: int
    args: dict[str, Json]
    queue: str
    handler: PushIn | Literal["pull"]
    public: bool
    retry: RetryIn
    crash: CrashPolicy
    lane: str
    time_limit: str
    due_by: str
    compensate: str | None
    then: ThenIn | None
    applied_at: UtcOut
    applied_by: ActorOut


class TaskTypeSecretOut(TaskTypeOut):
    """The same with its secret, when one was just made: it is shown only here."""

    secret: str | None = None
