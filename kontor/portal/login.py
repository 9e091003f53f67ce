"""Sign-in to the portal by password or link, sign-out, the choice of an account."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from kontor import audit
from kontor.accounts import signup_portal
from kontor.accounts.portal import brand_of
from kontor.http.problems import headers_of
from kontor.kernel.errors import KontorError, NotFound, TooManyAttempts
from kontor.members import links, sessions, sign_in
from kontor.members.links import SpentLink
from kontor.members.sessions import Opened
from kontor.portal import cookies
from kontor.portal.auth import LOGIN, browser_of, home_of, safe_next, serves, times_of
from kontor.ui.pages import N
from kontor.ui.portal_errors import REQUIRED, TOO_MANY
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account

TITLE: Final = N("Sign in")
WRONG: Final = N("The account or the password is not right.")
SPENT: Final = N("This link was used or has expired. Please sign in.")
CHOOSE_TITLE: Final = N("Choose an account")
NO_ERRORS: Final[Mapping[str, str]] = {}


def show_login(request: PortalRequest) -> PortalResponse:
    """Show the sign-in form."""
    following = safe_next(request.incoming.query.get("next", ""))
    if request.opened is not None:
        return SeeOther(following or home_of(request, request.access))
    return _form(following)


def enter(request: PortalRequest) -> PortalResponse:
    """Check the password and open a session of what it opens."""
    form = request.incoming.form
    following, identifier = safe_next(form.get("next", "")), form.get("identifier", "")
    if not identifier.strip():
        return _form(following, 422, {"identifier": REQUIRED}, form)
    try:
        opened = sign_in.attempt(
            request.context, request.session, identifier, form.get("password", ""),
            lambda account: serves(request.incoming, account), browser_of(request), times_of(request),
        )  # fmt: skip
    except TooManyAttempts as error:
        return _form(following, 429, {"password": TOO_MANY}, form, headers_of(error))
    if opened is None:
        return _form(following, 422, {"password": WRONG}, form)
    return open_session(request, opened, following)


def open_session(request: PortalRequest, opened: Opened, following: str) -> SeeOther:
    """Replace the browser's session by a new one, and lead to the page that was asked for."""
    store, wall_time = cookies.store(request.deps), request.wall_time
    before = store.read(request.incoming, cookies.SESSION)
    if before:
        sessions.sign_out(request.session, before)
    new = sessions.open_session(request.session, opened, browser_of(request), wall_time)
    accesses = sessions.accesses(request.session, new.session)
    served = [access for access in accesses if serves(request.incoming, access.account)]
    access = served[0] if len(served) == 1 else None
    new.session.account_id = None if access is None else access.account.id
    name = f"admin:{served[0].person_id}" if served else "nobody"
    actor = audit.Actor(name, f"portal {request.incoming.origin}")
    detail = {"by_link": opened.by_link}
    for each in served:
        audit.record(
            request.session, actor, "portal.sign_in", f"account:{each.account.id}", at=request.now, detail=detail
        )
    path = following or (home_of(request, access) if access is not None else "/account/switch")
    return SeeOther(path, {cookies.SESSION: new.secret, cookies.DEVICE: new.device_secret, cookies.TICKET: ""})


def sign_up(request: PortalRequest) -> PortalResponse:
    """Make an account and sign its owner in; the address is confirmed by the mail."""
    made = signup_portal.create_account(request)
    if isinstance(made, KontorError):
        return signup_portal.signup_refused(request, made)
    return open_session(request, Opened((made,)), "/account?done=signed-up")


def mail_link(request: PortalRequest) -> PortalResponse:
    """Mail a link that signs in; the answer is the same whether there is such an account."""
    form, session = request.incoming.form, request.session
    following = safe_next(form.get("next", ""))

    def served(account: Account) -> bool:
        return serves(request.incoming, account)

    who = sign_in.identified(session, form.get("identifier", ""), served)
    links.request(request.context, session, who, served, following)
    return SeeOther(f"{LOGIN}?{urlencode({'done': 'link', **({'next': following} if following else {})})}")


def show_link(request: PortalRequest) -> PortalResponse:
    """Show the button of a link that signs in; uses nothing up. Raises NotFound."""
    try:
        link = links.peek(request.context, request.session, request.deps.tokens, request.incoming.params["token"])
    except SpentLink as error:
        return _form(safe_next(error.path), notice=SPENT)
    if not serves(request.incoming, link.account):
        raise NotFound
    brand = brand_of(request.deps, request.session, link.account) if request.incoming.domain_owners is None else None
    return PortalPage("sign_in_link.html", TITLE, {"name": link.account.name}, brand=brand)


def use_link(request: PortalRequest) -> PortalResponse:
    """Sign in by a link, once. Raises NotFound."""
    tokens, token = request.deps.tokens, request.incoming.params["token"]
    try:
        link = links.peek(request.context, request.session, tokens, token)
        if not serves(request.incoming, link.account):
            raise NotFound
        opened, row = links.use(request.context, request.session, tokens, token)
    except SpentLink as error:
        return _form(safe_next(error.path), notice=SPENT)
    return open_session(request, opened, safe_next(row.path))


def leave(request: PortalRequest) -> PortalResponse:
    """End this session."""
    sessions.sign_out(request.session, cookies.store(request.deps).read(request.incoming, cookies.SESSION))
    return SeeOther(LOGIN, {cookies.SESSION: ""})


def show_choice(request: PortalRequest) -> PortalResponse:
    """Show the accounts that this session may act for."""
    following = safe_next(request.incoming.query.get("next", ""))
    return PortalPage("switch.html", CHOOSE_TITLE, {"accesses": request.accesses, "next": following})


def choose(request: PortalRequest) -> PortalResponse:
    """Choose the account that the pages are about. Raises NotFound."""
    try:
        chosen = UUID(request.incoming.form.get("account_id", ""))
    except ValueError:
        raise NotFound from None
    access = next((each for each in request.accesses if each.account.id == chosen), None)
    if access is None or request.opened is None:
        raise NotFound
    request.opened.account_id = chosen
    return SeeOther(safe_next(request.incoming.form.get("next", "")) or home_of(request, access))


def _form(
    following: str,
    status: int = 200,
    errors: Mapping[str, str] = NO_ERRORS,
    typed: Mapping[str, str] = NO_ERRORS,
    headers: Mapping[str, str] = NO_ERRORS,
    notice: str | None = None,
) -> PortalPage:
    shown = {"identifier": typed.get("identifier", "")}
    return PortalPage("login.html", TITLE, {"next": following}, status, errors, shown, notice, headers, page="login")
