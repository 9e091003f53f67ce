"""The page of one's own sign-in: second factors, recovery codes, sessions with device and place."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import segno
from markupsafe import Markup

from kontor.http import passkeys, second_factors
from kontor.http.browsers import device_name
from kontor.http.problems import headers_of
from kontor.http.second_factors import FactorChange, NewTotp
from kontor.kernel.errors import Forbidden, Invalid, NotFound, TooManyAttempts
from kontor.members import sessions
from kontor.portal import cookies, second_step
from kontor.portal.auth import LOGIN, own_factors, own_limit
from kontor.portal.render import brand_for
from kontor.ui.pages import N
from kontor.ui.portal_errors import FIELDS, TOO_MANY
from kontor.ui.portal_request import PortalPage, PortalRequest, PortalResponse, SeeOther
from models.members import MemberRole
from models.portal import PortalSession

TITLE: Final = N("Sign-in and security")
TOTP_TITLE: Final = N("Add an authenticator app")
FORM_EXPIRED: Final = N("This form has expired. Please begin again.")
ADDED: Final = N("The second factor has been added. From now on, signing in asks for it.")
NEW_CODES: Final = N("These are your new recovery codes. The old ones no longer work.")
NO_FACTOR: Final = N("Add an authenticator app or a passkey first.")
PASSKEY_REFUSED: Final = N("The passkey was not accepted. Please try again, in the browser that holds it.")
NOTHING: Final[Mapping[str, str]] = {}
QR_SCALE: Final = 4


@dataclass(frozen=True, slots=True)
class SessionLine:
    """A live session as the page shows it; `device` is empty if unknown."""

    id: UUID
    device: str
    origin: str
    created_at: datetime
    seen_at: datetime
    mine: bool


def show_security(request: PortalRequest) -> PortalResponse:
    """Show factors and sessions."""
    return _page(request)


def show_totp(request: PortalRequest) -> PortalResponse:
    """Show a new secret for an authenticator app, and the form that takes its first code."""
    return _totp_form(request, second_factors.new_totp(*_labels(request)))


def add_totp(request: PortalRequest) -> PortalResponse:
    """Add the authenticator app; the response is the only place that shows the first recovery codes."""
    form, change, box = request.incoming.form, _change(request), request.deps.secret_box
    sealed = _unwrapped(form.get("sealed", ""))
    try:
        second_factors.add_totp(change, box, sealed, form.get("name", ""), form.get("code", ""))
    except Invalid as error:
        if not error.errors:
            return _page(request, notice=FORM_EXPIRED, status=422)
        return _totp_form(request, NewTotp.of(box.open(sealed), *_labels(request)), {"code": FIELDS["code"]})
    return _page(request, notice=ADDED, codes=second_factors.first_recovery_codes(change))


def add_passkey(request: PortalRequest) -> PortalResponse:
    """Add the passkey that the browser made; the response shows the first recovery codes."""
    form, change, store = request.incoming.form, _change(request), own_factors(request)
    challenge = second_step.challenge_of(request, [store], form.get("state", ""))
    if challenge is None:
        return _page(request, notice=FORM_EXPIRED, status=422)
    try:
        party = second_step.party_of(request)
        passkeys.add(change, party, form.get("name", ""), form.get("credential", ""), challenge)
    except Invalid:
        return _page(request, {"credential": PASSKEY_REFUSED}, status=422)
    return _page(request, notice=ADDED, codes=second_factors.first_recovery_codes(change))


def new_codes(request: PortalRequest) -> PortalResponse:
    """Replace the recovery codes; the response is the only place that shows them."""
    change = _change(request)
    if not change.store.factors():
        return _page(request, notice=NO_FACTOR, status=409)
    return _page(request, notice=NEW_CODES, codes=second_factors.new_recovery_codes(change))


def remove_factor(request: PortalRequest) -> PortalResponse:
    """Remove a factor, with a code, recovery code or passkey of the person. Raises NotFound."""
    factor_id, store = request.incoming.uuid("factor_id"), own_factors(request)
    if all(factor.id != factor_id for factor in store.factors()):
        raise NotFound
    limit = own_limit(request)
    try:
        limit.check()
    except TooManyAttempts as error:
        return _page(request, {"code": TOO_MANY}, status=429, headers=headers_of(error))
    if not second_step.factor_ok(request, store, [store]):
        limit.record()
        return _page(request, {"code": FIELDS["code"]}, status=422)
    second_factors.remove(_change(request), factor_id)
    return SeeOther(f"{_base(request)}?done=factor-removed")


def end_session(request: PortalRequest) -> PortalResponse:
    """End one of one's own sessions. Raises NotFound."""
    session_id = request.incoming.uuid("session_id")
    row = next((each for each in _open_sessions(request) if each.id == session_id), None)
    if row is None:
        raise NotFound
    return _ended(request, [row], "session-ended")


