"""Activity of an account: one list merged from every source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from console import entries, merging, tenants, texts
from console.merging import Positions, TimelineEntry
from console.partial import timeboxed
from console.visit import ConsoleRequest
from domain.paging import bad_cursor
from engine.driver import driver
from models.accounts import Account
from services.licences import lane_of
from store import timelines
from store.timelines import JobLine

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
    before = merging.parse_cursor(request.incoming.param("cursor"), list(texts.ACCOUNT_LINE_KINDS))
    reader = _Reader(request, account, before)
    rows_by_kind = {kind: getattr(reader, kind)() for kind in chosen}
    page = merging.merge({kind: rows for kind, rows in rows_by_kind.items() if rows is not None}, before, ROWS)
    about = [str(entry.about) for entry in page.entries if entry.about not in (None, account.id)]
    kept = [("show", kind) for kind in chosen] if len(chosen) < len(texts.ACCOUNT_LINE_KINDS) else []
    following = None if page.next is None else f"{here}?{urlencode([*kept, ('cursor', page.next)])}"
    return AccountTimeline(
        page.entries, following, chosen, None in rows_by_kind.values(), tenants.named(request, about)
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a page plus one entry of each source, from the previous page's positions."""

    request: ConsoleRequest
    account: Account
    before: Positions

    def events(self) -> list[TimelineEntry]:
        """Read domain events."""
        seq = self._position("events", int)
        return [entries.of_event(row) for row in timelines.events(self.request.session, self.account.id, seq, ROWS + 1)]

    def mails(self) -> list[TimelineEntry]:
        """Read the mail log."""
        after = self._position("mails", UUID)
        return [entries.of_mail(row) for row in timelines.mails(self.request.session, self.account.id, after, ROWS + 1)]

    def offers(self) -> list[TimelineEntry]:
        """Read offers to or by the account."""
        after = self._position("offers", UUID)
        rows = timelines.offers(self.request.session, self.account.id, after, ROWS + 1)
        return [entries.of_offer(row, self.request.now) for row in rows]

    def charges(self) -> list[TimelineEntry]:
        """Read charges for or paid by the account."""
        after = self._position("charges", _day_and_id)
        rows = timelines.charges(self.request.session, self.account.id, after, ROWS + 1)
        return [entries.of_charge(row) for row in rows]

    def payments(self) -> list[TimelineEntry]:
        """Read payments."""
        after = self._position("payments", UUID)
        rows = timelines.payments(self.request.session, self.account.id, after, ROWS + 1)
        return [entries.of_payment(row) for row in rows]

    def orders(self) -> list[TimelineEntry]:
        """Read orders."""
        after = self._position("orders", UUID)
        return [
            entries.of_order(row) for row in timelines.orders(self.request.session, self.account.id, after, ROWS + 1)
        ]

    def discounts(self) -> list[TimelineEntry]:
        """Read recorded discounts."""
        day = self._position("discounts", date.fromisoformat)
        rows = timelines.discounts(self.request.session, self.account.id, day, ROWS + 1)
        return [entries.of_discount(row) for row in rows]

    def jobs(self) -> list[TimelineEntry] | None:
        """Read a reseller's jobs and the calls to its instance; None if that takes too long."""
        connection, mine, lane = driver(self.request.session), self.account.id, lane_of(self.account.id)
        after, limit = self._position("jobs", UUID), ROWS + 1
        queries: tuple[Callable[[], list[JobLine]], ...] = (
            lambda: timelines.jobs(connection, mine, after, limit),
            lambda: timelines.calls(connection, lane, after, limit),
        )
        results = [timeboxed(self.request, query, JOBS_MS) for query in queries]
        jobs = {job.id: job for rows in results if rows is not None for job in rows}
        if None in results:
            return None
        return [entries.of_job(jobs[key]) for key in sorted(jobs, reverse=True)[:limit]]

    def _position(self, kind: str, parse: Callable[[str], T]) -> T | None:
        text = self.before.get(kind)
        try:
            return None if text is None else parse(text)
        except ValueError:
            raise bad_cursor() from None


def _day_and_id(text: str) -> tuple[date, UUID]:
    day, _, key = text.partition("/")
    return date.fromisoformat(day), UUID(key)
