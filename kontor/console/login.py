"""Sign-in, sign-out, password and theme of the console."""

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from kontor import audit
from kontor.console import cookies
from kontor.console.auth import PASSWORD_PATH, browser_of, times_of
from kontor.http.incoming import IncomingRequest
from kontor.http.problems import headers_of
from kontor.kernel.errors import FieldError, Forbidden, Invalid, TooManyAttempts
from kontor.operators import notifications, sessions, sign_in
from kontor.operators.sessions import NewSession
from kontor.ui.console_request import ConsoleRequest, ConsoleResponse, Redirect, TemplateResponse
from models.people import Operator

LOGIN: Final = "/console/login"
NO_HEADERS: Final[Mapping[str, str]] = {}
SAFE: Final = re.compile(r"/console(?:[/?][\x21-\x5b\x5d-\x7e]*)?")


def login_path(incoming: IncomingRequest) -> str:
    """Return the login URL for an anonymous request; it leads back to the requested page."""
    if incoming.method == "POST" or incoming.path == "/console":
        return LOGIN
    query = f"?{incoming.query}" if str(incoming.query) else ""
    return f"{LOGIN}?{urlencode({'next': incoming.path + query})}"


def safe_next(path: str) -> str:
    """Return the path if it is a console page, otherwise the overview."""
    return path if SAFE.fullmatch(path) and "//" not in path.partition("?")[0] else "/console"


def show_login(request: ConsoleRequest) -> ConsoleResponse:
    """Show the sign-in form."""
    if request.operator is not None:
        return Redirect(safe_next(request.incoming.query.get("next", "")))
    return login_form(request, None, 200)


def open_session(request: ConsoleRequest, operator: Operator, next_page: str) -> Redirect:
    """Replace the browser's session by one of the operator; mail about a device that is new."""
    before = cookies.read(request.deps, request.incoming, cookies.SESSION)
    if before:
        sessions.sign_out(request.session, before)
    opened = sessions.sign_in(request.session, operator, browser_of(request), request.wall_time)
    record(request, opened)
    path = PASSWORD_PATH if operator.one_time else next_page
    return Redirect(path, {**session_cookies(opened), cookies.TICKET: "", cookies.STEP: "", cookies.PROVIDER: ""})


def record(request: ConsoleRequest, opened: NewSession) -> None:
    """Leave the sign-in in the audit log, and mail about a new device."""
    operator = opened.operator
    actor = audit.Actor(f"operator:{operator.email}", f"console {request.incoming.origin}")
    target = f"login:{operator.email_key}"
    detail = {"new_device": opened.new_device}
    audit.record(request.session, actor, "operator.sign_in", target, at=request.now, detail=detail)
    if opened.new_device:
        notifications.post_new_sign_in(request.session, request.jobs, opened, request.wall_time)


def session_cookies(opened: NewSession) -> dict[str, str]:
    """Return the cookies of a new session and its device."""
    return {cookies.SESSION: opened.secret, cookies.DEVICE: opened.device_secret}


def ticket_ok(request: ConsoleRequest) -> bool:
    """Return whether a form of sign-in was made for this browser."""
    ticket = cookies.read(request.deps, request.incoming, cookies.TICKET)
    sent = request.incoming.form.get("ticket", "")
    return bool(ticket) and secrets.compare_digest(ticket.encode(), sent.encode("utf-8", "replace"))


def too_many(request: ConsoleRequest, error: TooManyAttempts) -> TemplateResponse:
    """Return the sign-in form of a locked account or network."""
    minutes = -(-error.retry_after // timedelta(minutes=1))
    return login_form(request, f"Too many attempts. Try again in {minutes} minutes.", 429, headers_of(error))


def logout(request: ConsoleRequest) -> ConsoleResponse:
    """End this session."""
    assert request.operator is not None
    sessions.sign_out(request.session, cookies.read(request.deps, request.incoming, cookies.SESSION))
    target = f"login:{request.operator.email_key}"
    audit.record(request.session, request.actor(), "operator.sign_out", target, at=request.now)
    return Redirect(LOGIN, {cookies.SESSION: ""})


def show_password(request: ConsoleRequest) -> ConsoleResponse:
    """Show the form to change one's password."""
    return _password(None, 200)


def change_password(request: ConsoleRequest) -> ConsoleResponse:
    """Change one's password and replace all sessions by a new one. Wrong ones count as failures of signing in."""
    operator, form = request.operator, request.incoming.form
    assert operator is not None
    limit = sign_in.failure_limit(request.session, operator.email, browser_of(request), times_of(request))
    try:
        limit.check()
        sign_in.change_password(
            request.session, request.deps.passwords, operator, form.get("old", ""), form.get("new", ""),
            request.wall_time,
        )  # fmt: skip
    except TooManyAttempts as error:
        return _password(error.message, 429, headers_of(error))
    except Forbidden as error:
        if error.code == "bad_credentials":
            limit.record()
        return _password(error.message, 403)
    except Invalid as error:
        errors: tuple[FieldError, ...] = error.errors
        return _password(errors[0].msg if errors else error.message, 422)
    target = f"login:{operator.email_key}"
    audit.record(request.session, request.actor(), "operator.own_password", target, at=request.now)
    opened = sessions.sign_in(request.session, operator, browser_of(request), request.wall_time)
    return Redirect("/console?done=password", session_cookies(opened))


def choose_theme(request: ConsoleRequest) -> ConsoleResponse:
    """Set the theme: light, dark, or the system's."""
    theme = request.incoming.form.get("theme", "")
    back = safe_next(request.incoming.form.get("back", ""))
    return Redirect(back, {cookies.THEME: theme if theme in {"light", "dark"} else ""})


def _password(message: str | None, status: int, headers: Mapping[str, str] = NO_HEADERS) -> TemplateResponse:
    return TemplateResponse("password.html", "Your password", {"message": message}, "", status, headers)


def login_form(
    request: ConsoleRequest, message: str | None, status: int, headers: Mapping[str, str] = NO_HEADERS
) -> TemplateResponse:
    """Return the sign-in form with a new ticket."""
    ticket = secrets.token_urlsafe(24)
    next_path = request.incoming.form.get("next") or request.incoming.query.get("next", "")
    values = {
        "message": message,
        "ticket": ticket,
        "next": safe_next(next_path),
        "email": request.incoming.form.get("email", ""),
        "by_provider": request.deps.identity_provider is not None,
    }
    return TemplateResponse("login.html", "Sign in", values, "", status, headers, {cookies.TICKET: ticket})
