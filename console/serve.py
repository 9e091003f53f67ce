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
from console.answers import ConsoleResponse, Redirect, TemplateResponse
from console.door import COOKIE, login_path
from console.render import Templates
from console.visit import ConsoleRequest, IncomingPageRequest
from domain.errors import Forbidden, Invalid, KontorError, Locked
from models.people import Role
from services import operators

ConsoleView = Callable[[ConsoleRequest], ConsoleResponse]
RequestHandler = Callable[[Request], Awaitable[Response]]
FIELDS: Final = 20


@dataclass(frozen=True, slots=True)
class Server:
    """Makes request handlers of views. `role` None: no sign-in required."""

    templates: Templates

    def handler(self, view: ConsoleView, role: Role | None) -> RequestHandler:
        """Return the handler for the router."""

        async def handle(http_request: Request) -> Response:
            deps: Deps = http_request.app.state.deps
            incoming = await _parse(http_request)
            if http_request.method == "GET" and live.requested(http_request.headers.get("accept", "")):
                return live.stream(http_request, deps.threads, lambda: self._fragments(deps, incoming, view, role))
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(deps.threads, self._answer, deps, incoming, view, role)

        return handle

    def _answer(self, deps: Deps, incoming: IncomingPageRequest, view: ConsoleView, role: Role | None) -> Response:
        try:
            with deps.sessions() as session:
                request = ConsoleRequest(deps, session, incoming, deps.clock.now())
                return self._visited(request, view, role)
        except DB_UNAVAILABLE:
            return self._without_database(deps, incoming)

    def _visited(self, request: ConsoleRequest, view: ConsoleView, role: Role | None) -> Response:
        request = _load_session(request)
        try:
            reply = _authorize(request, view, role)
            request.session.flush()
        except (KontorError, DataError) as error:
            request.session.rollback()
            return self.templates.response(_error_page(error), _load_session(request))
        response = self.templates.response(reply, request)
        request.session.commit()
        return response

    def _fragments(
        self, deps: Deps, incoming: IncomingPageRequest, view: ConsoleView, role: Role | None
    ) -> Mapping[str, str] | None:
        """Render the live fragments; empty while the database is unavailable, None if the page has none."""
        try:
            with deps.sessions() as session:
                request = _load_session(ConsoleRequest(deps, session, incoming, deps.clock.now()))
                reply = _authorize(request, view, role)
                return (
                    self.templates.fragments(reply, request)
                    if isinstance(reply, TemplateResponse) and reply.live
                    else None
                )
        except DB_UNAVAILABLE:
            return {}
        except (KontorError, DataError):
            return None

    def _without_database(self, deps: Deps, incoming: IncomingPageRequest) -> Response:
        request = ConsoleRequest(deps, Session(), incoming, deps.clock.real())
        return self.templates.response(_problem(texts.DATABASE_TITLE, texts.DATABASE_UNAVAILABLE, 503), request)


def _load_session(request: ConsoleRequest) -> ConsoleRequest:
    secret = request.incoming.cookies.get(COOKIE)
    signed_in = operators.signed_in(request.session, secret, request.now) if secret else None
    operator_session, operator = signed_in or (None, None)
    return replace(request, operator_session=operator_session, operator=operator)


def _authorize(request: ConsoleRequest, view: ConsoleView, role: Role | None) -> ConsoleResponse:
    """Return the view's reply, or a redirect to sign-in. Raises Forbidden for a wrong role or CSRF token."""
    if role is not None:
        if request.operator is None:
            return Redirect(login_path(request.incoming))
        if request.incoming.method == "POST" and not _csrf_ok(request):
            raise Forbidden("csrf", texts.FOREIGN_FORM)
        if not request.may(role):
            raise Forbidden("role", f"Your role is {request.operator.role}; this page requires the role {role.value}.")
    return view(request)


def _csrf_ok(request: ConsoleRequest) -> bool:
    token = request.incoming.form.get("csrf", "")
    return secrets.compare_digest(token.encode("utf-8", "replace"), request.csrf.encode())


def _error_page(error: KontorError | DataError) -> TemplateResponse:
    if isinstance(error, DataError):
        error = Invalid(message=texts.NOT_SEARCHABLE)
    status = status_of(error)

    message = texts.NOT_FOUND if status == 404 else error.message
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, Locked) else {}
    return replace(_problem(texts.PROBLEM_TITLES.get(status, "Error"), message, status), headers=headers)


def _problem(title: str, message: str, status: int) -> TemplateResponse:
    return TemplateResponse("problem.html", title, {"message": message}, status=status)


async def _parse(http_request: Request) -> IncomingPageRequest:
    return IncomingPageRequest(
        method=http_request.method,
        path=http_request.url.path,
        params=http_request.path_params,
        query=http_request.query_params,
        form=await _form(http_request) if http_request.method == "POST" else {},
        cookies=http_request.cookies,
        origin=http_request.client.host if http_request.client else "",
        secure="https" in (http_request.url.scheme, http_request.headers.get("x-forwarded-proto")),
    )


async def _form(http_request: Request) -> Mapping[str, str]:
    """Return the text fields of a form; empty if the form cannot be parsed."""
    try:
        form = await http_request.form(max_files=0, max_fields=FIELDS)
    except HTTPException:
        return {}
    return {name: value.replace("\x00", "") for name, value in form.items() if isinstance(value, str)}
