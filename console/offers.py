"""One offer: its lines, transitions with their hash chain, delivery, grants and mails."""

from collections.abc import Sequence
from dataclasses import dataclass

from console import tenants, texts
from console.answers import TemplateResponse
from console.visit import ConsoleRequest
from models.offers import OfferEventRow
from services import offers
from services.licences import lane_of
from services.offer_documents import document
from services.offer_log import OfferBook, chain_verifies
from store import offers as rows
from store import timelines


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """Whether the hash chain is intact, and the text that says so."""

    holds: bool
    words: str


def show_offer(request: ConsoleRequest) -> TemplateResponse:
    """Show one offer. Raises NotFound."""
    offer = offers.get(request.session, request.incoming.uuid("offer_id"))
    events = rows.events(request.session, [offer.id])[offer.id]
    service_ctx = OfferBook(request.jobs, request.deps.offer_secret, request.deps.programmes)
    values = {
        "offer": document(request.session, offer, request.now),
        "events": events,
        "chain": chain_status(chain_verifies(service_ctx, offer, events), events),
        "lane": lane_of(offer.account_id),
        "grants": timelines.grants(request.session, offer.id),
        "mails": timelines.offer_mails(request.session, offer),
        "names": tenants.named(request, [str(offer.account_id), str(offer.reseller_id)]),
    }
    return TemplateResponse("offer.html", "Offer", values, "accounts")


def chain_status(holds: bool, events: Sequence[OfferEventRow]) -> ChainStatus:
    """Return the text for a hash chain that is intact or broken."""
    if holds:
        count = f"{len(events)} {'event' if len(events) == 1 else 'events'}"
        return ChainStatus(True, f"Audit trail intact ({count}).")
    return ChainStatus(False, texts.AUDIT_TRAIL_BROKEN)
