"""The door of the console: in with address and password, out again."""

import re
import secrets
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from console.answers import Goto, Page, Reply
from console.visit import Arrival, Visit
from domain.errors import FieldError, Forbidden, Invalid, Locked
from services import operators, sign_in

COOKIE: Final = "kontor_session"
TICKET: Final = "kontor_login"
THEME: Final = "kontor_theme"
LOGIN: Final = "/console/login"
SAFE: Final = re.compile(r"/console(?:[/?][\x21-\x5b\x5d-\x7e]*)?")
WRONG: Final = "No operator has that address and password."
STALE: Final = "This form was too old. Please sign in again."


def login_path(arrival: Arrival) -> str:
    """Where somebody unknown is sent: the login, which leads back to a page that was asked for."""
    if arrival.method == "POST" or arrival.path == "/console":
        return LOGIN
    query = f"?{arrival.query}" if str(arrival.query) else ""
    return f"{LOGIN}?{urlencode({'next': arrival.path + query})}"


def safe_next(wanted: str) -> str:
    """A page of the console to go to; the overview for anything else."""
    return wanted if SAFE.fullmatch(wanted) and "//" not in wanted.partition("?")[0] else "/console"


def show_login(visit: Visit) -> Reply:
    """The form."""
    if visit.operator is not None:
        return Goto(safe_next(visit.arrival.query.get("next", "")))
    return _form(visit, None, 200)


def login(visit: Visit) -> Reply:
    """Open a session under a new secret; a wrong pair counts, five lock the address for 15 minutes."""
    form = visit.arrival.form
    ticket = visit.arrival.cookies.get(TICKET, "")
    sent = form.get("ticket", "")
    if not ticket or not secrets.compare_digest(ticket.encode(), sent.encode("utf-8", "replace")):
        return _form(visit, STALE, 403)
    email, password = form.get("email", ""), form.get("password", "")
    try:
        found = sign_in.attempt(
            visit.session, visit.deps.passwords, email, password, now=visit.now, origin=visit.arrival.origin
        )
    except Locked as locked:
        minutes = -(-locked.retry_after // timedelta(minutes=1))
        return _form(visit, f"Too many attempts. Try again in {minutes} minutes.", 429)
    if found is None:
        return _form(visit, WRONG, 401)
    before = visit.arrival.cookies.get(COOKIE)
    if before:
        operators.sign_out(visit.session, before)
    return Goto(safe_next(form.get("next", "")), {COOKIE: found.secret, TICKET: ""})


def logout(visit: Visit) -> Reply:
    """End this session."""
    operators.sign_out(visit.session, visit.arrival.cookies.get(COOKIE, ""))
    return Goto(LOGIN, {COOKIE: ""})


def show_password(visit: Visit) -> Reply:
    """The form for a password of one's own."""
    return _password(None, 200)


def change_password(visit: Visit) -> Reply:
    """Replace one's password; a fresh session takes the place of all others."""
    operator, form = visit.operator, visit.arrival.form
    assert operator is not None
    try:
        operators.change_password(
            visit.session, visit.deps.passwords, operator, form.get("old", ""), form.get("new", "")
        )
    except Forbidden as wrong:
        return _password(wrong.message, 403)
    except Invalid as refused:
        errors: tuple[FieldError, ...] = refused.errors
        return _password(errors[0].msg if errors else refused.message, 422)
    fresh = operators.sign_in(visit.session, operator, visit.now)
    return Goto("/console?done=password", {COOKIE: fresh.secret})


def choose_theme(visit: Visit) -> Reply:
    """Light, dark, or as the system has it."""
    chosen = visit.arrival.form.get("theme", "")
    back = safe_next(visit.arrival.form.get("back", ""))
    return Goto(back, {THEME: chosen if chosen in {"light", "dark"} else ""})


def _password(message: str | None, status: int) -> Page:
    return Page("password.html", "Your password", {"message": message}, status=status)


def _form(visit: Visit, message: str | None, status: int) -> Page:
    ticket = secrets.token_urlsafe(24)
    wanted = visit.arrival.form.get("next") or visit.arrival.query.get("next", "")
    values = {
        "message": message,
        "ticket": ticket,
        "next": safe_next(wanted),
        "email": visit.arrival.form.get("email", ""),
    }
    return Page("login.html", "Sign in", values, status=status, cookies={TICKET: ticket})
