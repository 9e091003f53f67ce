"""Pages of accounts: activation and addresses, each confirmed by pressing a button; images of brands."""

import asyncio
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from kontor.accounts import activation, address_links, addresses, brand_queries
from kontor.accounts.address_links import AddressLink, AddressRole
from kontor.accounts.brands import branding_for
from kontor.http.context import Deps, RequestTransaction
from kontor.http.edge import OWNERS
from kontor.http.transaction import run_on_connection
from kontor.kernel.errors import Conflict, Gone, Invalid, KontorError, NotFound
from kontor.mailer.brand import Brand, Support
from kontor.ui.pages import N, PublicPage, Reader, SignInForm
from models.accounts import Account

ACTIVATE: Final = N("Activate the account “%(account)s”")
ACTIVE: Final = N("The account is active. You can close this page.")
USED: Final = N("This link was used: the account is active. You can sign in.")
ACTIVE_BEFORE: Final = N("The account was already active; nothing was changed.")
ACTIVATION_GONE: Final[dict[str, str]] = {
    "expired": N("This link has expired. Please request a new one."),
    "address_changed": N("This link is no longer valid because the account’s address has changed."),
    "account_deleted": N("The account has been deleted."),
}
PASSWORD: Final = N("A password must have 12 to 200 characters, and must not be one of the most common.")
UNKNOWN: Final = N("This link is not valid")
UNKNOWN_HINT: Final = N("Please check that the link is complete, or ask the sender.")


SUSPENDED: Final = N("This account is suspended")
SUSPENDED_HINT: Final = N(
    "The links and offers of this account do not work until it is resumed. Please get in touch with the contact below."
)


def show_activation(request: RequestTransaction) -> PublicPage:
    """Show the page; changes nothing. Raises NotFound, Gone."""
    link = _peek(request)
    if link.done:
        return replace(_page(request, link.account, 410, USED, form=False), sign_in=_sign_in_of(link.account))
    return _page(request, link.account, 200, None, form=True)


def activate(request: RequestTransaction) -> PublicPage:
    """Activate the account, with a password if one was entered. Raises NotFound, Gone, Conflict, Invalid."""
    password = request.incoming.form.get("password") or None
    token = request.incoming.params["token"]
    if request.incoming.domain_owners is not None:
        _peek(request)
    link = activation.activate(request.context, request.session, request.deps.tokens, token, password)
    return _page(request, link.account, 200, ACTIVE, form=False)


def refuse_activation(request: RequestTransaction, error: KontorError) -> PublicPage:
    """Show why nothing was activated."""
    match error:
        case NotFound():
            return unknown()
        case Gone():
            return _gone(request, error)
        case Conflict():
            account = _peek(request).account
            return replace(_page(request, account, 409, ACTIVE_BEFORE, form=False), sign_in=_sign_in_of(account))
        case Invalid():
            return _page(request, _peek(request).account, 422, PASSWORD, form=True)
        case _:
            raise error


CONFIRM: Final = N("Confirm the admin address")
CONFIRMED: Final = N("The address is confirmed. You can close this page.")
ADDRESS_GONE: Final[dict[str, str]] = {**ACTIVATION_GONE, "settled": N("This has been settled.")}


def show_confirmation(request: RequestTransaction) -> PublicPage:
    """Show the page of a new address; changes nothing. Raises NotFound, Gone."""
    tokens, token = request.deps.tokens, request.incoming.params["token"]
    link = address_links.peek_confirmation(request.context, request.session, tokens, token)
    return address_page(request, link, AddressRole.NEW, CONFIRM, CONFIRMED, done=link.address.confirmed_at is not None)


def confirm(request: RequestTransaction) -> PublicPage:
    """Confirm the new address. Raises NotFound, Gone."""
    tokens, token = request.deps.tokens, request.incoming.params["token"]
    link = address_links.confirm(request.context, request.session, tokens, token)
    return address_page(request, link, AddressRole.NEW, CONFIRM, CONFIRMED, done=True)


def refuse_address(_request: RequestTransaction, error: KontorError) -> PublicPage:
    """Show why nothing was confirmed or objected to; without a brand, which would reveal the account."""
    match error:
        case NotFound():
            return unknown()
        case Gone():
            return PublicPage("plain.html", 410, ADDRESS_GONE.get(error.code, UNKNOWN), values={"hint": None})
        case _:
            raise error


