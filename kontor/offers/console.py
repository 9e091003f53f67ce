"""Offers: the list; one with its lines, transitions with their hash chain, delivery, grants and mails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kontor.accounts import timeline_queries
from kontor.http.visibility import Viewer
from kontor.kernel.paging import Page
from kontor.kernel.states import OfferState
from kontor.licences.service import instance_lane
from kontor.offers import holds, queries, service
from kontor.offers.transitions import audit_trail_intact
from kontor.offers.views import offer_out, state_at
from kontor.programme.display_names import DisplayNames
from kontor.ui import formatting, texts
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.listing import (
    ACCOUNT,
    FROM,
    RESELLER,
    TO,
    Cell,
    ListColumn,
    ListFilter,
    Listing,
    ListQuery,
    account_cell,
)
from models.offers import Offer, OfferEventRow


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """Whether the hash chain is intact, and the text that says so."""

    holds: bool
    words: str


def show_offer(request: ConsoleRequest) -> TemplateResponse:
    """Show one offer. Raises NotFound."""
    offer = service.get(request.session, request.incoming.uuid("offer_id"))
    events = queries.events(request.session, [offer.id])[offer.id]
    service_ctx, account = request.context, timeline_queries.account(request.session, offer.account_id)
    assert account is not None
    values = {
        "offer": offer_out(request.session, offer, request.now, Viewer.OPERATOR),
        "shown": DisplayNames(service_ctx.programme_of(request.session, account)),
        "events": events,
        "chain": chain_status(audit_trail_intact(service_ctx, offer, events), events),
        "lane": instance_lane(offer.account_id),
        "grants": timeline_queries.grants(request.session, offer.id),
        "mails": timeline_queries.offer_mails(request.session, offer),
        "names": formatting.named(request, [str(offer.account_id), str(offer.reseller_id)]),
    }
    return TemplateResponse("offer.html", "Offer", values, "accounts")


def _read(request: ConsoleRequest, query: ListQuery, cursor: str | None, limit: int) -> Page[Offer]:
    return service.list_offers(
        request.session,
        request.now,
        reseller_id=query.reseller_id,
        account_id=query.account_id,
        state=query.chosen("state", OfferState),
        created=query.span,
        cursor=cursor,
        limit=limit,
    )


def _rows(request: ConsoleRequest, offers: Sequence[Offer]) -> Sequence[Sequence[Cell]]:
    names = formatting.named(request, [str(each) for row in offers for each in (row.account_id, row.reseller_id)])
    shown = formatting.display_names(request, [row.programme for row in offers])
    return [
        (
            Cell(_contents(row, shown[row.programme]), f"/console/offers/{row.id}"),
            account_cell(names, row.account_id),
            account_cell(names, row.reseller_id),
            Cell(state_at(row, request.now), state=True, error=row.delivery_error or ""),
            Cell(f"{row.delivery_attempts:,}"),
            Cell(at=row.created_at),
            Cell(at=row.open_until or row.expires_at),
        )
        for row in offers
    ]


def _contents(offer: Offer, shown: DisplayNames) -> str:
    return ", ".join(f"{line['count']:,} {shown.product(line['product'])}" for line in offer.lines)


OFFERS: Final = Listing(
    "/console/offers",
    "Offers",
    "No offer matches.",
    (ACCOUNT, RESELLER, ListFilter("state", "State", tuple(OfferState)), FROM, TO),
    (
        *map(ListColumn, ("Offer", "To", "From", "State")),
        ListColumn("Calls", figure=True),
        *map(ListColumn, ("Sent", "Expires")),
    ),
    _read,
    _rows,
    lambda row: row.id,
)


def free_offers(request: ConsoleRequest, reason: str | None) -> str:
    """Settle an objection to an account's address; return the page to go to. Raises NotFound, Conflict."""
    account_id = request.incoming.uuid("account_id")
    holds.free_offers(request.context, request.session, account_id, request.actor(reason))
    return f"/console/accounts/{account_id}?done=free-offers"


def chain_status(holds: bool, events: Sequence[OfferEventRow]) -> ChainStatus:
    """Return the text for a hash chain that is intact or broken."""
    if holds:
        count = f"{len(events)} {'event' if len(events) == 1 else 'events'}"
        return ChainStatus(True, f"Audit trail intact ({count}).")
    return ChainStatus(False, texts.AUDIT_TRAIL_BROKEN)
