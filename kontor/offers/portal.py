"""Decision page: an offer, its changes, and two buttons."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor.accounts import addresses
from kontor.accounts.address_links import AddressRole
from kontor.accounts.portal import address_page, brand_of, require_served, suspended, unknown
from kontor.http.context import Deps, RequestTransaction
from kontor.kernel.errors import Conflict, Gone, KontorError, NotFound
from kontor.kernel.states import OfferState
from kontor.licences.rules import CountChange
from kontor.mailer.formatting import harmless
from kontor.offers import decisions, holds
from kontor.offers.decisions import DecisionChoice, DecisionView
from kontor.offers.evidence import DecisionSource, DecisionWay
from kontor.programme import service as programme_service
from kontor.ui.pages import N, PublicPage, Reader, SignInForm
from models.accounts import Account
from models.offers import LineJson

OFFER: Final = N("An offer from %(brand)s")
STATES: Final[dict[OfferState, str | None]] = {
    OfferState.WAITING: N("This offer is still on its way. Please come back in a few minutes."),
    OfferState.WAITING_FOR_CONFIRMATION: None,
    OfferState.ACCEPTED: N("You have accepted this offer."),
    OfferState.REJECTED: N("You have rejected this offer."),
    OfferState.CANCELLED: N("This offer was withdrawn."),
}
GONE: Final[dict[str, str]] = {
    "withdrawn": N("This offer was withdrawn."),
    "expired": N("This offer has expired."),
    "account_closed": N("This offer was withdrawn because the account was closed."),
    "account_moved": N("This offer was withdrawn."),
    "address_changed": N("This link is no longer valid because the account’s address has changed."),
}
DECIDED_BEFORE: Final[dict[OfferState, str]] = {
    OfferState.WAITING: N("This offer is still on its way. Please come back in a few minutes."),
    OfferState.ACCEPTED: N("This offer has already been accepted; nothing was changed."),
    OfferState.REJECTED: N("This offer has already been rejected; nothing was changed."),
    OfferState.CANCELLED: N("This offer was withdrawn before you decided; nothing was changed."),
}
NOT_YET: Final[dict[str, str]] = {
    "offer_held": N("This offer is on hold because somebody objected to the new address; nothing was changed."),
    "address_unconfirmed": N("The account’s address was changed a short time ago; nothing was decided yet."),
}
CHOOSE: Final = N("Please press one of the two buttons.")


CHANGES: Final = {
    OfferState.WAITING_FOR_CONFIRMATION: "What will change",
    OfferState.ACCEPTED: "What has changed",
}


def show_decision(request: RequestTransaction) -> PublicPage:
    """Show the page; decides nothing. Raises NotFound."""
    return _page(request, _peek(request))


def decide(request: RequestTransaction) -> PublicPage:
    """Decide the offer if a button was pressed and it is still undecided. Raises NotFound, Conflict, Gone."""
    verdict, token = request.incoming.form.get("decision"), request.incoming.params["token"]
    if verdict not in list(DecisionChoice):
        return _page(request, _peek(request), 422, CHOOSE)
    tokens, choice, source = request.deps.tokens, DecisionChoice(verdict), _source(request)
    return _page(request, decisions.decide_by_link(request.context, request.session, tokens, token, choice, source))


def _source(request: RequestTransaction) -> DecisionSource:
    """Return where this decision comes from, for its evidence."""
    seen, incoming = _peek(request), request.incoming
    owner = request.session.get(Account, seen.offer.reseller_id)
    base = brand_of(request.deps, request.session, seen.account, owner).link_base
    agent = incoming.headers.get("user-agent")
    return DecisionSource(DecisionWay.LINK, incoming.origin, agent, base, public_url=request.deps.public_url)


def refuse_decision(request: RequestTransaction, error: KontorError) -> PublicPage:
    """Show why nothing was decided."""
    match error:
        case NotFound():
            return unknown()
        case Gone():
            return _page(request, _peek(request), 410, GONE.get(error.code))
        case Conflict():
            seen = _peek(request)
            return _page(request, seen, 409, NOT_YET.get(error.code) or DECIDED_BEFORE.get(seen.state))
        case _:
            raise error


OBJECT: Final = N("Object to the new admin address")
OBJECTED: Final = N("Your objection is recorded. Open offers stay undecided until we have looked into it.")


def show_objection(request: RequestTransaction) -> PublicPage:
    """Show the page of a former address; changes nothing. Raises NotFound, Gone."""
    link = holds.peek(request.context, request.session, request.deps.tokens, request.incoming.params["token"])
    done = link.address.objected_at is not None
    return address_page(request, link, AddressRole.OLD, OBJECT, OBJECTED, done=done)


def object_to_change(request: RequestTransaction) -> PublicPage:
    """Record the objection and hold the open offers. Raises NotFound, Gone."""
    tokens, token = request.deps.tokens, request.incoming.params["token"]
    link = holds.object_to_change(request.context, request.session, tokens, token)
    return address_page(request, link, AddressRole.OLD, OBJECT, OBJECTED, done=True)


def _peek(request: RequestTransaction) -> DecisionView:
    seen = decisions.peek(request.context, request.session, request.deps.tokens, request.incoming.params["token"])
    require_served(request, seen.offer.reseller_id)
    return seen


def _page(request: RequestTransaction, seen: DecisionView, status: int = 200, notice: str | None = None) -> PublicPage:
    deps, session = request.deps, request.session
    owner = session.get(Account, seen.offer.reseller_id)
    if seen.account.suspended or (owner is not None and owner.suspended):
        return suspended(request, seen.account, status, owner)
    brand = brand_of(deps, session, seen.account, owner)
    if seen.unavailable_reason is not None and status == 200:
        status, notice = 410, GONE.get(seen.unavailable_reason)
    notice = notice or STATES[seen.state]
    useless = seen.unavailable_reason == "address_changed"
    return PublicPage(
        "decision.html",
        status,
        OFFER,
        brand,
        Reader(seen.account.locale, seen.account.timezone),
        notice,
        "bad" if status >= 400 else "good",
        {"brand": brand, "seen": DecisionContent() if useless else _content(deps, session, seen, request.now)},
        SignInForm("/updates", None if useless else seen.account.name) if status == 410 else None,
    )


@dataclass(frozen=True, slots=True)
class DecisionContent:
    """Content of the page, with the names of products; empty for the holder of an outdated link, who must not read it.

    `until`: the end of an offer that can be decided; `decides_from`: from when, after a change of address.
    """

    message: str | None = None
    lines: tuple[LineJson, ...] = ()
    changes_title: str | None = None
    changes: tuple[CountChange, ...] = ()
    undecided: bool = False
    until: datetime | None = None
    decides_from: datetime | None = None
    held: bool = False


def _content(deps: Deps, session: Session, seen: DecisionView, now: datetime) -> DecisionContent:
    programme = deps.programmes.current(session, seen.account.programme)
    locale = seen.account.locale

    def name(code: str) -> str:
        return programme_service.name_of(programme, code, locale)

    address = addresses.current(session, seen.account)
    since = None if address is None else addresses.waits_until(address)
    return DecisionContent(
        message=seen.offer.message and harmless(seen.offer.message),
        lines=tuple(LineJson({**line, "product": name(line["product"])}) for line in seen.offer.lines),
        changes_title=CHANGES.get(seen.state),
        changes=tuple(replace(change, product=name(change.product)) for change in seen.changes),
        undecided=seen.undecided,
        until=seen.offer.open_until or seen.offer.expires_at,
        decides_from=None if address is None or since is None or since <= now else since,
        held=seen.offer.held_by is not None,
    )
