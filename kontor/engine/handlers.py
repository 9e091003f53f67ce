"""Handler protocols and the handler registry."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar, runtime_checkable
from uuid import UUID

from sqlalchemy.orm import Session

from kontor.engine.catalogue import Catalogue, Payload
from kontor.engine.declared import DeclaredPayload
from kontor.engine.enqueue import Jobs


@dataclass(frozen=True, slots=True)
class Done:
    """Succeeded. `result` must be JSON-serialisable; API and console show it."""

    result: object = None


@dataclass(frozen=True, slots=True)
class Snooze:
    """Not due yet: run again at `until` (aware). Uses no attempt."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Cancel:
    """No longer needed."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorksOn:
    """The act goes on outside Kontor, under its lease, until a call with that lease ends it. `worker`: who works."""

    worker: str


Outcome = Done | Snooze | Cancel | WorksOn


class Transient(Exception):
    """Failed, to be retried after `retry_in` or by the task's policy."""

    def __init__(self, message: str, *, retry_in: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_in = retry_in


class Permanent(Exception):
    """Failed permanently: the job is dead at once."""


class Undecided(Permanent):
    """Nobody knows whether it was done: the job is dead, and a person decides."""


class RemoteUnavailable(Exception):
    """The lane's remote is down: the lane is held and no attempt is used. `may_have_acted`: it is verified first."""

    def __init__(self, message: str, *, retry_in: timedelta | None = None, may_have_acted: bool = False) -> None:
        super().__init__(message)
        self.retry_in = retry_in
        self.may_have_acted = may_have_acted


class Cancelled(Exception):
    """The handler stopped because cancellation was requested."""


class Released(Exception):
    """The handler stopped before any effect because its worker is stopping: the job runs again, no attempt is used."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error in its stored form. `fingerprint` groups similar errors."""

    type: str
    message: str
    traceback: str = field(default="", compare=False)
    fingerprint: str = ""

    def document(self) -> dict[str, str]:
        """Return the JSON form stored with jobs and attempts."""
        return {"type": self.type, "message": self.message, "traceback": self.traceback}


@dataclass(frozen=True, slots=True)
class JobContext:
    """The job a handler works for. `now` is programme time, aware, UTC; `jobs` enqueues its children.

    A long `act` polls `cancelled()` and raises `Cancelled` when it returns True; it polls `stopping()` and, if it has
    done nothing yet that must not be done twice, raises `Released`. `lease`: of an external attempt, in `claim`.
    """

    id: UUID
    task: str
    tenant: str
    lane: str | None
    attempt: int
    now: datetime
    jobs: Jobs
    cancelled: Callable[[], bool]
    stopping: Callable[[], bool] = lambda: False
    lease: UUID | None = None


P = TypeVar("P", bound=Payload)
Plan = TypeVar("Plan")
Result = TypeVar("Result")
P_contra = TypeVar("P_contra", bound=Payload, contravariant=True)
Plan_contra = TypeVar("Plan_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Transactional(Protocol[P]):
    """A handler with database effects only: runs inside the transaction that completes the job."""

    @property
    def payload(self) -> type[P]:
        """The payload model of its jobs."""

    def run(self, job: JobContext, session: Session, payload: P) -> Outcome:
        """Load, decide, write, enqueue."""


class External(Protocol[P, Plan, Result]):
    """A handler with an external effect: claim (transaction), act (none), record (transaction)."""

    @property
    def payload(self) -> type[P]:
        """The payload model of its jobs."""

    def claim(self, job: JobContext, session: Session, payload: P) -> Plan | Outcome:
        """Lock the rows and check that the job is still due; return a plan, or an Outcome to end here."""

    def act(self, job: JobContext, plan: Plan) -> Result:
        """Perform the effect. No transaction is open."""

    def record(self, job: JobContext, session: Session, payload: P, plan: Plan, result: Result) -> Outcome:
        """Record the result."""


@runtime_checkable
class Verifying(Protocol[Plan_contra, Result_co]):
    """An external handler that can check whether an interrupted act took effect (policy `verify`)."""

    def verify(self, job: JobContext, plan: Plan_contra) -> Result_co | None:
        """Return the act's result if it took effect, None to act again."""


@runtime_checkable
class FailureListener(Protocol[P_contra]):
    """A handler with a callback for failed attempts, called in the transaction that records them.

    `dead` is None while the job will be retried, else the reason why it is dead.
    """

    def failed(self, job: JobContext, session: Session, payload: P_contra, error: str, dead: str | None) -> None:
        """Store the error with the domain object and notify people."""


TransactionalHandler = Transactional[Any]
ExternalHandler = External[Any, Any, Any]
Handler = TransactionalHandler | ExternalHandler
"""A handler of any task: the registry pairs each with the payloads of its own task."""


class Registry:
    """All handlers of this deployment by the wire name of their task; one runs all declared push types."""

    def __init__(self, handlers: Iterable[Handler], catalogue: Catalogue | None = None) -> None:
        """`catalogue`: of a process that runs no handlers of its own."""
        self._handlers: dict[str, Handler] = {}
        self._declared: Handler | None = None
        for handler in handlers:
            if handler.payload is DeclaredPayload:
                self._declared = handler
            else:
                self._handlers[handler.payload.policy.name] = handler
        payloads: list[type[Payload]] = [handler.payload for handler in self._handlers.values()]
        self.catalogue = catalogue or Catalogue(payloads)

    def __getitem__(self, name: str) -> Handler:
        handler = self._handlers.get(name)
        if handler is None and self._runs_declared(name):
            handler = self._declared
        if handler is None:
            raise KeyError(name)
        return handler

    def __contains__(self, name: object) -> bool:
        return name in self._handlers or self._runs_declared(name)

    def _runs_declared(self, name: object) -> bool:
        """Whether a task is a declared type that the handler of all push types runs."""
        declared = self.catalogue.declared.get(name) if isinstance(name, str) else None
        return self._declared is not None and declared is not None and not declared.policy.pull
