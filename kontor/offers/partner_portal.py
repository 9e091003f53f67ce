"""The reseller's offers: sent to a client, watched while they wait, mailed again, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from kontor.accounts.client_choice import chosen_client, client_choice
from kontor.kernel.errors import Conflict, Invalid, NotFound, TooManyAttempts
from kontor.kernel.failure_causes import FailureCause, failure_cause
from kontor.kernel.states import OfferState
from kontor.mails import resend
from kontor.offers import service, templates
from kontor.offers.rules import OPEN_STATES, OfferWait, WaitReason
from kontor.offers.service import NewOffer
from kontor.offers.updates_portal import STATE_NAMES
from kontor.offers.views import state_at, waits_of
from kontor.ui.pages import N
from kontor.ui.portal_errors import refused
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, PortalUnchanged, SeeOther
from models.offers import Offer, OfferTemplate

OFFERS: Final = N("Offers")
NEW: Final = N("New offer")
LIVE: Final = "/partner/offers/live"
PAGE_SIZE: Final = 50
MOST_TEMPLATES: Final = 200
WAITS: Final[Mapping[WaitReason, str]] = {
    WaitReason.NO_INSTANCE: N("This client has no system connected."),
    WaitReason.GIVEN_UP: N("The delivery was given up."),
    WaitReason.SUSPENDED: N("The client or your own account is suspended."),
    WaitReason.PAUSED: N("Deliveries to this system are on hold on our side."),
    WaitReason.DOWN: N("The client’s system is unavailable."),
    WaitReason.REFUSED: N("The client’s system turned the offer down."),
    WaitReason.BEHIND: N("Earlier messages to this system go first."),
    WaitReason.UNDER_WAY: N("The offer is being delivered now."),
}
HELD: Final = N("On hold: somebody objected to the new address of the client.")


@dataclass(frozen=True, slots=True)
class OfferWaitView:
    """Why an offer waits, as its reseller reads it. `cause`: of the last failed call, OTHER for one without words.

    `final`: nothing more is tried by itself.
    """

    reason: WaitReason
    text: str
    cause: FailureCause | None
    since: datetime | None
    next_try_at: datetime | None
    ahead: int
    final: bool

    @classmethod
    def of(cls, wait: OfferWait) -> OfferWaitView:
        """Return the wait in words; the recorded error itself is for operators."""
        cause = None if wait.last_error is None else failure_cause(wait.last_error)
        ends = {WaitReason.GIVEN_UP, WaitReason.NO_INSTANCE}
        final = wait.next_try_at is None and wait.reason in ends
        return cls(wait.reason, WAITS[wait.reason], cause, wait.since, wait.next_try_at, wait.ahead, final)


@dataclass(frozen=True, slots=True)
class OfferRow:
    """An offer as the list shows it. `open`: it can be withdrawn; `decidable`: its mail can be sent again."""

    id: UUID
    client_id: UUID
    client: str
    created_at: datetime
    state: OfferState
    state_name: str
    open: bool
    decidable: bool
    held: str | None
    wait: OfferWaitView | None


def show_offers(request: PortalRequest) -> PortalResponse:
    """Show the reseller's offers, newest first."""
    return _offers(request)


def watch_offers(request: PortalRequest) -> PortalResponse:
    """Show the same to a page that asks by itself, or say that nothing has changed since the mark it `seen`."""
    page = _offers(request)
    return PortalUnchanged() if request.incoming.param("seen") == page.values["mark"] else page


def show_new(request: PortalRequest) -> PortalResponse:
    """Show the form of a new offer."""
    owner = request.person.account
    listed = templates.list_templates(request.session, reseller_id=owner.id, limit=MOST_TEMPLATES)
    values = {"choice": client_choice(request), "templates": listed.items}
    return PortalPage("offer_new.html", NEW, values, page="partner.offers.new", script="_offer_new.js")


