"""One thing of a list on a page of its own: its facts, what may be done with it, and what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kontor.ui.console_request import TemplateResponse
from kontor.ui.listing import Cell, ListColumn


@dataclass(frozen=True, slots=True)
class RecordTable:
    """Rows that belong to a record."""

    title: str
    columns: Sequence[ListColumn]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class RecordButton:
    """An act on a record: the path of the page that asks for it. `grave`: it cannot be taken back."""

    label: str
    path: str
    grave: bool = False


@dataclass(frozen=True, slots=True)
class ConsoleRecord:
    """What the page of a record shows. `facts` without a value are left out; `document`: a JSON value, titled."""

    title: str
    id: UUID
    state: str
    facts: Sequence[tuple[str, Cell]]
    buttons: Sequence[RecordButton] = ()
    tables: Sequence[RecordTable] = ()
    document: tuple[str, object] | None = None

    def page(self, nav: str = "accounts") -> TemplateResponse:
        """Return the page."""
        facts = [(label, cell) for label, cell in self.facts if cell.text or cell.at]
        return TemplateResponse("record.html", self.title, {"record": self, "facts": facts}, nav)
