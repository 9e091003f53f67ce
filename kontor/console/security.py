"""The page of one's own sign-in: sessions, second factors, recovery codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import segno

from kontor.console import sign_in_steps
from kontor.http import passkeys, second_factors
from kontor.http.browsers import device_name
from kontor.http.second_factors import FactorChange, NewTotp
from kontor.kernel.errors import Invalid
from kontor.operators import service, sessions
from kontor.operators.factors import ISSUER, OperatorFactors
from kontor.operators.notifications import SECURITY_PAGE
from kontor.ui import sign_in_texts
from kontor.ui.console_request import ConsoleRequest, ConsoleResponse, Redirect, TemplateResponse
from models.people import Operator, OperatorSession

QR_SCALE: Final = 4


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A live session as the page shows it."""

    id: UUID
    device: str
    origin: str
    created_at: datetime
    seen_at: datetime
    mine: bool


def show_security(request: ConsoleRequest) -> TemplateResponse:
    """Show sessions and factors."""
    return _page(request)


def show_totp(request: ConsoleRequest) -> TemplateResponse:
    """Show a new secret for an authenticator app, and the form that takes its first code."""
    return _totp_form(request, second_factors.new_totp(_me(request).email, ISSUER), None, 200)


def add_totp(request: ConsoleRequest) -> ConsoleResponse:
    """Add the authenticator app; the response is the only place that shows the first recovery codes."""
    form, change = request.incoming.form, _change(request)
    sealed = form.get("sealed", "")
    try:
        second_factors.add_totp(change, request.deps.secret_box, sealed, form.get("name", ""), form.get("code", ""))
    except Invalid as error:
        if not error.errors:
            return _page(request, message=error.message, status=422)
        again = NewTotp.of(request.deps.secret_box.open(sealed), _me(request).email, ISSUER)
        return _totp_form(request, again, error.message, 422)
    return _page(request, done=sign_in_texts.FACTOR_ADDED, codes=second_factors.first_recovery_codes(change))


def add_passkey(request: ConsoleRequest) -> ConsoleResponse:
    """Add the passkey that the browser made; the response shows the first recovery codes."""
    form, change = request.incoming.form, _change(request)
    challenge = sign_in_steps.challenge_of(request, _me(request), form.get("state", ""))
    if challenge is None:
        return _page(request, message=sign_in_texts.FORM_EXPIRED, status=422)
    try:
        party = sign_in_steps.party_of(request)
        passkeys.add(change, party, form.get("name", ""), form.get("credential", ""), challenge)
    except Invalid as error:
        return _page(request, message=error.message, status=422)
    return _page(request, done=sign_in_texts.FACTOR_ADDED, codes=second_factors.first_recovery_codes(change))


def new_codes(request: ConsoleRequest) -> ConsoleResponse:
    """Replace the recovery codes; the response is the only place that shows them."""
    change = _change(request)
    if not change.store.factors():
        return _page(request, message=sign_in_texts.NO_FACTOR, status=409)
    return _page(request, codes=second_factors.new_recovery_codes(change))


def remove_factor(request: ConsoleRequest) -> ConsoleResponse:
    """Remove a factor. Raises NotFound."""
    second_factors.remove(_change(request), request.incoming.uuid("factor_id"))
    return Redirect(f"{SECURITY_PAGE}?done=factor-removed")


def end_session(request: ConsoleRequest) -> ConsoleResponse:
    """End one of one's own sessions. Raises NotFound."""
    session_id = request.incoming.uuid("session_id")
    service.end_session(request.session, _me(request), session_id, request.actor(), request.now)
    return Redirect(f"{SECURITY_PAGE}?done=session-ended")


def end_others(request: ConsoleRequest) -> ConsoleResponse:
    """End all of one's own sessions but this one."""
    for row in _sessions(request):
        if not row.mine:
            service.end_session(request.session, _me(request), row.id, request.actor(), request.now)
    return Redirect(f"{SECURITY_PAGE}?done=sessions-ended")


def _me(request: ConsoleRequest) -> Operator:
    assert request.operator is not None
    return request.operator


def _factors(request: ConsoleRequest) -> OperatorFactors:
    return OperatorFactors(request.session, _me(request))


def _change(request: ConsoleRequest) -> FactorChange:
    return FactorChange(_factors(request), request.actor(), request.now, request.wall_time)


def _sessions(request: ConsoleRequest) -> list[SessionRow]:
    def row(opened: OperatorSession) -> SessionRow:
        mine = request.operator_session is not None and opened.id == request.operator_session.id
        device = device_name(opened.agent) or sign_in_texts.UNKNOWN_DEVICE
        return SessionRow(opened.id, device, opened.origin or "", opened.created_at, opened.seen_at, mine)

    return [row(opened) for opened in sessions.list_sessions(request.session, _me(request).id, request.wall_time)]


def _page(
    request: ConsoleRequest,
    message: str | None = None,
    done: str = "",
    codes: Sequence[str] = (),
    status: int = 200,
) -> TemplateResponse:
    me, store = _me(request), _factors(request)
    challenge, state = sign_in_steps.new_challenge(request, me)
    values = {
        "sessions": _sessions(request),
        "wall_time": request.wall_time,
        "factors": store.factors(),
        "codes_left": store.recovery_codes_left(),
        "options": passkeys.creation_options(store, sign_in_steps.party_of(request), store.user, challenge),
        "state": state,
        "codes": codes,
        "message": message,
        "done": done,
    }
    return TemplateResponse("security.html", sign_in_texts.SECURITY_TITLE, values, "", status)


def _totp_form(request: ConsoleRequest, new: NewTotp, message: str | None, status: int) -> TemplateResponse:
    values = {
        "sealed": request.deps.secret_box.seal(new.secret),
        "secret": new.spaced,
        "uri": new.uri,
        "picture": segno.make(new.uri, error="m").svg_data_uri(scale=QR_SCALE, border=4, light="white"),
        "message": message,
    }
    return TemplateResponse("totp.html", sign_in_texts.TOTP_TITLE, values, "", status)
