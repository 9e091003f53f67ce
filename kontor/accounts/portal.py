"""The activation page: a new client's admin confirms the address by pressing a button."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from kontor.accounts import activation
from kontor.accounts.brands import branding_for
from kontor.context import Context
from kontor.http.context import Deps
from kontor.kernel.errors import Conflict, Gone, Invalid, NotFound
from kontor.mailer.brand import Brand
from kontor.ui import page_texts
from kontor.ui.pages import PublicPage, Reader
from models.accounts import Account


def show_activation(deps: Deps, token: str) -> PublicPage:
    """Show the page; changes nothing."""
    with deps.sessions() as session:
        try:
            link = activation.peek(_service_context(deps), session, deps.tokens, token)
        except NotFound:
            return unknown()
        except Gone as error:
            return _gone(error)
        notice = page_texts.ACTIVE if link.done else None
        return _page(deps, session, link.account, 200, notice, form=not link.done)


def activate(deps: Deps, token: str, form: Mapping[str, str]) -> PublicPage:
    """Activate the account, with a password if one was entered."""
    password = form.get("password") or None
    service_ctx = _service_context(deps)
    with deps.sessions() as session:
        try:
            link = activation.activate(service_ctx, session, deps.tokens, token, password)
            view = _page(deps, session, link.account, 200, page_texts.ACTIVE, form=False)
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
    account = activation.peek(_service_context(deps), session, deps.tokens, token).account
    if isinstance(error, Conflict):
        return _page(deps, session, account, 409, page_texts.ACTIVE_BEFORE, form=False)
    return _page(deps, session, account, 422, page_texts.PASSWORD, form=True)


def _gone(error: Gone) -> PublicPage:
    """Return a page without a brand: it must not reveal the account."""
    return PublicPage("plain.html", 410, page_texts.ACTIVATION_GONE[error.code], values={"hint": None})


def _page(deps: Deps, session: Session, account: Account, status: int, notice: str | None, *, form: bool) -> PublicPage:
    brand = brand_of(deps, session, account)
    return PublicPage(
        "activation.html",
        status,
        page_texts.ACTIVATE,
        brand,
        Reader(account.locale, account.timezone),
        notice,
        "bad" if status >= 400 else "good",
        {"brand": brand, "account": account.name, "open": form},
    )


def _service_context(deps: Deps) -> Context:
    return deps.context(deps.jobs)


def brand_of(deps: Deps, session: Session, account: Account, reseller: Account | None = None) -> Brand:
    """Return the reseller's brand, or the provider's."""
    programme = deps.programmes.current(session, account.programme)
    provider = Brand(name=programme.sender.name, link_base=deps.public_url)
    return branding_for(session, account, provider, reseller=reseller).brand


def unknown() -> PublicPage:
    """Return the page for an unknown link; it shows no brand."""
    return PublicPage("plain.html", 404, page_texts.UNKNOWN, values={"hint": page_texts.UNKNOWN_HINT})
