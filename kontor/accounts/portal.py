"""The activation page: a new client's admin confirms the address by pressing a button."""

from sqlalchemy.orm import Session

from kontor.accounts import activation
from kontor.accounts.brands import branding_for
from kontor.http.context import Deps, RequestTransaction
from kontor.kernel.errors import Conflict, Gone, Invalid, KontorError, NotFound
from kontor.mailer.brand import Brand
from kontor.ui import page_texts
from kontor.ui.pages import PublicPage, Reader
from models.accounts import Account


def show_activation(request: RequestTransaction) -> PublicPage:
    """Show the page; changes nothing. Raises NotFound, Gone."""
    link = _peek(request)
    notice = page_texts.ACTIVE if link.done else None
    return _page(request, link.account, 200, notice, form=not link.done)


def activate(request: RequestTransaction) -> PublicPage:
    """Activate the account, with a password if one was entered. Raises NotFound, Gone, Conflict, Invalid."""
    password = request.incoming.form.get("password") or None
    token = request.incoming.params["token"]
    link = activation.activate(request.context, request.session, request.deps.tokens, token, password)
    return _page(request, link.account, 200, page_texts.ACTIVE, form=False)


def refuse_activation(request: RequestTransaction, error: KontorError) -> PublicPage:
    """Show why nothing was activated."""
    match error:
        case NotFound():
            return unknown()
        case Gone():
            return _gone(error)
        case Conflict():
            return _page(request, _peek(request).account, 409, page_texts.ACTIVE_BEFORE, form=False)
        case Invalid():
            return _page(request, _peek(request).account, 422, page_texts.PASSWORD, form=True)
        case _:
            raise error


def _peek(request: RequestTransaction) -> activation.Invitation:
    token = request.incoming.params["token"]
    return activation.peek(request.context, request.session, request.deps.tokens, token)


def _gone(error: Gone) -> PublicPage:
    """Return a page without a brand: it must not reveal the account."""
    return PublicPage("plain.html", 410, page_texts.ACTIVATION_GONE[error.code], values={"hint": None})


def _page(request: RequestTransaction, account: Account, status: int, notice: str | None, *, form: bool) -> PublicPage:
    brand = brand_of(request.deps, request.session, account)
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


def brand_of(deps: Deps, session: Session, account: Account, reseller: Account | None = None) -> Brand:
    """Return the reseller's brand, or the provider's."""
    programme = deps.programmes.current(session, account.programme)
    provider = Brand(name=programme.sender.name, link_base=deps.public_url)
    return branding_for(session, account, provider, reseller=reseller).brand


def unknown() -> PublicPage:
    """Return the page for an unknown link; it shows no brand."""
    return PublicPage("plain.html", 404, page_texts.UNKNOWN, values={"hint": page_texts.UNKNOWN_HINT})
