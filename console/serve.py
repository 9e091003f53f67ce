"""Request handling of the console: session, role and CSRF checks, one transaction, response."""

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
from api.problems import DB_UNAVAILABLE, status_of
from console import live, texts
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


@dataclass(frozen=True, slots=True)
class Server:
    """Makes request handlers of views. `role` None: no sign-in required."""

    templates: Templates

    def handler(self, view: View, role: Role | None) -> Handler:
        """Return the handler for the router."""

        async def handle(request: Request) -> Response:
            deps: Deps = request.app.state.deps
            arrival = await _parse(request)
            if request.method == "GET" and live.requested(request.headers.get("accept", "")):
                return live.stream(request, deps.threads, lambda: self._fragments(deps, arrival, view, role))
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(deps.threads, self._answer, deps, arrival, view, role)

        return handle

    def _answer(self, deps: Deps, arrival: Arrival, view: View, role: Role | None) -> Response:
        try:
            with deps.sessions() as session:
                visit = Visit(deps, session, arrival, deps.clock.now())
                return self._visited(visit, view, role)
        except DB_UNAVAILABLE:
            return self._without_database(deps, arrival)

    def _visited(self, visit: Visit, view: View, role: Role | None) -> Response:
        visit = _load_session(visit)
        try:
            reply = _authorize(visit, view, role)
            visit.session.flush()
        except (KontorError, DataError) as error:
            visit.session.rollback()
            return self.templates.response(_error_page(error), _load_session(visit))
        response = self.templates.response(reply, visit)
        visit.session.commit()
        return response

    def _fragments(self, deps: Deps, arrival: Arrival, view: View, role: Role | None) -> Mapping[str, str] | None:
        """Render the live fragments; empty while the database is unavailable, None if the page has none."""
        try:
            with deps.sessions() as session:
                visit = _load_session(Visit(deps, session, arrival, deps.clock.now()))
                reply = _authorize(visit, view, role)
                return self.templates.fragments(reply, visit) if isinstance(reply, Page) and reply.live else None
        except DB_UNAVAILABLE:
            return {}
        except (KontorError, DataError):
            return None

    def _without_database(self, deps: Deps, arrival: Arrival) -> Response:
        visit = Visit(deps, Session(), arrival, deps.clock.real())
        return self.templates.response(_problem(texts.DATABASE_TITLE, texts.DATABASE_UNAVAILABLE, 503), visit)


def _load_session(visit: Visit) -> Visit:
    secret = visit.arrival.cookies.get(COOKIE)
    signed_in = operators.signed_in(visit.session, secret, visit.now) if secret else None
    opened, operator = signed_in or (None, None)
    return replace(visit, opened=opened, operator=operator)


def _authorize(visit: Visit, view: View, role: Role | None) -> Reply:
    """Return the view's reply, or a redirect to sign-in. Raises Forbidden for a wrong role or CSRF token."""
    if role is not None:
        if visit.operator is None:
            return Goto(login_path(visit.arrival))
        if visit.arrival.method == "POST" and not _csrf_ok(visit):
            raise Forbidden("csrf", texts.FOREIGN_FORM)
        if not visit.may(role):
            raise Forbidden("role", f"Your role is {visit.operator.role}; this page requires the role {role.value}.")
    return view(visit)


def _csrf_ok(visit: Visit) -> bool:
    token = visit.arrival.form.get("csrf", "")
    return secrets.compare_digest(token.encode("utf-8", "replace"), visit.csrf.encode())


def _error_page(error: KontorError | DataError) -> Page:
    if isinstance(error, DataError):
        error = Invalid(message=texts.NOT_SEARCHABLE)
    status = status_of(error)

    message = texts.NOT_FOUND if status == 404 else error.message
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, Locked) else {}
    return replace(_problem(texts.PROBLEM_TITLES.get(status, "Error"), message, status), headers=headers)


def _problem(title: str, message: str, status: int) -> Page:
    return Page("problem.html", title, {"message": message}, status=status)


async def _parse(request: Request) -> Arrival:
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
    """Return the text fields of a form; empty if the form cannot be parsed."""
    try:
        form = await request.form(max_files=0, max_fields=FIELDS)
    except HTTPException:
        return {}
    return {name: value.replace("\x00", "") for name, value in form.items() if isinstance(value, str)}
