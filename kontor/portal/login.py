"""Sign-in to the portal by password or link, sign-out, the choice of an account."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from kontor import audit
from kontor.accounts import signup_portal
from kontor.accounts.portal import brand_of
from kontor.http.problems import headers_of
from kontor.kernel.errors import KontorError, NotFound, TooManyAttempts
from kontor.members import factors, links, notifications, sessions, sign_in
from kontor.members.links import SpentLink
from kontor.members.sessions import Opened
from kontor.portal import cookies, second_step
from kontor.portal.auth import LOGIN, browser_of, home_of, safe_next, serves, times_of
from kontor.portal.second_step import PendingSignIn
from kontor.ui.pages import N
from kontor.ui.portal_access import Access
from kontor.ui.portal_errors import REQUIRED, TOO_MANY
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.accounts import Account

TITLE: Final = N("Sign in")
WRONG: Final = N("The account or the password is not right.")
STEP_OVER: Final = N("Signing in took too long. Please begin again.")
SPENT: Final = N("This link was used or has expired. Please sign in.")
CHOOSE_TITLE: Final = N("Choose an account")
NO_ERRORS: Final[Mapping[str, str]] = {}


def show_login(request: PortalRequest) -> PortalResponse:
    """Show the sign-in form."""
    following = safe_next(request.incoming.query.get("next", ""))
    if request.opened is not None:
        return SeeOther(following or home_of(request, request.access))
    pending = second_step.pending_of(request)
    if pending is not None and "again" not in request.incoming.query:
        return second_step.show(request, pending)
    return _form(request, following)


def enter(request: PortalRequest) -> PortalResponse:
    """Check the password and open a session of what it opens, or go on to the second step."""
    form = request.incoming.form
    if "identifier" not in form and (form.get("code") or form.get("credential")):
        return _second(request)
    following, identifier = _following(request), form.get("identifier", "")
    if not identifier.strip():
        return _form(request, following, 422, {"identifier": REQUIRED}, form)
    try:
        opened = sign_in.attempt(
            request.context, request.session, identifier, form.get("password", ""),
            lambda account: serves(request.incoming, account), browser_of(request), times_of(request),
        )  # fmt: skip
    except TooManyAttempts as error:
        return _form(request, following, 429, {"password": TOO_MANY}, form, headers_of(error))
    if opened is None:
        return _form(request, following, 422, {"password": WRONG}, form)
    key = sign_in.key_of(identifier)
    return go_on(request, PendingSignIn(opened, key, following, form.get("remember") == "1"))


def _following(request: PortalRequest) -> str:
    """Return the page that was asked for, by the form or by the address that it was sent to."""
    return safe_next(request.incoming.form.get("next") or request.incoming.query.get("next", ""))


def _second(request: PortalRequest) -> PortalResponse:
    """Check the second factor and open a session."""
    pending = second_step.pending_of(request)
    if pending is None:
        return _form(request, "", 422, notice=STEP_OVER)
    opened = second_step.check(request, pending)
    if not isinstance(opened, Opened):
        return opened
    return open_session(request, replace(pending, opened=opened))


def go_on(request: PortalRequest, pending: PendingSignIn) -> SeeOther:
    """Open a session after the right password or a link, or ask for the second factor first."""
    if not pending.opened.by_product and factors.stores_that_ask(request.session, pending.opened):
        return SeeOther(LOGIN, second_step.ask(request, pending))
    return open_session(request, pending)


def open_session(request: PortalRequest, pending: PendingSignIn, *, mailed: bool = True) -> SeeOther:
    """Replace the browser's session by a new one, and lead to the page that was asked for; `mailed`: if it is new."""
    opened, store = pending.opened, cookies.store(request.deps)
    before = store.read(request.incoming, cookies.SESSION)
    if before:
        sessions.sign_out(request.session, before)
    unproven = opened.by_product and bool(factors.stores_that_ask(request.session, opened))
    new = sessions.open_session(
        request.session, opened, browser_of(request), request.wall_time,
        remembered=pending.remembered, proven=not unproven,
    )  # fmt: skip
    accesses = sessions.accesses(request.session, new.session)
    served = [access for access in accesses if serves(request.incoming, access.account)]
    access = served[0] if len(served) == 1 else None
    new.session.account_id = None if access is None else access.account.id
    _record(request, opened, served)
    if new.new_device and mailed and opened.by_operator is None:
        notifications.post_new_sign_in(request.context, request.session, new, served, request.wall_time)
    path = pending.following or (home_of(request, access) if access is not None else "/account/switch")
    kept = {cookies.SESSION: new.secret, cookies.DEVICE: new.device_secret}
    return SeeOther(path, {**kept, cookies.TICKET: "", cookies.STEP: ""})


def _record(request: PortalRequest, opened: Opened, served: Sequence[Access]) -> None:
    name = f"admin:{served[0].person_id}" if served else "nobody"
    if served and served[0].by_operator is not None:
        name = f"operator:{served[0].by_operator}"
    actor = audit.Actor(name, f"portal {request.incoming.origin}")
    detail = {"by_link": opened.by_link}
    for each in served:
        audit.record(
            request.session, actor, "portal.sign_in", f"account:{each.account.id}", at=request.now, detail=detail
        )


def sign_up(request: PortalRequest) -> PortalResponse:
    """Make an account and sign its owner in; the address is confirmed by the mail."""
    made = signup_portal.create_account(request)
    if isinstance(made, KontorError):
        return signup_portal.signup_refused(request, made)
    pending = PendingSignIn(Opened((made,)), made.email_key, "/account?done=signed-up")
    return open_session(request, pending, mailed=False)


def mail_link(request: PortalRequest) -> PortalResponse:
    """Mail a link that signs in; the answer is the same whether there is such an account."""
    form, session = request.incoming.form, request.session
    following = _following(request)

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
        return _form(request, safe_next(error.path), notice=SPENT)
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
        return _form(request, safe_next(error.path), notice=SPENT)
    key = opened.member_key or link.account.email_key
    return go_on(request, PendingSignIn(opened, key, safe_next(row.path)))


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
    request: PortalRequest,
    following: str,
    status: int = 200,
    errors: Mapping[str, str] = NO_ERRORS,
    typed: Mapping[str, str] = NO_ERRORS,
    headers: Mapping[str, str] = NO_ERRORS,
    notice: str | None = None,
) -> PortalPage:
    shown = {"identifier": typed.get("identifier", ""), "remember": typed.get("remember", "")}
    values = {"next": following, "may_sign_up": signup_portal.may_sign_up(request)}
    return PortalPage("login.html", TITLE, values, status, errors, shown, notice, headers, page="login")
