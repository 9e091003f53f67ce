"""What deeds work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from domain.errors import KontorError, NotFound
from domain.programme import Programme
from workers.simulation.journal import Journal
from workers.simulation.stage import Stage

Values = Mapping[str, Any]
Answer = Mapping[str, Any] | KontorError | None


@dataclass(frozen=True, slots=True)
class Hands:
    """The stage, the programme and its code, and which row a label stands for."""

    stage: Stage
    journal: Journal
    programme: str
    rules: Programme

    def id(self, label: object) -> UUID:
        """The row of a label. Raises NotFound for what was refused when it was to be made."""
        found = self.journal.ids.get(str(label))
        if found is None:
            raise NotFound
        return found

    def know(self, label: object, row: UUID) -> None:
        """Remember the row of a label."""
        self.journal.ids[str(label)] = row


Deed = Callable[[Hands, Session, Values], Answer]
