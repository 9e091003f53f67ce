"""Decision page: an offer, its changes, and two buttons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kontor.accounts.portal import brand_of, unknown
from kontor.context import Context
from kontor.http.context import Deps
from kontor.kernel.errors import Conflict, Gone, NotFound
from kontor.kernel.states import OfferState
from kontor.licences.rules import CountChange
from kontor.offers import decisions
from kontor.offers.decisions import DecisionChoice, DecisionView
from kontor.programme import service as programme_service
from kontor.ui import page_texts
from kontor.ui.pages import PublicPage, Reader
from models.accounts import Account
from models.offers import LineJson

CHANGES: Final = {
    OfferState.WAITING_FOR_CONFIRMATION: "What will change",
    OfferState.ACCEPTED: "What has changed",
}


def show_decision(deps: Deps, token: str) -> PublicPage:
    """Show the page; decides nothing."""
    with deps.sessions() as session:
        try:
            seen = decisions.peek(_service_context(deps), session, deps.tokens, token)
        except NotFound:
            return unknown()
        return _page(deps, session, seen)


def decide(deps: Deps, token: str, form: Mapping[str, str]) -> PublicPage:
    """Decide the offer if a button was pressed and it is still undecided."""
    verdict = form.get("decision")
    with deps.sessions() as session:
        service_ctx = _service_context(deps)
        try:
            if verdict not in list(DecisionChoice):
                seen = decisions.peek(service_ctx, session, deps.tokens, token)
                return _page(deps, session, seen, 422, page_texts.CHOOSE)
            seen = decisions.decide_by_link(service_ctx, session, deps.tokens, token, DecisionChoice(verdict))
            view = _page(deps, session, seen)
            session.commit()
        except NotFound:
            return unknown()
        except (Conflict, Gone) as error:
            session.rollback()
            seen = decisions.peek(service_ctx, session, deps.tokens, token)
            return _not_decided(deps, session, seen, error)
    return view


def _not_decided(deps: Deps, session: Session, seen: DecisionView, error: Conflict | Gone) -> PublicPage:
    """Return the page with the reason why nothing was decided."""
    if isinstance(error, Gone):
        return _page(deps, session, seen, 410, page_texts.GONE.get(error.code))
    return _page(deps, session, seen, 409, page_texts.DECIDED_BEFORE.get(seen.state))


def _page(deps: Deps, session: Session, seen: DecisionView, status: int = 200, notice: str | None = None) -> PublicPage:
    owner = session.get(Account, seen.offer.reseller_id)
    brand = brand_of(deps, session, seen.account, owner)
    if seen.unavailable_reason is not None and status == 200:
        status, notice = 410, page_texts.GONE.get(seen.unavailable_reason)
    notice = notice or page_texts.STATES[seen.state]
    useless = seen.unavailable_reason == "address_changed"
    return PublicPage(
        "decision.html",
        status,
        page_texts.OFFER,
        brand,
        Reader(seen.account.locale, seen.account.timezone),
        notice,
        "bad" if status >= 400 else "good",
        {"brand": brand, "seen": DecisionContent() if useless else _content(deps, session, seen)},
    )


@dataclass(frozen=True, slots=True)
class DecisionContent:
    """Content of the page, with the names of products; empty for the holder of an outdated link, who must not read it.

    `until`: the end of an offer that can be decided.
    """

    message: str | None = None
    lines: tuple[LineJson, ...] = ()
    changes_title: str | None = None
    changes: tuple[CountChange, ...] = ()
    undecided: bool = False
    until: datetime | None = None


def _content(deps: Deps, session: Session, seen: DecisionView) -> DecisionContent:
    programme = deps.programmes.current(session, seen.account.programme)
    locale = seen.account.locale

    def name(code: str) -> str:
        return programme_service.name_of(programme, code, locale)

    return DecisionContent(
        message=seen.offer.message,
        lines=tuple(LineJson({**line, "product": name(line["product"])}) for line in seen.offer.lines),
        changes_title=CHANGES.get(seen.state),
        changes=tuple(replace(change, product=name(change.product)) for change in seen.changes),
        undecided=seen.undecided,
        until=seen.offer.expires_at,
    )


def _service_context(deps: Deps) -> Context:
    return deps.context(deps.jobs)
