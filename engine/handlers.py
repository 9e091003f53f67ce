"""What code that runs a task looks like, and the registry that finds it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable
from uuid import UUID

from sqlalchemy.orm import Session

from engine.catalogue import Catalogue, Payload
from engine.enqueue import Jobs
from engine.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class JobContext:
    """The job a handler works for. `now` is programme time, aware, UTC; `jobs` enqueues its children.

    A long `act` asks `cancelled()` now and then and raises `outcomes.Stopped` when it is true.
    """

    id: UUID
    task: str
    tenant: str
    lane: str | None
    attempt: int
    now: datetime
    jobs: Jobs
    cancelled: Callable[[], bool]


class Transactional(Protocol):
    """Pure database work: runs inside the transaction that completes the job."""

    @property
    def payload(self) -> type[Any]:
        """The model of what its jobs carry."""

    def run(self, job: JobContext, session: Session, payload: Any) -> Outcome:
        """Load, decide, write, enqueue."""


class External(Protocol):
    """Work with an effect outside: claim (transaction), act (none), record (transaction)."""

    @property
    def payload(self) -> type[Any]:
        """The model of what its jobs carry."""

    def claim(self, job: JobContext, session: Session, payload: Any) -> Any:
        """Lock, check that it is still due; return a plan, or an Outcome to end here."""

    def act(self, job: JobContext, plan: Any) -> Any:
        """Do it. No transaction is open."""

    def record(self, job: JobContext, session: Session, payload: Any, plan: Any, result: Any) -> Outcome:
        """Write down what happened."""


@runtime_checkable
class Verifying(Protocol):
    """An external handler that can ask whether an interrupted act took place (policy `verify`)."""

    def verify(self, job: JobContext, plan: Any) -> Any | None:
        """Return the act's result when it did happen, None to act again."""


@runtime_checkable
class TellsFailure(Protocol):
    """A handler that writes down a failed attempt, in the transaction that records it.

    `dead` is None while the job will be tried again, else the reason why it is dead.
    """

    def failed(self, job: JobContext, session: Session, payload: Any, error: str, dead: str | None) -> None:
        """Make the error visible, tell people."""


Handler = Transactional | External


class Registry:
    """Every handler of this deployment by the wire name of its task."""

    def __init__(self, handlers: Iterable[Handler]) -> None:
        self._handlers: dict[str, Handler] = {}
        for handler in handlers:
            self._handlers[handler.payload.policy.name] = handler
        payloads: list[type[Payload]] = [handler.payload for handler in self._handlers.values()]
        self.catalogue = Catalogue(payloads)

    def __getitem__(self, name: str) -> Handler:
        return self._handlers[name]

    def __contains__(self, name: object) -> bool:
        return name in self._handlers
