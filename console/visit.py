"""One request to the console: who asks, with what, in which transaction."""

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
class Arrival:
    """A request as it came in, its form read. `origin` is the address it came from."""

    method: str
    path: str
    params: Mapping[str, str]
    query: QueryParams
    form: Mapping[str, str]
    cookies: Mapping[str, str]
    origin: str
    secure: bool

    def asked(self, name: str) -> str | None:
        """A query parameter, None when it is empty; without NUL, which PostgreSQL does not take."""
        text = self.query.get(name, "").replace("\x00", "").strip()
        return text or None

    def uuid(self, name: str) -> UUID:
        """The id that a part of the path is. Raises NotFound."""
        try:
            return UUID(self.params[name])
        except ValueError:
            raise NotFound from None


@dataclass(frozen=True, slots=True)
class Visit:
    """A request in the transaction that answers it. `now` stands for all of it."""

    deps: Deps
    session: Session
    arrival: Arrival
    now: datetime
    opened: OperatorSession | None = None
    operator: Operator | None = None

    @property
    def jobs(self) -> Jobs:
        """The way into the ledger, at the instant of this request."""
        return replace(self.deps.jobs, clock=Standing(self.now, self.deps.clock))

    @property
    def control(self) -> Control:
        """The engine's controls."""
        return Control(self.jobs)

    @property
    def csrf(self) -> str:
        """What every form of this session carries."""
        return self.opened.csrf if self.opened else ""

    def actor(self, reason: str | None = None) -> Actor:
        """Who acts, from where and why, for the audit log."""
        name = self.operator.email if self.operator else "nobody"
        return Actor(f"operator:{name}", f"console {self.arrival.origin}", reason)

    def may(self, role: Role) -> bool:
        """Whether who asks has at least that role."""
        return (RANK[self.operator.role] if self.operator else NOBODY) >= RANK[role]
