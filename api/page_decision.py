"""Decision page: an offer, its changes, and two buttons."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from api import page_words as words
from api.deps import Deps
from api.page_render import PublicPage, Reader
from api.page_voice import brand_of, unknown
from domain.errors import Conflict, Gone, NotFound
from domain.offers import OfferState
from models.accounts import Account
from services import decisions, products
from services.decisions import Decision, Verdict
from services.offer_log import OfferBook

CHANGES: Final = {
    OfferState.WAITING_FOR_CONFIRMATION: "What will change",
    OfferState.ACCEPTED: "What has changed",
}


def show_decision(deps: Deps, token: str) -> PublicPage:
    """Show the page; decides nothing."""
    with deps.sessions() as session:
        try:
            seen = decisions.look(_service_context(deps), session, deps.tokens, token)
        except NotFound:
            return unknown()
        return _page(deps, session, seen)


def decide(deps: Deps, token: str, form: Mapping[str, str]) -> PublicPage:
    """Decide the offer if a button was pressed and it is still undecided."""
    verdict = form.get("decision")
    with deps.sessions() as session:
        service_ctx = _service_context(deps)
        try:
            if verdict not in list(Verdict):
                seen = decisions.look(service_ctx, session, deps.tokens, token)
                return _page(deps, session, seen, 422, words.CHOOSE)
            seen = decisions.decide_by_link(service_ctx, session, deps.tokens, token, Verdict(verdict))
            view = _page(deps, session, seen)
            session.commit()
        except NotFound:
            return unknown()
        except (Conflict, Gone) as error:
            session.rollback()
            seen = decisions.look(service_ctx, session, deps.tokens, token)
            return _not_decided(deps, session, seen, error)
    return view


def _not_decided(deps: Deps, session: Session, seen: Decision, error: Conflict | Gone) -> PublicPage:
    """Return the page with the reason why nothing was decided."""
    if isinstance(error, Gone):
        return _page(deps, session, seen, 410, words.GONE.get(error.code))
    return _page(deps, session, seen, 409, words.DECIDED_BEFORE.get(seen.state))


def _page(deps: Deps, session: Session, seen: Decision, status: int = 200, notice: str | None = None) -> PublicPage:
    owner = session.get(Account, seen.offer.reseller_id)
    brand = brand_of(deps, session, seen.account, owner)
    if seen.gone is not None and status == 200:
        status, notice = 410, words.GONE.get(seen.gone)
    notice = notice or words.STATES[seen.state]
    useless = seen.gone == "address_changed"
    return PublicPage(
        "decision.html",
        status,
        words.OFFER,
        brand,
        Reader(seen.account.locale, seen.account.timezone),
        notice,
        "bad" if status >= 400 else "good",
        {"brand": brand, "seen": _nothing() if useless else _content(deps, session, seen)},
    )


def _content(deps: Deps, session: Session, seen: Decision) -> dict[str, Any]:
    programme = deps.programmes.current(session, seen.account.programme)
    locale = seen.account.locale

    def name(code: str) -> str:
        return products.name_of(programme, code, locale)

    return {
        "message": seen.offer.message,
        "lines": [{**line, "product": name(line["product"])} for line in seen.offer.lines],
        "changes_title": CHANGES.get(seen.state),
        "changes": [{"product": name(c.product), "now": c.now, "then": c.then} for c in seen.changes],
        "undecided": seen.undecided,
        "until": seen.offer.expires_at,
    }


def _nothing() -> dict[str, Any]:
    """Return empty values: the holder of an outdated link must not read the offer."""
    return {"message": None, "lines": [], "changes_title": None, "changes": [], "undecided": False}


def _service_context(deps: Deps) -> OfferBook:
    return OfferBook(deps.jobs, deps.offer_secret, deps.programmes)
