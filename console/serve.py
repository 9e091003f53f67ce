"""From a request to its page: who asks, may they, is the form ours; then one transaction, committed here."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.deps import Deps
from api.problems import AWAY, status_of
from console import live
from console.answers import Goto, Page, Reply
from console.door import COOKIE, login_path
from console.render import Templates
from console.visit import Arrival, Visit
from domain.errors import Forbidden, Invalid, KontorError, Locked
from models.people import Role
from services import operators

View = Callable[[Visit], Reply]
Handler = Callable[[Request], Awaitable[Response]]
FIELDS: Final = 20
BUSY: Final = "The database does not answer. Wait a moment, then load the page again."


@dataclass(frozen=True, slots=True)
class Server:
    """Makes handlers of views. `role` None: the door itself, open to everybody."""

    templates: Templates

    def handler(self, view: View, role: Role | None) -> Handler:
        """What the router calls."""

        async def handle(request: Request) -> Response:
            deps: Deps = request.app.state.deps
            arrival = await _arrived(request)
            if request.method == "GET" and live.wanted(request.headers.get("accept", "")):
                return live.stream(request, deps.threads, lambda: self._fragments(deps, arrival, view, role))
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(deps.threads, self._answer, deps, arrival, view, role)

        return handle

    def _answer(self, deps: Deps, arrival: Arrival, view: View, role: Role | None) -> Response:
        try:
            with deps.sessions() as session:
                visit = Visit(deps, session, arrival, deps.clock.now())
                return self._visited(visit, view, role)
        except AWAY:
            return self._without_database(deps, arrival)

    def _visited(self, visit: Visit, view: View, role: Role | None) -> Response:
        visit = _recognised(visit)
        try:
            reply = _admitted(visit, view, role)
            visit.session.flush()
        except (KontorError, DataError) as error:
            visit.session.rollback()
            return self.templates.response(_refusal(error), _recognised(visit))
        response = self.templates.response(reply, visit)
        visit.session.commit()
        return response

    def _fragments(self, deps: Deps, arrival: Arrival, view: View, role: Role | None) -> Mapping[str, str] | None:
        """The live parts as they are now; none while the database is away; None: there is nothing to follow here."""
        try:
            with deps.sessions() as session:
                visit = _recognised(Visit(deps, session, arrival, deps.clock.now()))
                reply = _admitted(visit, view, role)
                return self.templates.fragments(reply, visit) if isinstance(reply, Page) and reply.live else None
        except AWAY:
            return {}
        except (KontorError, DataError):
            return None

    def _without_database(self, deps: Deps, arrival: Arrival) -> Response:
        visit = Visit(deps, Session(), arrival, deps.clock.real())
        return self.templates.response(_problem("The database is away", BUSY, 503), visit)


def _recognised(visit: Visit) -> Visit:
    secret = visit.arrival.cookies.get(COOKIE)
    found = operators.signed_in(visit.session, secret, visit.now) if secret else None
    opened, operator = found or (None, None)
    return replace(visit, opened=opened, operator=operator)


def _admitted(visit: Visit, view: View, role: Role | None) -> Reply:
    """The view's reply; the login for nobody; raises Forbidden for a role or a form that may not."""
    if role is not None:
        if visit.operator is None:
            return Goto(login_path(visit.arrival))
        if visit.arrival.method == "POST" and not _ours(visit):
            raise Forbidden("csrf", "This form is not of your session. Load the page again and repeat what you did.")
        if not visit.may(role):
            raise Forbidden("role", f"Your role is {visit.operator.role}; this needs the role {role.value}.")
    return view(visit)


def _ours(visit: Visit) -> bool:
    sent = visit.arrival.form.get("csrf", "")
    return secrets.compare_digest(sent.encode("utf-8", "replace"), visit.csrf.encode())


def _refusal(error: KontorError | DataError) -> Page:
    if isinstance(error, DataError):
        error = Invalid(message="A value on this page cannot be searched for.")
    status = status_of(error)
    titles = {403: "Not allowed", 404: "Not found", 409: "Refused", 422: "Not valid", 429: "Too many attempts"}
    message = "There is no such thing, or not any more." if status == 404 else error.message
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, Locked) else {}
    return replace(_problem(titles.get(status, "Refused"), message, status), headers=headers)


def _problem(title: str, message: str, status: int) -> Page:
    return Page("problem.html", title, {"message": message}, status=status)


async def _arrived(request: Request) -> Arrival:
    return Arrival(
        method=request.method,
        path=request.url.path,
        params=request.path_params,
        query=request.query_params,
        form=await _form(request) if request.method == "POST" else {},
        cookies=request.cookies,
        origin=request.client.host if request.client else "",
        secure="https" in (request.url.scheme, request.headers.get("x-forwarded-proto")),
    )


async def _form(request: Request) -> Mapping[str, str]:
    """The text fields of a form; nothing when it cannot be read."""
    try:
        sent = await request.form(max_files=0, max_fields=FIELDS)
    except HTTPException:
        return {}
    return {name: value.replace("\x00", "") for name, value in sent.items() if isinstance(value, str)}
