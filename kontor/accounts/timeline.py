"""Activity of an account: one list merged from every source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from kontor.accounts import timeline_entries, timeline_queries
from kontor.accounts.timeline_entries import Positions, TimelineEntry
from kontor.accounts.timeline_queries import TimelineJob
from kontor.kernel.database import psycopg_connection
from kontor.kernel.paging import invalid_cursor
from kontor.licences.service import instance_lane
from kontor.programme.display_names import DisplayNames
from kontor.ui import formatting, texts
from kontor.ui.console_request import ConsoleRequest
from kontor.ui.formatting import timeboxed
from models.accounts import Account

T = TypeVar("T")
ROWS: Final = 50
JOBS_MS: Final = 60


@dataclass(frozen=True, slots=True)
class AccountTimeline:
    """A page of activity. `cut`: jobs are left out because the search ran out of time. `names`: by account id."""

    entries: Sequence[TimelineEntry]
    next: str | None
    chosen: Sequence[str]
    cut: bool
    names: Mapping[str, str]
    kinds: Mapping[str, str] = field(default_factory=lambda: texts.ACCOUNT_LINE_KINDS)


def account_timeline(request: ConsoleRequest, account: Account, here: str) -> AccountTimeline:
    """Return the page of activity that the query string asks for. Raises Invalid for a malformed cursor."""
    chosen = [kind for kind in texts.ACCOUNT_LINE_KINDS if kind in request.incoming.query.getlist("show")] or list(
        texts.ACCOUNT_LINE_KINDS
    )
    before = timeline_entries.parse_cursor(request.incoming.param("cursor"), list(texts.ACCOUNT_LINE_KINDS))
    names = DisplayNames(request.deps.programmes.current(request.session, account.programme))
    reader = _Reader(request, account, before, names)
    rows_by_kind = {kind: getattr(reader, kind)() for kind in chosen}
    page = timeline_entries.merge({kind: rows for kind, rows in rows_by_kind.items() if rows is not None}, before, ROWS)
    about = [str(entry.about) for entry in page.entries if entry.about not in (None, account.id)]
    kept = [("show", kind) for kind in chosen] if len(chosen) < len(texts.ACCOUNT_LINE_KINDS) else []
    following = None if page.next is None else f"{here}?{urlencode([*kept, ('cursor', page.next)])}"
    return AccountTimeline(
        page.entries, following, chosen, None in rows_by_kind.values(), formatting.named(request, about)
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a page plus one entry of each source, from the previous page's positions."""

    request: ConsoleRequest
    account: Account
    before: Positions
    names: DisplayNames

    def events(self) -> list[TimelineEntry]:
        """Read domain events."""
        seq = self._position("events", int)
        return [
            timeline_entries.of_event(row, self.names)
            for row in timeline_queries.events(self.request.session, self.account.id, seq, ROWS + 1)
        ]

    def mails(self) -> list[TimelineEntry]:
        """Read the mail log."""
        after = self._position("mails", UUID)
        return [
            timeline_entries.of_mail(row)
            for row in timeline_queries.mails(self.request.session, self.account.id, after, ROWS + 1)
        ]

    def offers(self) -> list[TimelineEntry]:
        """Read offers to or by the account."""
        after = self._position("offers", UUID)
        rows = timeline_queries.offers(self.request.session, self.account.id, after, ROWS + 1)
        return [timeline_entries.of_offer(row, self.request.now, self.names) for row in rows]

    def charges(self) -> list[TimelineEntry]:
        """Read charges for or paid by the account."""
        after = self._position("charges", _day_and_id)
        rows = timeline_queries.charges(self.request.session, self.account.id, after, ROWS + 1)
        return [timeline_entries.of_charge(row, self.names) for row in rows]

    def payments(self) -> list[TimelineEntry]:
        """Read payments."""
        after = self._position("payments", UUID)
        rows = timeline_queries.payments(self.request.session, self.account.id, after, ROWS + 1)
        return [timeline_entries.of_payment(row) for row in rows]

    def orders(self) -> list[TimelineEntry]:
        """Read orders."""
        after = self._position("orders", UUID)
        return [
            timeline_entries.of_order(row, self.names)
            for row in timeline_queries.orders(self.request.session, self.account.id, after, ROWS + 1)
        ]

    def discounts(self) -> list[TimelineEntry]:
        """Read recorded discounts."""
        day = self._position("discounts", date.fromisoformat)
        rows = timeline_queries.discounts(self.request.session, self.account.id, day, ROWS + 1)
        return [timeline_entries.of_discount(row, self.names) for row in rows]

    def jobs(self) -> list[TimelineEntry] | None:
        """Read a reseller's jobs and the calls to its instance; None if that takes too long."""
        connection, mine, lane = (
            psycopg_connection(self.request.session),
            self.account.id,
            instance_lane(self.account.id),
        )
        after, limit = self._position("jobs", UUID), ROWS + 1
        queries: tuple[Callable[[], list[TimelineJob]], ...] = (
            lambda: timeline_queries.jobs(connection, mine, after, limit),
            lambda: timeline_queries.calls(connection, lane, after, limit),
        )
        results = [timeboxed(self.request, query, JOBS_MS) for query in queries]
        jobs = {job.id: job for rows in results if rows is not None for job in rows}
        if None in results:
            return None
        return [timeline_entries.of_job(jobs[key]) for key in sorted(jobs, reverse=True)[:limit]]

    def _position(self, kind: str, parse: Callable[[str], T]) -> T | None:
        text = self.before.get(kind)
        try:
            return None if text is None else parse(text)
        except ValueError:
            raise invalid_cursor() from None


def _day_and_id(text: str) -> tuple[date, UUID]:
    day, _, key = text.partition("/")
    return date.fromisoformat(day), UUID(key)
