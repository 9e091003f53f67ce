"""The line of time of an account: everything that happened to it, from every source, in one list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from console import entries, merging, tenants
from console.merging import Entry, Positions
from console.partial import bounded
from console.visit import Visit
from domain.paging import bad_cursor
from engine.driver import driver
from models.accounts import Account
from services.licences import lane_of
from store import timelines
from store.timelines import JobLine

T = TypeVar("T")
ROWS: Final = 50
JOBS_MS: Final = 60
KINDS: Final = {
    "events": "events",
    "jobs": "jobs and calls",
    "mails": "mails",
    "offers": "offers",
    "charges": "charges",
    "payments": "payments",
    "orders": "orders",
    "discounts": "discounts",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A page of it. `cut`: there are too many jobs to look through in time. `names` are those of accounts."""

    entries: Sequence[Entry]
    next: str | None
    chosen: Sequence[str]
    cut: bool
    names: Mapping[str, str]
    kinds: Mapping[str, str] = field(default_factory=lambda: KINDS)


def line_of(visit: Visit, account: Account, here: str) -> Line:
    """A page of what happened, as the address asks for it. Raises Invalid for a cursor that no page gave."""
    asked = visit.arrival.query
    chosen = [kind for kind in KINDS if kind in asked.getlist("show")] or list(KINDS)
    before = merging.read(visit.arrival.asked("cursor"), list(KINDS))
    reader = _Reader(visit, account, before)
    found = {kind: getattr(reader, kind)() for kind in chosen}
    page = merging.merged({kind: rows for kind, rows in found.items() if rows is not None}, before, ROWS)
    about = [str(one.about) for one in page.entries if one.about not in (None, account.id)]
    kept = [("show", kind) for kind in chosen] if len(chosen) < len(KINDS) else []
    following = None if page.next is None else f"{here}?{urlencode([*kept, ('cursor', page.next)])}"
    return Line(page.entries, following, chosen, None in found.values(), tenants.named(visit, about))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one entry more than a page of each source, from where the page before ended."""

    visit: Visit
    account: Account
    before: Positions

    def events(self) -> list[Entry]:
        """What the feed of events has."""
        seq = self._place("events", int)
        return [entries.of_event(row) for row in timelines.events(self.visit.session, self.account.id, seq, ROWS + 1)]

    def mails(self) -> list[Entry]:
        """What the mail log has."""
        after = self._place("mails", UUID)
        return [entries.of_mail(row) for row in timelines.mails(self.visit.session, self.account.id, after, ROWS + 1)]

    def offers(self) -> list[Entry]:
        """Offers to it or by it."""
        after = self._place("offers", UUID)
        found = timelines.offers(self.visit.session, self.account.id, after, ROWS + 1)
        return [entries.of_offer(row, self.visit.now) for row in found]

    def charges(self) -> list[Entry]:
        """Charges for it or paid by it."""
        after = self._place("charges", _day_and_id)
        found = timelines.charges(self.visit.session, self.account.id, after, ROWS + 1)
        return [entries.of_charge(row) for row in found]

    def payments(self) -> list[Entry]:
        """Its payments."""
        after = self._place("payments", UUID)
        found = timelines.payments(self.visit.session, self.account.id, after, ROWS + 1)
        return [entries.of_payment(row) for row in found]

    def orders(self) -> list[Entry]:
        """Its orders."""
        after = self._place("orders", UUID)
        return [entries.of_order(row) for row in timelines.orders(self.visit.session, self.account.id, after, ROWS + 1)]

    def discounts(self) -> list[Entry]:
        """What was recorded of its discount."""
        day = self._place("discounts", date.fromisoformat)
        found = timelines.discounts(self.visit.session, self.account.id, day, ROWS + 1)
        return [entries.of_discount(row) for row in found]

    def jobs(self) -> list[Entry] | None:
        """Jobs of a reseller, calls to an instance; None when looking takes too long."""
        connection, mine, lane = driver(self.visit.session), self.account.id, lane_of(self.account.id)
        after, limit = self._place("jobs", UUID), ROWS + 1
        asked: tuple[Callable[[], list[JobLine]], ...] = (
            lambda: timelines.jobs(connection, mine, after, limit),
            lambda: timelines.calls(connection, lane, after, limit),
        )
        found = [bounded(self.visit, ask, JOBS_MS) for ask in asked]
        known = {job.id: job for rows in found if rows is not None for job in rows}
        if None in found:
            return None
        return [entries.of_job(known[key]) for key in sorted(known, reverse=True)[:limit]]

    def _place(self, kind: str, parse: Callable[[str], T]) -> T | None:
        text = self.before.get(kind)
        try:
            return None if text is None else parse(text)
        except ValueError:
            raise bad_cursor() from None


def _day_and_id(text: str) -> tuple[date, UUID]:
    day, _, key = text.partition("/")
    return date.fromisoformat(day), UUID(key)
