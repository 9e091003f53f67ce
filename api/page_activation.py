"""Activation page: a new client's admin confirms the address with a button."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from api import page_words as words
from api.deps import Deps
from api.page_render import PublicPage, Reader
from api.page_voice import brand_of, unknown
from domain.errors import Conflict, Gone, Invalid, NotFound
from models.accounts import Account
from services import activation
from services.account_book import AccountBook


def show_activation(deps: Deps, token: str) -> PublicPage:
    """Show the page; changes nothing."""
    with deps.sessions() as session:
        try:
            link = activation.show(_service_context(deps), session, deps.tokens, token)
        except NotFound:
            return unknown()
        except Gone as error:
            return _gone(error)
        notice = words.ACTIVE if link.done else None
        return _page(deps, session, link.account, 200, notice, form=not link.done)


def activate(deps: Deps, token: str, form: Mapping[str, str]) -> PublicPage:
    """Activate the account, with a password if one was entered."""
    password = form.get("password") or None
    service_ctx = _service_context(deps)
    with deps.sessions() as session:
        try:
            link = activation.activate(service_ctx, session, deps.tokens, token, password)
            view = _page(deps, session, link.account, 200, words.ACTIVE, form=False)
            session.commit()
        except NotFound:
            return unknown()
        except Gone as error:
            return _gone(error)
        except (Conflict, Invalid) as error:
            session.rollback()
            return _refused(deps, session, token, error)
    return view


def _refused(deps: Deps, session: Session, token: str, error: Conflict | Invalid) -> PublicPage:
    account = activation.show(_service_context(deps), session, deps.tokens, token).account
    if isinstance(error, Conflict):
        return _page(deps, session, account, 409, words.ACTIVE_BEFORE, form=False)
    return _page(deps, session, account, 422, words.PASSWORD, form=True)


def _gone(error: Gone) -> PublicPage:
    """Return a page without a brand: it must not reveal the account."""
    return PublicPage("plain.html", 410, words.ACTIVATION_GONE[error.code], values={"hint": None})


def _page(deps: Deps, session: Session, account: Account, status: int, notice: str | None, *, form: bool) -> PublicPage:
    brand = brand_of(deps, session, account)
    return PublicPage(
        "activation.html",
        status,
        words.ACTIVATE,
        brand,
        Reader(account.locale, account.timezone),
        notice,
        "bad" if status >= 400 else "good",
        {"brand": brand, "account": account.name, "open": form},
    )


def _service_context(deps: Deps) -> AccountBook:
    return AccountBook(deps.jobs, deps.programmes, deps.passwords)
