"""Signing in by an identity provider: to its page and back, without a transaction while it is asked."""

import hmac
import secrets
from typing import Final

from kontor.audit import Actor
from kontor.console import cookies, login, sign_in_steps
from kontor.console.acts import ConsoleView
from kontor.http.context import Deps
from kontor.http.incoming import IncomingRequest
from kontor.kernel.errors import Forbidden, Gone, Invalid, NotFound
from kontor.kernel.identity import AuthorizationRequest, Identity, IdentityProvider, IdentityRefused
from kontor.operators import provider_sign_in
from kontor.operators.provider_sign_in import ProviderSignIn
from kontor.ui import sign_in_texts
from kontor.ui.console_request import ConsoleRequest, ConsoleResponse, Redirect

START: Final = "/console/login/provider"
BACK: Final = "/console/login/provider/callback"
PURPOSE: Final = "console-provider"


def leave(deps: Deps, incoming: IncomingRequest) -> ConsoleView:
    """Ask the provider where people sign in; return the view that sends the browser there."""
    provider = _provider(deps)
    asked = AuthorizationRequest(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        redirect_uri=f"{deps.staff_url}{BACK}",
    )
    next_page = login.safe_next(incoming.query.get("next", ""))
    try:
        url = provider.authorization_url(asked, again=bool(cookies.read(deps, incoming, cookies.SESSION)))
    except IdentityRefused as error:
        return _refusal(error.message)
    content = {"state": asked.state, "nonce": asked.nonce, "verifier": asked.verifier, "next": next_page}
    until = deps.clock.wall_time() + sign_in_steps.STEP_LIFE
    cookie = deps.tokens.make(PURPOSE, content, until)
    return lambda _request: Redirect(url, {cookies.PROVIDER: cookie})


def come_back(deps: Deps, incoming: IncomingRequest) -> ConsoleView:
    """Verify the provider's answer; return the view that signs the person in."""
    provider, token = _provider(deps), cookies.read(deps, incoming, cookies.PROVIDER)
    try:
        content = deps.tokens.read(PURPOSE, token, deps.clock.wall_time())
    except (NotFound, Gone):
        return _refusal(sign_in_texts.LOGIN_EXPIRED)
    state, code = incoming.query.get("state", ""), incoming.query.get("code", "")
    if not hmac.compare_digest(content["state"].encode(), state.encode("utf-8", "replace")):
        return _refusal(sign_in_texts.LOGIN_EXPIRED)
    if not code:
        return _refusal(sign_in_texts.PROVIDER_REFUSED)
    asked = AuthorizationRequest(state, content["nonce"], content["verifier"], f"{deps.staff_url}{BACK}")
    try:
        identity = provider.identity(asked, code)
    except IdentityRefused as error:
        return _refusal(error.message)
    return lambda request: _enter(request, provider, identity, str(content["next"]))


def _enter(request: ConsoleRequest, provider: IdentityProvider, identity: Identity, next_page: str) -> ConsoleResponse:
    actor = Actor(f"operator:{identity.email}", f"console {request.incoming.origin}")
    person = ProviderSignIn(provider.issuer, identity, provider.role_of(identity), actor, request.now)
    try:
        operator = provider_sign_in.operator_of(request.session, person)
    except (Forbidden, Invalid) as error:
        return login.login_form(request, error.message, 403)
    return sign_in_steps.continue_sign_in(request, operator, login.safe_next(next_page))


def _provider(deps: Deps) -> IdentityProvider:
    if deps.identity_provider is None:
        raise NotFound
    return deps.identity_provider


def _refusal(message: str) -> ConsoleView:
    return lambda request: login.login_form(request, message, 403)
