"""The activation page: a new client's admin proves the address by pressing a button."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from api import page_words as words
from api.deps import Deps
from api.page_render import Reader, View
from api.page_voice import brand_of, unknown
from domain.errors import Conflict, Gone, Invalid, NotFound
from models.accounts import Account
from services import activation
from services.account_book import AccountBook


def show_activation(deps: Deps, token: str) -> View:
    """What the link leads to; changes nothing."""
    with deps.sessions() as session:
        try:
            found = activation.show(_book(deps), session, deps.tokens, token)
        except NotFound:
            return unknown()
        except Gone as gone:
            return _gone(gone)
        notice = words.ACTIVE if found.done else None
        return _page(deps, session, found.account, 200, notice, form=not found.done)


def activate(deps: Deps, token: str, form: Mapping[str, str]) -> View:
    """Activate, with the password that was chosen, if one was."""
    password = form.get("password") or None
    book = _book(deps)
    with deps.sessions() as session:
        try:
            found = activation.activate(book, session, deps.tokens, token, password)
            view = _page(deps, session, found.account, 200, words.ACTIVE, form=False)
            session.commit()
        except NotFound:
            return unknown()
        except Gone as gone:
            return _gone(gone)
        except (Conflict, Invalid) as refused:
            session.rollback()
            return _refused(deps, session, token, refused)
    return view


def _refused(deps: Deps, session: Session, token: str, refused: Conflict | Invalid) -> View:
    account = activation.show(_book(deps), session, deps.tokens, token).account
    if isinstance(refused, Conflict):
        return _page(deps, session, account, 409, words.ACTIVE_BEFORE, form=False)
    return _page(deps, session, account, 422, words.PASSWORD, form=True)


def _gone(gone: Gone) -> View:
    """Whose account it was is not said any more."""
    return View("plain.html", 410, words.ACTIVATION_GONE[gone.code], values={"hint": None})


def _page(deps: Deps, session: Session, account: Account, status: int, notice: str | None, *, form: bool) -> View:
    brand = brand_of(deps, session, account)
    return View(
        "activation.html",
        status,
        words.ACTIVATE,
        brand,
        Reader(account.locale, account.timezone),
        notice,
        "bad" if status >= 400 else "good",
        {"brand": brand, "account": account.name, "open": form},
    )


def _book(deps: Deps) -> AccountBook:
    return AccountBook(deps.jobs, deps.programmes, deps.passwords)
