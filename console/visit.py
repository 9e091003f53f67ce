"""One console request: input, operator and transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from api.deps import Deps
from domain.errors import NotFound
from engine.control import Actor, Control
from engine.enqueue import Jobs
from models.people import Operator, OperatorSession, Role
from services.clock import Standing

RANK: Final[Mapping[str, int]] = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}
NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class IncomingPageRequest:
    """A request as received, its form parsed. `origin` is the client's IP address."""

    method: str
    path: str
    params: Mapping[str, str]
    query: QueryParams
    form: Mapping[str, str]
    cookies: Mapping[str, str]
    origin: str
    secure: bool

    def param(self, name: str) -> str | None:
        """Return a query parameter, None if empty; NUL characters, which PostgreSQL rejects, are removed."""
        text = self.query.get(name, "").replace("\x00", "").strip()
        return text or None

    def uuid(self, name: str) -> UUID:
        """Return a path parameter as a UUID. Raises NotFound."""
        try:
            return UUID(self.params[name])
        except ValueError:
            raise NotFound from None


@dataclass(frozen=True, slots=True)
class ConsoleRequest:
    """A request in its transaction. `now` is the same for the whole request."""

    deps: Deps
    session: Session
    incoming: IncomingPageRequest
    now: datetime
    operator_session: OperatorSession | None = None
    operator: Operator | None = None

    @property
    def jobs(self) -> Jobs:
        """The ledger, at the time of this request."""
        return replace(self.deps.jobs, clock=Standing(self.now, self.deps.clock))

    @property
    def operations(self) -> Control:
        """The engine's operations, at the time of this request."""
        return Control(self.jobs)

    @property
    def csrf(self) -> str:
        """The session's CSRF token."""
        return self.operator_session.csrf if self.operator_session else ""

    def actor(self, reason: str | None = None) -> Actor:
        """Return the actor for the audit log."""
        name = self.operator.email if self.operator else "nobody"
        return Actor(f"operator:{name}", f"console {self.incoming.origin}", reason)

    def may(self, role: Role) -> bool:
        """Return whether the operator has at least that role."""
        return (RANK[self.operator.role] if self.operator else NOBODY) >= RANK[role]
