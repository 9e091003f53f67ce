"""Handle a console request: session, role, CSRF; then one transaction, committed here; live updates."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from kontor.console.auth import COOKIE, login_path
from kontor.console.render import Templates
from kontor.http.context import Deps
from kontor.http.responses import DB_UNAVAILABLE, status_of
from kontor.kernel.errors import Forbidden, Invalid, KontorError, TooManyAttempts
from kontor.operators import service as operators
from kontor.ui import texts
from kontor.ui.console_request import ConsoleRequest, ConsoleResponse, IncomingPageRequest, Redirect, TemplateResponse
from models.people import OperatorRole

ConsoleView = Callable[[ConsoleRequest], ConsoleResponse]
RequestHandler = Callable[[Request], Awaitable[Response]]
FIELDS: Final = 20


@dataclass(frozen=True, slots=True)
class ConsoleHandler:
    """Makes request handlers of views. `role` None: no sign-in required."""

    templates: Templates

    def handler(self, view: ConsoleView, role: OperatorRole | None) -> RequestHandler:
        """Return the handler for the router."""

        async def handle(http_request: Request) -> Response:
            deps: Deps = http_request.app.state.deps
            incoming = await _parse(http_request)
            if http_request.method == "GET" and requested(http_request.headers.get("accept", "")):
                return stream(http_request, deps.threads, lambda: self._fragments(deps, incoming, view, role))
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(deps.threads, self._answer, deps, incoming, view, role)

        return handle

    def _answer(
        self, deps: Deps, incoming: IncomingPageRequest, view: ConsoleView, role: OperatorRole | None
    ) -> Response:
        try:
            with deps.sessions() as session:
                request = ConsoleRequest(deps, session, incoming, deps.clock.now())
                return self._visited(request, view, role)
        except DB_UNAVAILABLE:
            return self._without_database(deps, incoming)

    def _visited(self, request: ConsoleRequest, view: ConsoleView, role: OperatorRole | None) -> Response:
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
        self, deps: Deps, incoming: IncomingPageRequest, view: ConsoleView, role: OperatorRole | None
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
        request = ConsoleRequest(deps, Session(), incoming, deps.clock.wall_time())
        return self.templates.response(_problem(texts.DATABASE_TITLE, texts.DATABASE_UNAVAILABLE, 503), request)


def _load_session(request: ConsoleRequest) -> ConsoleRequest:
    secret = request.incoming.cookies.get(COOKIE)
    signed_in = operators.find_session(request.session, secret, request.now) if secret else None
    operator_session, operator = signed_in or (None, None)
    return replace(request, operator_session=operator_session, operator=operator)


def _authorize(request: ConsoleRequest, view: ConsoleView, role: OperatorRole | None) -> ConsoleResponse:
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
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, TooManyAttempts) else {}
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


EVERY_SECONDS: Final = 2.0
SHARE: Final = 20
"""Rendering takes at most one twentieth of the time."""

LIFE_SECONDS: Final = 30.0
"""Length of a stream; the browser then reconnects, so that a stopping process is not kept waiting."""

Parts = Mapping[str, str] | None
MEDIA: Final = "text/event-stream"


def requested(accept: str) -> bool:
    """Return whether the browser asks for a stream instead of a page."""
    return MEDIA in accept


def stream(http_request: Request, threads: Executor, draw: Callable[[], Parts]) -> Response:
    """Stream each fragment when it changes. `draw` runs in a thread and authorizes the viewer each time."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(_events(http_request, threads, draw), media_type=MEDIA, headers=headers)


async def _events(http_request: Request, threads: Executor, draw: Callable[[], Parts]) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    end, sent = loop.time() + LIFE_SECONDS, dict[str, str]()
    yield "retry: 1000\n\n"
    while loop.time() < end and not await http_request.is_disconnected():
        began = loop.time()
        parts = await loop.run_in_executor(threads, draw)
        if parts is None:
            yield "event: over\ndata: \n\n"
            return
        for name, html in parts.items():
            if sent.get(name) != html:
                sent[name] = html
                yield f"event: part\ndata: {json.dumps({'name': name, 'html': html})}\n\n"
        yield ": here\n\n"
        await asyncio.sleep(max(EVERY_SECONDS, SHARE * (loop.time() - began)))
