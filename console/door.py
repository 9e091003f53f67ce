"""Sign-in, sign-out, password and theme of the console."""

import re
import secrets
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from console import texts
from console.answers import Goto, Page, Reply
from console.visit import Arrival, Visit
from domain.errors import FieldError, Forbidden, Invalid, Locked
from services import operators, sign_in

COOKIE: Final = "kontor_session"
TICKET: Final = "kontor_login"
THEME: Final = "kontor_theme"
LOGIN: Final = "/console/login"
SAFE: Final = re.compile(r"/console(?:[/?][\x21-\x5b\x5d-\x7e]*)?")


def login_path(arrival: Arrival) -> str:
    """Return the login URL for an anonymous request; it leads back to the requested page."""
    if arrival.method == "POST" or arrival.path == "/console":
        return LOGIN
    query = f"?{arrival.query}" if str(arrival.query) else ""
    return f"{LOGIN}?{urlencode({'next': arrival.path + query})}"


def safe_next(path: str) -> str:
    """Return the path if it is a console page, otherwise the overview."""
    return path if SAFE.fullmatch(path) and "//" not in path.partition("?")[0] else "/console"


def show_login(visit: Visit) -> Reply:
    """Show the sign-in form."""
    if visit.operator is not None:
        return Goto(safe_next(visit.arrival.query.get("next", "")))
    return _form(visit, None, 200)


def login(visit: Visit) -> Reply:
    """Open a session with a new secret. Five failures lock the address for 15 minutes (security.md 2)."""
    form = visit.arrival.form
    ticket = visit.arrival.cookies.get(TICKET, "")
    form_ticket = form.get("ticket", "")
    if not ticket or not secrets.compare_digest(ticket.encode(), form_ticket.encode("utf-8", "replace")):
        return _form(visit, texts.LOGIN_EXPIRED, 403)
    email, password = form.get("email", ""), form.get("password", "")
    try:
        signed_in = sign_in.attempt(
            visit.session, visit.deps.passwords, email, password, now=visit.now, origin=visit.arrival.origin
        )
    except Locked as error:
        minutes = -(-error.retry_after // timedelta(minutes=1))
        return _form(visit, f"Too many attempts. Try again in {minutes} minutes.", 429)
    if signed_in is None:
        return _form(visit, texts.WRONG_LOGIN, 401)
    before = visit.arrival.cookies.get(COOKIE)
    if before:
        operators.sign_out(visit.session, before)
    return Goto(safe_next(form.get("next", "")), {COOKIE: signed_in.secret, TICKET: ""})


def logout(visit: Visit) -> Reply:
    """End this session."""
    operators.sign_out(visit.session, visit.arrival.cookies.get(COOKIE, ""))
    return Goto(LOGIN, {COOKIE: ""})


def show_password(visit: Visit) -> Reply:
    """Show the form to change one's password."""
    return _password(None, 200)


def change_password(visit: Visit) -> Reply:
    """Change one's password and replace all sessions by a new one."""
    operator, form = visit.operator, visit.arrival.form
    assert operator is not None
    try:
        operators.change_password(
            visit.session, visit.deps.passwords, operator, form.get("old", ""), form.get("new", "")
        )
    except Forbidden as error:
        return _password(error.message, 403)
    except Invalid as error:
        errors: tuple[FieldError, ...] = error.errors
        return _password(errors[0].msg if errors else error.message, 422)
    session = operators.sign_in(visit.session, operator, visit.now)
    return Goto("/console?done=password", {COOKIE: session.secret})


def choose_theme(visit: Visit) -> Reply:
    """Set the theme: light, dark, or the system's."""
    theme = visit.arrival.form.get("theme", "")
    back = safe_next(visit.arrival.form.get("back", ""))
    return Goto(back, {THEME: theme if theme in {"light", "dark"} else ""})


def _password(message: str | None, status: int) -> Page:
    return Page("password.html", "Your password", {"message": message}, status=status)


def _form(visit: Visit, message: str | None, status: int) -> Page:
    ticket = secrets.token_urlsafe(24)
    next_path = visit.arrival.form.get("next") or visit.arrival.query.get("next", "")
    values = {
        "message": message,
        "ticket": ticket,
        "next": safe_next(next_path),
        "email": visit.arrival.form.get("email", ""),
    }
    return Page("login.html", "Sign in", values, status=status, cookies={TICKET: ticket})