def send(request: PortalRequest) -> PortalResponse:
    """Send an offer from a template to a client. Raises NotFound for what is another reseller's, also in a field."""
    form, owner = request.incoming.form, request.person.account
    client = chosen_client(request, form.get("account_id", ""))
    template_id = _id(form.get("template_id", ""))
    _own_template(request, template_id)
    new = NewOffer(owner.id, client.id, template_id, message=form.get("message") or None)
    try:
        with request.session.begin_nested():
            service.send(request.context, request.session, new, request.actor().name)
    except (Conflict, Invalid, TooManyAttempts) as error:
        page = show_new(request)
        assert isinstance(page, PortalPage)
        return refused(request, page, error)
    return SeeOther("/partner/offers?done=offer-sent")


def mail_again(request: PortalRequest) -> PortalResponse:
    """Send the mail about an offer to its client again. Raises NotFound."""
    offer = _own_offer(request)
    try:
        with request.session.begin_nested():
            resend.resend_of_offer(request.context, request.session, offer, request.actor())
    except (Conflict, TooManyAttempts) as error:
        return refused(request, _offers(request), error)
    return SeeOther("/partner/offers?done=offer-mailed")


def cancel(request: PortalRequest) -> PortalResponse:
    """Withdraw an offer. Raises NotFound."""
    offer = _own_offer(request)
    try:
        with request.session.begin_nested():
            service.cancel(request.context, request.session, offer.id, request.actor().name)
    except Conflict as error:
        return refused(request, _offers(request), error)
    above = (
        f"/partner/clients/{offer.account_id}" if request.incoming.form.get("from") == "client" else "/partner/offers"
    )
    return SeeOther(f"{above}?done=offer-cancelled")


def _offers(request: PortalRequest) -> PortalPage:
    request.session.expire_all()
    owner_id = request.person.account.id
    page = service.list_offers(
        request.session, request.now, reseller_id=owner_id, cursor=request.incoming.param("cursor"), limit=PAGE_SIZE
    )
    names = service.account_names(request.session, [offer.account_id for offer in page.items])
    rows = offer_rows(request, page.items, names)
    cursor = request.incoming.param("cursor")
    values = {
        "rows": rows,
        "next": page.next,
        "mark": _mark(rows, request.now),
        "watched": f"{LIVE}?{urlencode({'cursor': cursor})}&" if cursor else f"{LIVE}?",
    }
    return PortalPage("offers.html", OFFERS, values, page="partner.offers", script="_offers.js")


def _mark(rows: Sequence[OfferRow], now: datetime) -> str:
    """Return a digest of what the list shows; a try that is due is the same at every instant."""
    waits = [row.wait.next_try_at for row in rows if row.wait is not None and row.wait.next_try_at is not None]
    tries = [at for at in waits if at > now]
    shown = [(row.id, row.state, row.held, row.wait and replace(row.wait, next_try_at=None)) for row in rows]
    return sha256(repr((shown, tries)).encode()).hexdigest()[:16]


def offer_rows(request: PortalRequest, offers: Sequence[Offer], names: Mapping[UUID, str]) -> list[OfferRow]:
    """Return offers as pages show them; `names`: of their clients."""
    waits = waits_of(request.session, offers, request.now)
    return [_row(offer, names[offer.account_id], waits.get(offer.id), request.now) for offer in offers]


def _row(offer: Offer, client: str, wait: OfferWait | None, now: datetime) -> OfferRow:
    state = state_at(offer, now)
    return OfferRow(
        id=offer.id,
        client_id=offer.account_id,
        client=client,
        created_at=offer.created_at,
        state=state,
        state_name=STATE_NAMES[state],
        open=state in OPEN_STATES,
        decidable=state is OfferState.WAITING_FOR_CONFIRMATION,
        held=HELD if offer.held_by is not None and state in OPEN_STATES else None,
        wait=None if wait is None else OfferWaitView.of(wait),
    )


def _own_offer(request: PortalRequest) -> Offer:
    """Return the reseller's offer of the path. Raises NotFound."""
    offer = service.get(request.session, request.incoming.uuid("offer_id"))
    if offer.reseller_id != request.person.account.id:
        raise NotFound
    return offer


def _own_template(request: PortalRequest, template_id: UUID) -> OfferTemplate:
    template = templates.get(request.session, template_id)
    if template.reseller_id != request.person.account.id:
        raise NotFound
    return template


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
