"""Who may use a route of the console: session, role, CSRF token, and a first password that must be changed."""

import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from kontor.console import cookies
from kontor.http.browsers import Browser
from kontor.http.context import Deps
from kontor.http.incoming import IncomingRequest
from kontor.http.problems import Unauthorized
from kontor.http.sign_in_limits import SignInTimes
from kontor.kernel.errors import Forbidden, KontorError
from kontor.operators import sessions
from kontor.ui import sign_in_texts, texts
from kontor.ui.console_request import ConsoleRequest
from kontor.ui.pages import preferred_language
from models.people import OperatorRole

PASSWORD_PATH: Final = "/console/password"  # noqa: S105 -- a page
OPEN_TO_ONE_TIME: Final = frozenset({PASSWORD_PATH, "/console/logout", "/console/theme"})


class PasswordChangeRequired(KontorError):
    """The session was opened with a first or reset password, which opens only the page that changes it."""

    def __init__(self) -> None:
        super().__init__("password_change_required", sign_in_texts.CHANGE_REQUIRED)


@dataclass(frozen=True, slots=True)
class RolePolicy:
    """Access policy of a console route; `role` None: no sign-in required.

    `proof`: a post requires that password or factor were given within 10 minutes.
    """

    role: OperatorRole | None
    proof: bool = False

    def admit(self, request: ConsoleRequest) -> None:
        """Check the policy. Raises Unauthorized, Forbidden for a foreign form, PasswordChangeRequired, Forbidden."""
        if self.role is None:
            return
        if request.operator is None:
            raise Unauthorized
        if request.incoming.method == "POST" and not _csrf_ok(request):
            raise Forbidden("csrf", texts.FOREIGN_FORM)
        if request.operator.one_time and request.incoming.path not in OPEN_TO_ONE_TIME:
            raise PasswordChangeRequired
        if not request.may(self.role):
            role = request.operator.role
            raise Forbidden("role", f"Your role is {role}; this page requires the role {self.role.value}.")


def authenticated(deps: Deps, session: Session, incoming: IncomingRequest, *, used: bool = True) -> ConsoleRequest:
    """Open a request with its operator, None if nobody is signed in. `used`: a person makes it."""
    secret = cookies.read(deps, incoming, cookies.SESSION)
    signed_in = sessions.find_session(session, secret, deps.clock.wall_time(), used=used) if secret else None
    return ConsoleRequest(deps, session, incoming, deps.clock.now(), *(signed_in or (None, None)))


def browser_of(request: ConsoleRequest) -> Browser:
    """Return the browser of a request."""
    incoming = request.incoming
    device = cookies.read(request.deps, incoming, cookies.DEVICE)
    language = preferred_language(incoming.headers.get("accept-language", "")).partition("-")[0].lower()
    return Browser(incoming.origin, incoming.headers.get("user-agent", ""), device or None, language)


def times_of(request: ConsoleRequest) -> SignInTimes:
    """Return programme time and real time of a request."""
    return SignInTimes(request.now, request.wall_time)


def _csrf_ok(request: ConsoleRequest) -> bool:
    token = request.incoming.form.get("csrf", "")
    return secrets.compare_digest(token.encode("utf-8", "replace"), request.csrf.encode())
