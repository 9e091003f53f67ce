"""Rendering of console responses, with security headers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from kontor.console import cookies
from kontor.ui import texts
from kontor.ui.console_request import (
    ConsoleRequest,
    ConsoleResponse,
    RawResponse,
    Redirect,
    StreamedFile,
    TemplateResponse,
)
from kontor.ui.formatting import FILTERS
from models.people import OperatorRole

TEMPLATES: Final = Path(__file__).resolve().parent.parent.parent / "templates" / "console"
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
        " frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}

CLEAR_BROWSER: Final = {"Clear-Site-Data": '"cache", "storage"'}
"""Sent when a session ends; not cookies, as that of the device is kept."""


class Templates:
    """Templates of the console, compiled on first use. Safe to share between threads."""

    def __init__(self, folder: Path = TEMPLATES) -> None:
        self._env = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(("html",), default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._env.filters.update(FILTERS)
        self._env.globals["lane_states"] = texts.LANE_STATES

    def response(self, reply: ConsoleResponse, request: ConsoleRequest) -> Response:
        """Build the HTTP response of a view's reply."""
        if isinstance(reply, Redirect):
            clears = CLEAR_BROWSER if reply.cookies.get(cookies.SESSION) == "" else {}
            redirect = RedirectResponse(reply.path, 303, {**HEADERS, **clears})
            return cookies.write(redirect, request.deps, reply.cookies)
        if isinstance(reply, RawResponse):
            return Response(reply.body, media_type=reply.media, headers={**HEADERS, **reply.headers})
        if isinstance(reply, StreamedFile):
            named = {"Content-Disposition": f'attachment; filename="{reply.name}"'}
            return StreamingResponse(reply.parts, media_type=reply.media, headers={**HEADERS, **named})
        body = self._env.get_template(reply.template).render(_scope(reply, request))
        page = HTMLResponse(body, reply.status, {**HEADERS, **reply.headers})
        return cookies.write(page, request.deps, reply.cookies)

    def fragments(self, page: TemplateResponse, request: ConsoleRequest) -> Mapping[str, str]:
        """Render the live fragments of a page, by template name."""
        scope = _scope(page, request)
        return {name: self._env.get_template(f"{name}.html").render(scope) for name in page.live}


def _scope(page: TemplateResponse, request: ConsoleRequest) -> Mapping[str, object]:
    return {
        "title": page.title,
        "nav": page.nav,
        "navigation": (*texts.NAVIGATION, *(texts.ADMIN_NAVIGATION if request.may(OperatorRole.ADMIN) else ())),
        "operator": request.operator,
        "csrf": request.csrf,
        "may_act": request.may(OperatorRole.OPERATOR),
        "now": request.now,
        "test_clock": request.deps.test_clock,
        "version": request.deps.version,
        "notice": texts.FLASH_MESSAGES.get(request.incoming.query.get("done", "")),
        "theme": _theme(request),
        "path": request.incoming.path,
        "soon": page.soon,
        "live": page.live,
        **page.values,
    }


def _theme(request: ConsoleRequest) -> str:
    theme = cookies.read(request.deps, request.incoming, cookies.THEME)
    return theme if theme in {"light", "dark"} else "auto"
