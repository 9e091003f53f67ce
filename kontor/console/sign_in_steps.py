"""The steps of signing in: password, then code, recovery code or passkey."""

import base64
import secrets
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from kontor.console import cookies, login
from kontor.console.auth import browser_of, times_of
from kontor.http import passkeys, second_factors
from kontor.http.passkeys import CHALLENGE_BYTES, RelyingParty
from kontor.http.problems import headers_of
from kontor.kernel.errors import Forbidden, Gone, NotFound, TooManyAttempts
from kontor.operators import sign_in
from kontor.operators.factors import OperatorFactors
from kontor.ui import sign_in_texts
from kontor.ui.console_request import ConsoleRequest, ConsoleResponse, Redirect, TemplateResponse
from models.people import Operator

SECOND: Final = "/console/login/second"
STEP_LIFE: Final = timedelta(minutes=10)
PURPOSE: Final = "console-step"
PASSKEY_PURPOSE: Final = "console-passkey"


def party_of(request: ConsoleRequest) -> RelyingParty:
    """Return the host and origin of the console, to which passkeys belong."""
    return RelyingParty.of(request.deps.staff_url)


def new_challenge(request: ConsoleRequest, operator: Operator) -> tuple[bytes, str]:
    """Return a random challenge and the signed state that a form brings back with the answer."""
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    content = {"operator": str(operator.id), "challenge": base64.urlsafe_b64encode(challenge).decode()}
    return challenge, request.deps.tokens.make(PASSKEY_PURPOSE, content, request.wall_time + STEP_LIFE)


def challenge_of(request: ConsoleRequest, operator: Operator, state: str) -> bytes | None:
    """Return the challenge of a signed state; None if it is another operator's, expired or forged."""
    try:
        content = request.deps.tokens.read(PASSKEY_PURPOSE, state, request.wall_time)
    except (NotFound, Gone):
        return None
    return base64.urlsafe_b64decode(content["challenge"]) if content["operator"] == str(operator.id) else None


def passkey_values(request: ConsoleRequest, operator: Operator) -> Mapping[str, object]:
    """Return what a form needs to ask for a passkey; `options` None if there is none."""
    challenge, state = new_challenge(request, operator)
    store = OperatorFactors(request.session, operator)
    options = passkeys.request_options([store], party_of(request), challenge)
    return {"options": options, "state": state, "has_codes": second_factors.has_totp(store)}


def factor_ok(request: ConsoleRequest, operator: Operator, code: str, credential: str, state: str) -> bool:
    """Return whether a code, recovery code or passkey is right; each is used up by it."""
    store = OperatorFactors(request.session, operator)
    if credential:
        challenge = challenge_of(request, operator, state)
        return challenge is not None and passkeys.verify(
            store, party_of(request), credential, challenge, request.wall_time
        )
    return bool(code) and second_factors.verify_code(store, request.deps.secret_box, code, request.wall_time)


def first(request: ConsoleRequest) -> ConsoleResponse:
    """Check the password, then open a session or go on to the second step."""
    form = request.incoming.form
    if not login.ticket_ok(request):
        return login.login_form(request, sign_in_texts.LOGIN_EXPIRED, 403)
    try:
        operator = sign_in.attempt(
            request.session, request.deps.passwords, form.get("email", ""), form.get("password", ""),
            browser_of(request), times_of(request),
        )  # fmt: skip
    except TooManyAttempts as error:
        return login.too_many(request, error)
    except Forbidden as error:
        return login.login_form(request, error.message, 403)
    if operator is None:
        return login.login_form(request, sign_in_texts.WRONG_LOGIN, 401)
    return continue_sign_in(request, operator, login.safe_next(form.get("next", "")))


def continue_sign_in(request: ConsoleRequest, operator: Operator, next_page: str) -> ConsoleResponse:
    """Open a session after the right password, or ask for the second factor first."""
    if not OperatorFactors(request.session, operator).factors():
        return login.open_session(request, operator, next_page)
    content = {"operator": str(operator.id), "password": _fingerprint(operator), "next": next_page}
    step = request.deps.tokens.make(PURPOSE, content, request.wall_time + STEP_LIFE)
    return Redirect(SECOND, {cookies.STEP: step})


def show_second(request: ConsoleRequest) -> ConsoleResponse:
    """Show the form of the second step."""
    step = _step(request)
    return Redirect(login.LOGIN) if step is None else _form(request, step[0], None, 200)


def second(request: ConsoleRequest) -> ConsoleResponse:
    """Open a session if the factor is right. Wrong ones count as failures of signing in."""
    step = _step(request)
    if step is None or not login.ticket_ok(request):
        return login.login_form(request, sign_in_texts.LOGIN_EXPIRED, 403)
    operator, next_page = step
    form = request.incoming.form
    limit = sign_in.failure_limit(request.session, operator.email, browser_of(request), times_of(request))
    try:
        limit.check()
    except TooManyAttempts as error:
        return _form(request, operator, error.message, 429, headers_of(error))
    if not factor_ok(request, operator, form.get("code", ""), form.get("credential", ""), form.get("state", "")):
        limit.record()
        return _form(request, operator, sign_in_texts.WRONG_FACTOR, 401)
    return login.open_session(request, operator, login.safe_next(next_page))


def _step(request: ConsoleRequest) -> tuple[Operator, str] | None:
    """Return who has entered the right password, and where to go; None if that is over."""
    token = cookies.read(request.deps, request.incoming, cookies.STEP)
    try:
        content = request.deps.tokens.read(PURPOSE, token, request.wall_time)
    except (NotFound, Gone):
        return None
    operator = request.session.get(Operator, UUID(content["operator"]))
    if operator is None or operator.disabled_at is not None or content["password"] != _fingerprint(operator):
        return None
    return operator, str(content["next"])


def _fingerprint(operator: Operator) -> str:
    """A changed password ends a sign-in that waits for its second step."""
    return sha256(operator.password_hash.encode()).hexdigest()[:16]


def _form(
    request: ConsoleRequest,
    operator: Operator,
    message: str | None,
    status: int,
    headers: Mapping[str, str] | None = None,
) -> TemplateResponse:
    ticket = secrets.token_urlsafe(24)
    values = {"message": message, "ticket": ticket, **passkey_values(request, operator)}
    return TemplateResponse(
        "second.html", sign_in_texts.SECOND_TITLE, values, "", status, headers or {}, {cookies.TICKET: ticket}
    )
