"""The context in which the actions of a simulation run, and the shape of their handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from devtools.simulation.environment import SimulationEnvironment
from devtools.simulation.log import ActionLog
from kontor.kernel.errors import KontorError, NotFound
from kontor.programme.model import Programme

Values = Mapping[str, Any]
ActionResult = Mapping[str, Any] | KontorError | None


@dataclass(frozen=True, slots=True)
class ActionContext:
    """The environment, the programme with its code and the last file's document, and the log with ids by label."""

    environment: SimulationEnvironment
    log: ActionLog
    programme_code: str
    programme: Programme
    document: dict[str, object] = field(default_factory=dict)

    def id(self, label: object) -> UUID:
        """Return the row id of a label. Raises NotFound if its creation was refused."""
        row_id = self.log.ids.get(str(label))
        if row_id is None:
            raise NotFound
        return row_id

    def remember(self, label: object, row_id: UUID) -> None:
        """Store the row id of a label."""
        self.log.ids[str(label)] = row_id


ActionHandler = Callable[[ActionContext, Session, Values], ActionResult]
