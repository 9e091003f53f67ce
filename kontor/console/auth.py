"""Sign-in, sign-out, password and theme of the console."""

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from kontor.http.context import Deps
from kontor.http.incoming import IncomingRequest
from kontor.http.problems import Unauthorized
from kontor.kernel.errors import FieldError, Forbidden, Invalid, TooManyAttempts
from kontor.operators import service as operators
from kontor.ui import texts
from kontor.ui.console_request import ConsoleRequest, ConsoleResponse, Redirect, TemplateResponse
from models.people import OperatorRole

COOKIE: Final = "kontor_session"
TICKET: Final = "kontor_login"
THEME: Final = "kontor_theme"
LOGIN: Final = "/console/login"
SAFE: Final = re.compile(r"/console(?:[/?][\x21-\x5b\x5d-\x7e]*)?")


@dataclass(frozen=True, slots=True)
class RolePolicy:
    """Access policy of a console route; `role` None: no sign-in required."""

    role: OperatorRole | None

    def admit(self, request: ConsoleRequest) -> None:
        """Check the policy. Raises Unauthorized, then Forbidden for a foreign form, then for the role."""
        if self.role is None:
            return
        if request.operator is None:
            raise Unauthorized
        if request.incoming.method == "POST" and not _csrf_ok(request):
            raise Forbidden("csrf", texts.FOREIGN_FORM)
        if not request.may(self.role):
            role = request.operator.role
            raise Forbidden("role", f"Your role is {role}; this page requires the role {self.role.value}.")


def authenticated(deps: Deps, session: Session, incoming: IncomingRequest) -> ConsoleRequest:
    """Open a request with its operator, None if nobody is signed in."""
    now, secret = deps.clock.now(), incoming.cookies.get(COOKIE)
    signed_in = operators.find_session(session, secret, now) if secret else None
    return ConsoleRequest(deps, session, incoming, now, *(signed_in or (None, None)))


def _csrf_ok(request: ConsoleRequest) -> bool:
    token = request.incoming.form.get("csrf", "")
    return secrets.compare_digest(token.encode("utf-8", "replace"), request.csrf.encode())


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
    return _form(request, None, 200)


def login(request: ConsoleRequest) -> ConsoleResponse:
    """Open a session with a new secret. Five failures lock the address for 15 minutes (security.md 2)."""
    form = request.incoming.form
    ticket = request.incoming.cookies.get(TICKET, "")
    form_ticket = form.get("ticket", "")
    if not ticket or not secrets.compare_digest(ticket.encode(), form_ticket.encode("utf-8", "replace")):
        return _form(request, texts.LOGIN_EXPIRED, 403)
    email, password = form.get("email", ""), form.get("password", "")
    try:
        signed_in = operators.attempt(
            request.session, request.deps.passwords, email, password, now=request.now, origin=request.incoming.origin
        )
    except TooManyAttempts as error:
        minutes = -(-error.retry_after // timedelta(minutes=1))
        return _form(request, f"Too many attempts. Try again in {minutes} minutes.", 429)
    if signed_in is None:
        return _form(request, texts.WRONG_LOGIN, 401)
    before = request.incoming.cookies.get(COOKIE)
    if before:
        operators.sign_out(request.session, before)
    return Redirect(safe_next(form.get("next", "")), {COOKIE: signed_in.secret, TICKET: ""})


def logout(request: ConsoleRequest) -> ConsoleResponse:
    """End this session."""
    operators.sign_out(request.session, request.incoming.cookies.get(COOKIE, ""))
    return Redirect(LOGIN, {COOKIE: ""})


def show_password(request: ConsoleRequest) -> ConsoleResponse:
    """Show the form to change one's password."""
    return _password(None, 200)


def change_password(request: ConsoleRequest) -> ConsoleResponse:
    """Change one's password and replace all sessions by a new one."""
    operator, form = request.operator, request.incoming.form
    assert operator is not None
    try:
        operators.change_password(
            request.session, request.deps.passwords, operator, form.get("old", ""), form.get("new", "")
        )
    except Forbidden as error:
        return _password(error.message, 403)
    except Invalid as error:
        errors: tuple[FieldError, ...] = error.errors
        return _password(errors[0].msg if errors else error.message, 422)
    session = operators.sign_in(request.session, operator, request.now)
    return Redirect("/console?done=password", {COOKIE: session.secret})


def choose_theme(request: ConsoleRequest) -> ConsoleResponse:
    """Set the theme: light, dark, or the system's."""
    theme = request.incoming.form.get("theme", "")
    back = safe_next(request.incoming.form.get("back", ""))
    return Redirect(back, {THEME: theme if theme in {"light", "dark"} else ""})


def _password(message: str | None, status: int) -> TemplateResponse:
    return TemplateResponse("password.html", "Your password", {"message": message}, status=status)


def _form(request: ConsoleRequest, message: str | None, status: int) -> TemplateResponse:
    ticket = secrets.token_urlsafe(24)
    next_path = request.incoming.form.get("next") or request.incoming.query.get("next", "")
    values = {
        "message": message,
        "ticket": ticket,
        "next": safe_next(next_path),
        "email": request.incoming.form.get("email", ""),
    }
    return TemplateResponse("login.html", "Sign in", values, status=status, cookies={TICKET: ticket})