def end_sessions(request: PortalRequest) -> PortalResponse:
    """End all of one's own sessions; those of others than this browser unless `all` is asked for."""
    own = request.opened
    every = request.incoming.form.get("which") == "all"
    rows = [row for row in _open_sessions(request) if every or own is None or row.id != own.id]
    return _ended(request, rows, "sessions-ended")


def _ended(request: PortalRequest, rows: Sequence[PortalSession], done: str) -> PortalResponse:
    own = request.opened
    for row in rows:
        request.session.delete(row)
    request.session.flush()
    if own is not None and any(row.id == own.id for row in rows):
        return SeeOther(LOGIN, {cookies.SESSION: ""})
    return SeeOther(f"{_base(request)}?done={done}")


def _open_sessions(request: PortalRequest) -> Sequence[PortalSession]:
    person = request.person
    account = person.account if person.role is MemberRole.OWNER else None
    return sessions.list_sessions(request.session, account, person.email, request.wall_time)


def _base(request: PortalRequest) -> str:
    """The page of which the form is a part: one of the three under which it is served."""
    return "/".join(request.incoming.path.split("/")[:3])


def _labels(request: PortalRequest) -> tuple[str, str]:
    """Return what an authenticator app shows: the person's login, and the brand of the page."""
    person, brand = request.person, brand_for(request)
    name = person.account.name if person.role is MemberRole.OWNER else person.email
    return name, brand.name if brand else ""


def _change(request: PortalRequest) -> FactorChange:
    """Return who changes which factors. Raises Forbidden for a session that the account's reseller opened."""
    if request.person.by_reseller:
        raise Forbidden(message="Second factors are the owner's alone.")
    return FactorChange(own_factors(request), request.actor(), request.now, request.wall_time)


def _lines(request: PortalRequest) -> list[SessionLine]:
    def line(row: PortalSession) -> SessionLine:
        mine = request.opened is not None and row.id == request.opened.id
        return SessionLine(row.id, device_name(row.agent), row.origin, row.created_at, row.seen_at, mine)

    return [line(row) for row in _open_sessions(request)]


def _page(
    request: PortalRequest,
    errors: Mapping[str, str] = NOTHING,
    *,
    notice: str | None = None,
    codes: Sequence[str] = (),
    status: int = 200,
    headers: Mapping[str, str] = NOTHING,
) -> PortalPage:
    store = own_factors(request)
    challenge, state = second_step.new_challenge(request, [store])
    user = store.user(*_labels(request))
    values = {
        "path": _base(request),
        "host": second_step.party_of(request).host,
        "factors": store.factors(),
        "codes_left": store.recovery_codes_left(),
        "codes": codes,
        "sessions": _lines(request),
        "new_options": passkeys.creation_options(store, second_step.party_of(request), user, challenge),
        "new_state": state,
        **second_step.factor_values(request, [store]),
    }
    name = _base(request).strip("/").replace("/", ".")
    return PortalPage(
        "security.html", TITLE, values, status, errors, notice=notice, headers=headers, page=name, scripts=True
    )


def _unwrapped(text: str) -> str:
    """Return a sealed secret as it came from a form, where its format, which has a product's name, is not read."""
    try:
        return base64.urlsafe_b64decode(text).decode("ascii")
    except ValueError:
        return ""


def _totp_form(request: PortalRequest, new: NewTotp, errors: Mapping[str, str] = NOTHING) -> PortalPage:
    picture = segno.make(new.uri, error="m").svg_inline(scale=QR_SCALE, border=4, light="white", svgclass=None)
    values = {
        "path": _base(request),
        "sealed": base64.urlsafe_b64encode(request.deps.secret_box.seal(new.secret).encode()).decode(),
        "secret": new.spaced,
        "uri": new.uri,
        "picture": Markup(picture),  # noqa: S704 -- drawn by segno: a path, no text
    }
    typed = {"name": request.incoming.form.get("name", "")}
    return PortalPage("totp.html", TOTP_TITLE, values, 422 if errors else 200, errors, typed)
