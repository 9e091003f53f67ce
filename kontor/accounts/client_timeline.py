"""Everything about one client in one line of time, newest first, cut to what its reseller may see.

What belongs to a former reseller, or is from before the client was this one's, is in none of the sources: each row
names its reseller. A page reads at most one page of each source, by an index of the account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session, load_only

from kontor.accounts import client_lines, timeline_entries
from kontor.accounts.client_lines import ClientLine
from kontor.accounts.timeline_entries import Positions, TimelinePage
from kontor.kernel.paging import invalid_cursor
from kontor.programme.display_names import DisplayNames
from kontor.programme.service import products_of_others
from models.accounts import Account
from models.mails import Mail
from models.offers import Offer
from models.portal import PortalVisit
from models.webhooks import DomainEvent

T = TypeVar("T")
RowKey = InstrumentedAttribute[int] | InstrumentedAttribute[UUID]
ROWS: Final = 50
SOURCES: Final = ("events", "mails", "offers", "visits")
TYPES: Final = frozenset(
    (
        *("account.created", "account.activated", "account.updated", "account.connected", "account.disconnected"),
        *("account.suspended", "account.resumed", "account.deleted", "account.restored"),
        *("brand.changed", "domain.verified", "domain.lost"),
        *("trial.started", "trial.ended", "subscription.changed", "usage.threshold"),
        *("offer.delivered", "offer.withdrawn", "offer.accepted", "offer.rejected", "offer.cancelled"),
        *("licences.granted", "licences.ending", "charge.created", "charge.voided"),
        *("service.active", "service.failed", "service.suspended", "service.resumed", "service.changed"),
        *("service.renewed", "service.ended"),
    )
)
"""Events of a client. The others are of resellers, name tasks, or say again what one of these says."""


def timeline(
    session: Session, client: Account, owner_id: UUID, names: DisplayNames, cursor: str | None
) -> TimelinePage[ClientLine]:
    """Return a page of what happened at a client while it was the owner's. Raises Invalid for a malformed cursor."""
    before = timeline_entries.parse_cursor(cursor, SOURCES)
    others = products_of_others(session, client.programme, owner_id)
    reader = _ClientReader(session, client.id, owner_id, before)
    lists = {
        "events": [client_lines.of_event(row, names, others) for row in reader.events()],
        "mails": [client_lines.of_mail(row) for row in reader.mails()],
        "offers": [client_lines.of_offer(row, names, others) for row in reader.offers()],
        "visits": [client_lines.of_visit(row) for row in reader.visits()],
    }
    return timeline_entries.merge(lists, before, ROWS)


@dataclass(frozen=True, slots=True)
class _ClientReader:
    """Reads a page and one row more of each source, from the previous page's positions."""

    session: Session
    client_id: UUID
    owner_id: UUID
    before: Positions

    def events(self) -> list[DomainEvent]:
        mine = (DomainEvent.account_id == self.client_id, DomainEvent.reseller_id == self.owner_id)
        query = select(DomainEvent).where(*mine, DomainEvent.type.in_(TYPES))
        return self._page(query, DomainEvent.seq, "events", int)

    def mails(self) -> list[Mail]:
        mine = (Mail.account_id == self.client_id, Mail.reseller_id == self.owner_id)
        shown = load_only(Mail.template, Mail.subject, Mail.created_at)
        return self._page(select(Mail).options(shown).where(*mine), Mail.id, "mails", UUID)

    def offers(self) -> list[Offer]:
        mine = (Offer.account_id == self.client_id, Offer.reseller_id == self.owner_id)
        return self._page(select(Offer).where(*mine), Offer.id, "offers", UUID)

    def visits(self) -> list[PortalVisit]:
        mine = (PortalVisit.account_id == self.client_id, PortalVisit.reseller_id == self.owner_id)
        return self._page(select(PortalVisit).where(*mine), PortalVisit.seq, "visits", int)

    def _page(self, query: Select[T], key: RowKey, source: str, parse: Callable[[str], object]) -> list[T]:
        text = self.before.get(source)
        if text is not None:
            query = query.where(_below(key, text, parse))
        return list(self.session.scalars(query.order_by(key.desc()).limit(ROWS + 1)))


def _below(key: RowKey, text: str, parse: Callable[[str], object]) -> ColumnElement[bool]:
    try:
        last = parse(text)
    except ValueError:
        raise invalid_cursor() from None
    return key < last
