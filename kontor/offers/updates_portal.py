"""The client's updates: open offers first, each with what will change; accepting and rejecting; the history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kontor.accounts.portal import brand_of
from kontor.http.visibility import Viewer
from kontor.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kontor.kernel.states import OfferState
from kontor.mailer.formatting import harmless
from kontor.offers import decisions, inbox, service
from kontor.offers.decisions import DecidedBy, DecisionChoice
from kontor.offers.evidence import DecisionSource, DecisionWay
from kontor.offers.portal import CHANGES, CHOOSE
from kontor.offers.schemas import OfferOut
from kontor.offers.views import offer_out
from kontor.programme import service as programme_service
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalCount, PortalPage, PortalRequest, PortalResponse, SeeOther
from models.members import MemberRole
from models.offers import LineJson

UPDATES: Final = N("Updates")
OFFER: Final = N("An offer from %(brand)s")
STATE_NAMES: Final[dict[OfferState, str]] = {
    OfferState.WAITING: N("Waiting"),
    OfferState.WAITING_FOR_CONFIRMATION: N("Waiting for Confirmation"),
    OfferState.ACCEPTED: N("Accepted"),
    OfferState.REJECTED: N("Rejected"),
    OfferState.CANCELLED: N("Withdrawn"),
}
NOT_INSIDE: Final = "The decision is the client's alone."


@dataclass(frozen=True, slots=True)
class NamedChange:
    """What an offer changes, with the product's name."""

    product: str
    now: int
    then: int


@dataclass(frozen=True, slots=True)
class Update:
    """An offer as its client reads it."""

    id: UUID
    state: OfferState
    state_name: str
    message: str | None
    lines: Sequence[LineJson]
    changes_title: str | None
    changes: Sequence[NamedChange]
    expires_at: datetime
    decided: str
    decided_at: datetime | None

    @property
    def undecided(self) -> bool:
        """Whether it awaits a decision."""
        return self.state is OfferState.WAITING_FOR_CONFIRMATION


def show_updates(request: PortalRequest) -> PortalResponse:
    """Show the offers of the account, open ones first."""
    owner = None if request.client is None else request.person.account.id
    cursor = request.incoming.param("cursor")
    seen = inbox.read_inbox(
        request.session, request.account.id, request.now, Viewer.CLIENT, reseller_id=owner, cursor=cursor, limit=50
    )
    values = {"updates": [_update(request, item) for item in seen.items], "next": seen.next, "count": seen.count}
    live = None if request.embedded or request.shown_to else f"{request.base}/updates.json"
    counted = seen.count if owner is None else None
    return PortalPage("updates.html", UPDATES, values, live=live, open_offers=counted)


def count_updates(request: PortalRequest) -> PortalResponse:
    """Return how many offers are open, for a page that asks by itself."""
    return PortalCount(inbox.count_open(request.session, request.account.id, request.now))


def show_update(request: PortalRequest) -> PortalResponse:
    """Show one offer. Raises NotFound."""
    return _page(request, _offer(request))


def decide(request: PortalRequest) -> PortalResponse:
    """Accept or reject an offer, once. Raises NotFound, Forbidden for what its reseller opened (programme.md 5.8)."""
    offer_id = _offer(request)
    if request.client is not None or request.person.by_reseller:
        raise Forbidden(message=NOT_INSIDE)
    verdict = request.incoming.form.get("decision")
    if verdict not in list(DecisionChoice):
        page = _page(request, offer_id)
        return PortalPage(page.template, page.title, page.values, 422, {"decision": CHOOSE}, page=_name(request))
    decider = DecidedBy(request.actor().name, request.person.email)
    try:
        with request.session.begin_nested():
            decisions.decide(
                request.context, request.session, offer_id, DecisionChoice(verdict), decider, _source(request)
            )
    except (Conflict, Invalid) as error:
        return refused(request, _page(request, offer_id), error)
    done = "accepted" if verdict == DecisionChoice.ACCEPT else "rejected"
    return SeeOther(f"{request.base}/updates/{offer_id}?done={done}")


def _offer(request: PortalRequest) -> UUID:
    """Return the id of an offer to the account by its present reseller. Raises NotFound."""
    offer = service.get(request.session, request.incoming.uuid("offer_id"))
    if offer.account_id != request.account.id or offer.reseller_id != request.account.reseller_id:
        raise NotFound
    return offer.id


def _source(request: PortalRequest) -> DecisionSource:
    incoming = request.incoming
    base = brand_of(request.deps, request.session, request.account).link_base
    agent = incoming.headers.get("user-agent")
    return DecisionSource(DecisionWay.PORTAL, incoming.origin, agent, base, public_url=request.deps.public_url)


def _page(request: PortalRequest, offer_id: UUID) -> PortalPage:
    request.session.expire_all()
    seen = offer_out(request.session, service.get(request.session, offer_id), request.now, Viewer.CLIENT)
    may_decide = request.own_view and not request.reader.by_reseller and request.may(MemberRole.STAFF)
    values = {"update": _update(request, seen), "may_decide": may_decide, "events": seen.events}
    return PortalPage("update.html", OFFER, values, page=_name(request))


def _name(request: PortalRequest) -> str:
    return "embed.updates.show" if request.embedded else "updates.show"


def _update(request: PortalRequest, offer: OfferOut) -> Update:
    programme = request.deps.programmes.current(request.session, request.account.programme)

    def name(code: str) -> str:
        return programme_service.name_of(programme, code, request.locale)

    last = offer.events[-1] if offer.events else None
    evidence = getattr(last, "evidence", None)
    decided = offer.state in {OfferState.ACCEPTED, OfferState.REJECTED}
    return Update(
        id=offer.id,
        state=offer.state,
        state_name=STATE_NAMES[offer.state],
        message=offer.message and harmless(offer.message),
        lines=[
            LineJson(product=name(line.product), count=line.count, mode=line.mode.value, term=line.term)
            for line in offer.lines
        ],
        changes_title=CHANGES.get(offer.state),
        changes=[NamedChange(name(change.product), change.now, change.then) for change in offer.changes],
        expires_at=offer.expires_at,
        decided=getattr(evidence, "address", "") if decided and request.client is None else "",
        decided_at=last.at if decided and last is not None else None,
    )