def address_page(
    request: RequestTransaction, link: AddressLink, role: AddressRole, title: str, notice: str, *, done: bool
) -> PublicPage:
    """Return the page of a link about an address; `done`: the button was pressed."""
    account, since = link.account, addresses.waits_until(link.address)
    values = {
        "account": account.name,
        "address": link.address,
        "role": role.value,
        "open": not done,
        "decides_from": since if since is not None and since > request.now else None,
    }
    brand = brand_of(request.deps, request.session, account)
    reader = Reader(account.locale, account.timezone)
    return PublicPage("address.html", 200, title, brand, reader, notice if done else None, "good", values)


def _peek(request: RequestTransaction) -> activation.Invitation:
    token = request.incoming.params["token"]
    link = activation.peek(request.context, request.session, request.deps.tokens, token)
    require_served(request, link.account.reseller_id or link.account.id)
    return link


def require_served(request: RequestTransaction, owner: UUID) -> None:
    """Raise NotFound on a domain of others than the owner of what a link shows: a reseller, or a regular account."""
    domain_owners = request.incoming.domain_owners
    if domain_owners is not None and owner not in domain_owners:
        raise NotFound


def _gone(request: RequestTransaction, error: Gone) -> PublicPage:
    """Return the page of a link that is over, in the account's brand; without one when the account is gone."""
    account = activation.account_behind(request.session, request.deps.tokens, request.incoming.params["token"])
    text = ACTIVATION_GONE[error.code]
    if account is None:
        return PublicPage("plain.html", 410, text, values={"hint": None}, sign_in=SignInForm("/account"))
    require_served(request, account.reseller_id or account.id)
    own = error.code != "address_changed"
    page = _page(request, account, 410, text, form=False)
    return replace(page, sign_in=_sign_in_of(account) if own else SignInForm("/account"))


def _sign_in_of(account: Account) -> SignInForm:
    """Return the sign-in below a link that is over, with the button that mails a new one."""
    return SignInForm("/account", account.name)


def _page(request: RequestTransaction, account: Account, status: int, notice: str | None, *, form: bool) -> PublicPage:
    if account.suspended:
        return suspended(request, account, status)
    brand = brand_of(request.deps, request.session, account)
    return PublicPage(
        "activation.html",
        status,
        ACTIVATE,
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


def brand_on_host(
    deps: Deps, session: Session, account: Account | None, domain: str, owners: Collection[UUID]
) -> Brand:
    """Return the brand of a page on a verified domain: never the provider's, whatever account is shown."""
    shown = account or brand_queries.account_with_domain(session, domain, owners)
    if shown is None:
        shown = session.get_one(Account, min(owners))
    return brand_of(deps, session, shown, None if shown.reseller_id else shown)


def home_on_host(session: Session, account: Account | None, domain: str, owners: Collection[UUID]) -> str | None:
    """Return where the root of a verified domain leads: the home of the account shown, else of the domain's."""
    shown = account or brand_queries.account_with_domain(session, domain, owners)
    return None if shown is None else shown.home_url


def suspended(
    request: RequestTransaction, account: Account, status: int, reseller: Account | None = None
) -> PublicPage:
    """Return the page of a suspended account, in its brand: 403, or 409 when something was to be changed.

    The contact is the brand's, otherwise the reseller's admin, otherwise the provider (programme.md 3.6).
    """
    session = request.session
    owner = reseller or (session.get(Account, account.reseller_id) if account.reseller_id else None)
    brand = brand_of(request.deps, session, account, reseller)
    if brand.support == Support():
        programme = request.deps.programmes.current(session, account.programme)
        brand = replace(brand, support=Support(email=owner.admin_email if owner else programme.sender.address))
    reader = Reader(account.locale, account.timezone)
    return PublicPage(
        "plain.html", 409 if status == 409 else 403, SUSPENDED, brand, reader, values={"hint": SUSPENDED_HINT}
    )


def unknown() -> PublicPage:
    """Return the page for an unknown link; it shows no brand."""
    return PublicPage("plain.html", 404, UNKNOWN, values={"hint": UNKNOWN_HINT})


DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
IMAGE_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Mail programs show images on pages of others, so any origin may."""


async def show_image(request: Request) -> Response:
    """Serve an image; on a verified domain only those of the accounts that verified it."""
    deps: Deps = request.app.state.deps
    digest = request.path_params["digest"]
    if not DIGEST.fullmatch(digest):
        raise HTTPException(404)

    def read(connection: Connection[Any]) -> list[Any]:
        return brand_queries.file_on(connection, digest)

    files = await asyncio.get_running_loop().run_in_executor(deps.threads, run_on_connection, deps, read)
    owners = request.scope.get(OWNERS)
    content = next((content for content, owner in files if owners is None or owner in owners), None)
    if content is None:
        raise HTTPException(404)
    return Response(bytes(content), headers=IMAGE_HEADERS, media_type="image/png")
