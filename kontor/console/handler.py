"""Handle a console request: session, role and CSRF, then the view, in one transaction; live updates."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from kontor.console import cookies
from kontor.console.acts import ConsoleView, note_refusal, recorded
from kontor.console.auth import PASSWORD_PATH, PasswordChangeRequired, RolePolicy, authenticated
from kontor.console.login import login_path
from kontor.console.proof import demand
from kontor.console.render import Templates
from kontor.http.bodies import read_upload
from kontor.http.context import Deps, NetworkCheck
from kontor.http.incoming import IncomingRequest
from kontor.http.problems import OutOfRange, Unauthorized, Unavailable, headers_of, status_of
from kontor.http.transaction import run, run_page
from kontor.kernel.errors import KontorError, NotFound, TooManyAttempts
from kontor.ui import texts
from kontor.ui.console_request import ConsoleRequest, ConsoleResponse, Redirect, TemplateResponse
from kontor.ui.operator_forms import FormCheck

Prepare = Callable[[Deps, IncomingRequest], ConsoleView]
"""Does what takes network I/O before the transaction; returns the view that uses it."""

RequestHandler = Callable[[Request], Awaitable[Response]]
FIELDS: Final = 40
STREAMS_PER_SESSION: Final = 20
"""Live pages that a session has open at once; they count as requests that wait, too."""


@dataclass(frozen=True, slots=True)
class ConsoleHandler:
    """Makes request handlers of views."""

    templates: Templates

    def handler(
        self,
        view: ConsoleView,
        policy: RolePolicy,
        *,
        sign_in: bool = False,
        max_files: int = 0,
        max_fields: int = FIELDS,
        check: FormCheck | None = None,
    ) -> RequestHandler:
        """Return the handler for the router; `sign_in`: it runs in the threads of sign-ins, and never in the others.

        `check` asks the network before the transaction, for whom the policy admits.
        """

        async def handle(http_request: Request) -> Response:
            deps: Deps = http_request.app.state.deps
            form, files = await read_upload(http_request, max_fields, deps.limits.bodies, max_files)
            stripped = {name: text.replace("\x00", "") for name, text in form.items()}
            incoming = IncomingRequest.of(http_request, form=stripped, files=files)
            if http_request.method == "GET" and requested(http_request.headers.get("accept", "")):
                return self._stream(http_request, deps, incoming, lambda: self._fragments(deps, incoming, view, policy))
            threads = deps.sign_in_threads or deps.threads if sign_in else deps.threads
            loop = asyncio.get_running_loop()
            network = NetworkCheck()
            if check is not None:
                asked = await loop.run_in_executor(threads, _admitted_check, deps, incoming, policy, check)
                network = network if asked is None else await NetworkCheck.of(asked)
            try:
                response = await loop.run_in_executor(threads, self._respond, deps, incoming, view, policy, network)
            except TooManyAttempts as error:
                return self._refused(self._refused_request(deps, None, incoming), error)
            return _metered(http_request, response)

        return handle

    def prepared(self, prepare: Prepare) -> RequestHandler:
        """Return the handler of a page without sign-in whose view asks another server first, outside a transaction."""

        async def handle(http_request: Request) -> Response:
            deps: Deps = http_request.app.state.deps
            incoming, loop = IncomingRequest.of(http_request), asyncio.get_running_loop()
            threads = deps.sign_in_threads or deps.threads
            try:
                view = await loop.run_in_executor(threads, prepare, deps, incoming)
                return await loop.run_in_executor(threads, self._respond, deps, incoming, view, RolePolicy(None))
            except (TooManyAttempts, NotFound) as error:
                return self._refused(self._refused_request(deps, None, incoming), error)

        return handle

    def _stream(
        self, http_request: Request, deps: Deps, incoming: IncomingRequest, draw: Callable[[], "Parts"]
    ) -> Response:
        """Stream to a session that has not too many streams already."""
        secret = cookies.read(deps, incoming, cookies.SESSION).encode("utf-8", "replace")
        session, seats = f"session:{sha256(secret).hexdigest()}", deps.limits.seats
        refusal = seats.sit(session, STREAMS_PER_SESSION)
        if refusal is not None:
            return self._refused(self._refused_request(deps, None, incoming), refusal)
        return stream(http_request, deps.threads, draw, lambda: seats.leave(session))

    def _respond(
        self,
        deps: Deps,
        incoming: IncomingRequest,
        view: ConsoleView,
        policy: RolePolicy,
        network: NetworkCheck = NetworkCheck(),  # noqa: B008 -- frozen
    ) -> Response:
        def show(session: Session) -> Response:
            request = replace(authenticated(deps, session, incoming), check=network)
            policy.admit(request)
            missing = demand(request) if policy.proof and incoming.method == "POST" else None
            return self.templates.response(recorded(request, view) if missing is None else missing, request)

        def refuse(session: Session | None, error: KontorError) -> Response:
            request = self._refused_request(deps, session, incoming)
            refused.append((request, error))
            return self._refused(request, error)

        refused: list[tuple[ConsoleRequest, KontorError]] = []
        response = run_page(deps, show, refuse)
        for request, error in refused[-1:]:
            note_refusal(request, error)
        return response

    def _refused_request(self, deps: Deps, session: Session | None, incoming: IncomingRequest) -> ConsoleRequest:
        """Return the request of a page that fails; without a Session nobody is signed in on it."""
        if session is None:
            return ConsoleRequest(deps, Session(), incoming, deps.clock.wall_time())
        return authenticated(deps, session, incoming)

    def _refused(self, request: ConsoleRequest, error: KontorError) -> Response:
        return self.templates.response(_refusal(error, request.incoming), request)

    def _fragments(
        self, deps: Deps, incoming: IncomingRequest, view: ConsoleView, policy: RolePolicy
    ) -> Mapping[str, str] | None:
        """Render the live fragments; empty while the database is unavailable, None if the page has none."""

        def draw(session: Session) -> Mapping[str, str] | None:
            request = authenticated(deps, session, incoming, used=False)
            policy.admit(request)
            reply = view(request)
            if isinstance(reply, TemplateResponse) and reply.live:
                return self.templates.fragments(reply, request)
            return None

        try:
            return run(deps, draw)
        except Unavailable:
            return {}
        except KontorError:
            return None


def _admitted_check(
    deps: Deps, incoming: IncomingRequest, policy: RolePolicy, check: FormCheck
) -> Coroutine[None, None, object] | None:
    """Admit the operator and return what to ask the network; None for whom the form itself refuses."""

    def admitted(session: Session) -> ConsoleRequest:
        request = authenticated(deps, session, incoming)
        policy.admit(request)
        return request

    try:
        return check(run(deps, admitted))
    except KontorError:
        return None


def _metered(http_request: Request, response: Response) -> Response:
    """Count the refusal of a limit; its name stands in the response's headers."""
    policy = response.headers.get("RateLimit-Policy")
    if policy is not None:
        http_request.app.state.meter.refuse(policy.split('"')[1])
    return response


def _refusal(error: KontorError, incoming: IncomingRequest) -> ConsoleResponse:
    """Return the page that says why a request failed; without a session, the way to sign in."""
    status = status_of(error)
    match error:
        case Unauthorized():
            return Redirect(login_path(incoming))
        case PasswordChangeRequired():
            return Redirect(PASSWORD_PATH)
        case NotFound():
            message = texts.NOT_FOUND
        case OutOfRange():
            message = texts.NOT_SEARCHABLE
        case Unavailable():
            message = texts.DATABASE_UNAVAILABLE
        case _:
            message = error.message
    title = texts.PROBLEM_TITLES.get(status, "Error")
    return TemplateResponse("problem.html", title, {"message": message}, status=status, headers=headers_of(error))


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


class CountedStream(StreamingResponse):
    """A stream that says when it is over, however it ends."""

    ended: Callable[[], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.ended()


def stream(
    http_request: Request, threads: Executor, draw: Callable[[], Parts], ended: Callable[[], None]
) -> CountedStream:
    """Stream each fragment when it changes. `draw` runs in a thread and authorizes the viewer each time."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
    response = CountedStream(_events(http_request, threads, draw), media_type=MEDIA, headers=headers)
    response.ended = ended
    return response


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
