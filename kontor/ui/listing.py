"""Lists of the console: filters in the address, one table, a pager, and the same rows as CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from kontor.kernel.database import psycopg_connection
from kontor.kernel.money import Money
from kontor.kernel.paging import CSV_MEDIA, Page, csv_of_pages
from kontor.kernel.periods import ONE_DAY
from kontor.kernel.serialization import escape_formula
from kontor.kernel.time_spans import TimeSpan
from kontor.kernel.zones import day_of_field
from kontor.ui import formatting, texts
from kontor.ui.console_request import ConsoleRequest, StreamedFile, TemplateResponse

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
SHOWN: Final = 50
EXPORTED: Final = 500
"""Rows that one transaction of an export reads."""
LIMIT_MS: Final = 1_000
NOBODY: Final = UUID(int=0)
"""An id that nothing has."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a row. `link`: its page; `note`: what stands small beside it; `at`: an aware instant, shown as an age.

    `state`: the text is a state; `error`: a recorded failure, of which viewers see the cause alone; `exported`: what
    the CSV file has instead of the text.
    """

    text: str = ""
    link: str | None = None
    note: str = ""
    at: datetime | None = None
    state: bool = False
    error: str = ""
    exported: str | None = None

    @property
    def plain(self) -> str:
        """The value as the CSV file has it."""
        if self.at is not None:
            return self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self.text if self.exported is None else self.exported


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column; `figure`: its numbers are aligned."""

    label: str
    figure: bool = False


@dataclass(frozen=True, slots=True)
class ListFilter:
    """A field of the search form: text, a day, or one of `options`."""

    name: str
    label: str
    options: tuple[str, ...] = ()
    kind: str = "text"


ACCOUNT: Final = ListFilter("account", "Account (name or id)")
RESELLER: Final = ListFilter("reseller", "Reseller (name or id)")
FROM: Final = ListFilter("from", "From day (UTC)", kind="date")
TO: Final = ListFilter("to", "To day (UTC)", kind="date")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list was asked for. An account that does not exist has the id NOBODY; days are of UTC, both included."""

    texts: Mapping[str, str]
    account_id: UUID | None = None
    reseller_id: UUID | None = None
    first: date | None = None
    last: date | None = None

    @property
    def span(self) -> TimeSpan:
        """The days as instants."""
        after = None if self.first is None else datetime.combine(self.first, time(), UTC)
        before = None if self.last is None else datetime.combine(self.last + ONE_DAY, time(), UTC)
        return TimeSpan(after, before)

    def chosen(self, name: str, options: type[E]) -> E | None:
        """Return the chosen option; None for any."""
        text = self.texts.get(name, "")
        return options(text) if text in set(options) else None

    def text(self, name: str) -> str | None:
        """Return what was typed; None for nothing."""
        return self.texts.get(name) or None


Read = Callable[[ConsoleRequest, ListQuery, str | None, int], Page[T]]
Describe = Callable[[ConsoleRequest, Sequence[T]], Sequence[Sequence[Cell]]]


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list at `path`. `read` returns a page for a query, a cursor and a limit; `describe` its rows as cells.

    `key` is the id of a row, the first column of the file; `new`: the path and text of the form that adds to it.
    """

    path: str
    title: str
    empty: str
    filters: tuple[ListFilter, ...]
    columns: tuple[ListColumn, ...]
    read: Read[T]
    describe: Describe[T]
    key: Callable[[T], UUID]
    nav: str = "accounts"
    new: tuple[str, str] | None = None

    def show(self, request: ConsoleRequest) -> TemplateResponse:
        """Show a page of the list. Raises Invalid for a malformed cursor or day."""
        query, cursor = self._query(request), request.incoming.param("cursor")
        page = formatting.timeboxed(request, lambda: self.read(request, query, cursor, SHOWN), LIMIT_MS)
        kept = {name: text for name, text in query.texts.items() if text}
        rows = () if page is None else page.items
        following = None if page is None or page.next is None else urlencode({**kept, "cursor": page.next})
        values = {
            "heading": self.title,
            "place": self.path,
            "lists": texts.LISTS,
            "filters": self.filters,
            "chosen": query.texts,
            "columns": self.columns,
            "rows": self.describe(request, rows),
            "empty": self.empty,
            "partial": page is None,
            "next": None if following is None else f"{self.path}?{following}",
            "export": f"{self.path}.csv?{urlencode(kept)}".rstrip("?"),
            "new": self.new,
        }
        return TemplateResponse("list.html", self.title, values, self.nav)

    def export(self, request: ConsoleRequest) -> StreamedFile:
        """Export every matching row as CSV. Raises Invalid for a malformed day."""
        query = self._query(request)
        columns = ["id", *(column.label for column in self.columns)]
        lines = csv_of_pages(columns, lambda cursor: self._cells(request, query, cursor))
        return StreamedFile(f"{self.path.rpartition('/')[2]}.csv", CSV_MEDIA, lines)

    def _cells(self, request: ConsoleRequest, query: ListQuery, cursor: str | None) -> Page[Sequence[str]]:
        """Return a page of rows as the file has them, read in a transaction of its own."""
        with request.deps.sessions() as session:
            mine = replace(request, work=session)
            page = self.read(mine, query, cursor, EXPORTED)
            rows = self.describe(mine, page.items)
            ids = [str(self.key(item)) for item in page.items]
        cells = [[key, *(cell.plain for cell in row)] for key, row in zip(ids, rows, strict=True)]
        return Page(tuple([escape_formula(text) for text in row] for row in cells), page.next)

    def _query(self, request: ConsoleRequest) -> ListQuery:
        typed = {each.name: (request.incoming.param(each.name) or "").strip() for each in self.filters}
        return ListQuery(
            typed,
            account_named(request, typed.get("account", "")),
            account_named(request, typed.get("reseller", "")),
            day_of_field(typed.get("from") or None, "from"),
            day_of_field(typed.get("to") or None, "to"),
        )


def account_named(request: ConsoleRequest, text: str) -> UUID | None:
    """Return the id of the account with a name or id; None for an empty text, NOBODY for an unknown account."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        named = formatting.account_by_name(psycopg_connection(request.session), text)
        return NOBODY if named is None else UUID(named)


def account_cell(names: Mapping[str, str], account_id: UUID | None, nobody: str = "") -> Cell:
    """Return an account as a link to its page."""
    if account_id is None:
        return Cell(nobody)
    return Cell(names.get(str(account_id), str(account_id)), f"/console/accounts/{account_id}")


def money_cell(amount: Decimal, currency: str) -> Cell:
    """Return an amount; the file has it without separators."""
    return Cell(formatting.money(str(amount), currency), exported=str(Money(amount, currency)))
