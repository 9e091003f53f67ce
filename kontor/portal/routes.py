"""Public pages: the token in the URL is the permission; no cookie, no script, only a POST changes anything."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from fastapi import APIRouter
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kontor.accounts.portal import activate, show_activation
from kontor.http.context import Deps
from kontor.http.responses import DB_UNAVAILABLE
from kontor.mailer.formatting import LANGUAGES
from kontor.mails.portal import show_unsubscribe, unsubscribe
from kontor.offers.portal import decide, show_decision
from kontor.ui import page_texts
from kontor.ui.pages import Pages, PublicPage, Reader

Form = Mapping[str, str]
ShowPage = Callable[[Deps, str], PublicPage]
SubmitPage = Callable[[Deps, str, Form], PublicPage]
RequestHandler = Callable[[Request], Awaitable[Response]]

FIELDS: Final = 10
FAMILIES: Final[tuple[tuple[str, ShowPage, SubmitPage], ...]] = (
    ("/offers/{token}", show_decision, decide),
    ("/activate/{token}", show_activation, activate),
    ("/unsubscribe/{token}", show_unsubscribe, unsubscribe),
)


def page_router() -> APIRouter:
    """Return the routes of the pages, and the redirect from `/` to the console."""
    pages = Pages()
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/", _redirect_to_console, methods=["GET", "HEAD"])
    for path, show, act in FAMILIES:
        router.add_api_route(path, _show_handler(pages, show), methods=["GET", "HEAD"], name=f"show {path}")
        router.add_api_route(path, _act_handler(pages, act), methods=["POST"], name=f"act {path}")
    return router


async def _redirect_to_console() -> RedirectResponse:
    return RedirectResponse("/console", 302)


def _show_handler(pages: Pages, show: ShowPage) -> RequestHandler:
    async def handle(request: Request) -> Response:
        deps: Deps = request.app.state.deps
        token = request.path_params["token"]
        return await _rendered(pages, request, lambda: show(deps, token))

    return handle


def _act_handler(pages: Pages, act: SubmitPage) -> RequestHandler:
    async def handle(request: Request) -> Response:
        deps: Deps = request.app.state.deps
        token = request.path_params["token"]
        form = await _form(request)
        return await _rendered(pages, request, lambda: act(deps, token, form))

    return handle


async def _form(request: Request) -> Form:
    """Return the text fields of a form; empty if the form cannot be parsed."""
    try:
        fields: FormData = await request.form(max_files=0, max_fields=FIELDS)
    except HTTPException:
        return {}
    return {name: value for name, value in fields.items() if isinstance(value, str)}


async def _rendered(pages: Pages, request: Request, make: Callable[[], PublicPage]) -> Response:
    """Build and render a page in a worker thread."""
    deps: Deps = request.app.state.deps
    reader = Reader(_preferred(request.headers.get("accept-language", "")))

    def work() -> Response:
        try:
            view = make()
        except DB_UNAVAILABLE:
            view = PublicPage("plain.html", 503, page_texts.BUSY, values={"hint": None})
        if view.brand is None:
            view = replace(view, reader=reader)
        return pages.response(view)

    return await asyncio.get_running_loop().run_in_executor(deps.threads, work)


def _preferred(header: str) -> str:
    """Return the first supported language of an Accept-Language header."""
    for part in header.split(","):
        language = part.partition(";")[0].strip()
        if language.partition("-")[0].lower() in LANGUAGES:
            return language
    return "en"
