"""One offer: what it says, each arrow with its place in the chain, its delivery, grants and mails."""

from collections.abc import Sequence
from dataclasses import dataclass

from console import tenants
from console.answers import Page
from console.visit import Visit
from models.offers import OfferEventRow
from services import offers
from services.licences import lane_of
from services.offer_documents import document
from services.offer_log import OfferBook, chain_verifies
from store import offers as rows
from store import timelines


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the events are what was once written, and in what words that is said."""

    holds: bool
    words: str


def show_offer(visit: Visit) -> Page:
    """The offer that the path names. Raises NotFound."""
    offer = offers.get(visit.session, visit.arrival.uuid("offer_id"))
    events = rows.events(visit.session, [offer.id])[offer.id]
    book = OfferBook(visit.jobs, visit.deps.offer_secret, visit.deps.programmes)
    values = {
        "offer": document(visit.session, offer, visit.now),
        "events": events,
        "chain": judged(chain_verifies(book, offer, events), events),
        "lane": lane_of(offer.account_id),
        "grants": timelines.grants(visit.session, offer.id),
        "letters": timelines.offer_mails(visit.session, offer),
        "names": tenants.named(visit, [str(offer.account_id), str(offer.reseller_id)]),
    }
    return Page("offer.html", "Offer", values, "accounts")


def judged(holds: bool, events: Sequence[OfferEventRow]) -> Verdict:
    """The chain's verdict."""
    if holds:
        count = f"{len(events)} {'event' if len(events) == 1 else 'events'}"
        return Verdict(True, f"Verified: {count}, complete, unchanged, and the last one leads to the state it is in.")
    return Verdict(
        False,
        "Not verified: an event or the offer itself was changed, removed or added past Kontor, or the secret key is"
        " another one. Compare with a backup before you believe this page.",
    )
