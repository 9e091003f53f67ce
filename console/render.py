"""The console's templates, and the headers that keep strangers' code out of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from console.answers import Document, Download, Goto, Page, Reply
from console.visit import Arrival, Visit
from console.words import FILTERS, notice_of
from models.people import Role

TEMPLATES: Final = Path(__file__).resolve().parent.parent / "templates" / "console"
LASTS: Final = 12 * 3600
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
NAVIGATION: Final = (
    ("overview", "/console", "Overview"),
    ("jobs", "/console/jobs", "Jobs"),
    ("dead", "/console/dead", "Dead"),
    ("bulk", "/console/bulk", "Bulk"),
    ("queues", "/console/queues", "Queues"),
    ("schedules", "/console/schedules", "Schedules"),
    ("workers", "/console/workers", "Workers"),
    ("instances", "/console/instances", "Instances"),
    ("accounts", "/console/accounts", "Accounts"),
    ("mail", "/console/mail", "Mail"),
    ("reconciliation", "/console/reconciliation", "Gaps"),
    ("audit", "/console/audit", "Audit"),
)
FOR_ADMINS: Final = (("people", "/console/people", "Admin"),)


class Templates:
    """Compiled on first use. Safe to share by threads."""

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

    def response(self, reply: Reply, visit: Visit) -> Response:
        """What goes over the wire."""
        if isinstance(reply, Goto):
            gone = RedirectResponse(reply.path, 303, HEADERS)
            return _with_cookies(gone, reply.cookies, visit.arrival)
        if isinstance(reply, Document):
            return Response(reply.body, media_type=reply.media, headers={**HEADERS, **reply.headers})
        if isinstance(reply, Download):
            named = {"Content-Disposition": f'attachment; filename="{reply.name}"'}
            return StreamingResponse(reply.parts, media_type=reply.media, headers={**HEADERS, **named})
        body = self._env.get_template(reply.template).render(_scope(reply, visit))
        page = HTMLResponse(body, reply.status, {**HEADERS, **reply.headers})
        return _with_cookies(page, reply.cookies, visit.arrival)

    def fragments(self, page: Page, visit: Visit) -> Mapping[str, str]:
        """The live parts of a page by the name of their template."""
        scope = _scope(page, visit)
        return {name: self._env.get_template(f"{name}.html").render(scope) for name in page.live}


def _scope(page: Page, visit: Visit) -> Mapping[str, Any]:
    return {
        "title": page.title,
        "here": page.here,
        "navigation": (*NAVIGATION, *(FOR_ADMINS if visit.may(Role.ADMIN) else ())),
        "operator": visit.operator,
        "csrf": visit.csrf,
        "may_act": visit.may(Role.OPERATOR),
        "now": visit.now,
        "test_clock": visit.deps.test_clock,
        "version": visit.deps.version,
        "notice": notice_of(visit.arrival.query.get("done", "")),
        "theme": _theme(visit.arrival),
        "path": visit.arrival.path,
        "soon": page.soon,
        "live": page.live,
        **page.values,
    }


def _theme(arrival: Arrival) -> str:
    chosen = arrival.cookies.get("kontor_theme", "")
    return chosen if chosen in {"light", "dark"} else "auto"


def _with_cookies(response: Response, cookies: Mapping[str, str], arrival: Arrival) -> Response:
    for name, value in cookies.items():
        life = LASTS if value else 0
        response.set_cookie(
            name, value, max_age=life, path="/console", httponly=True, samesite="lax", secure=arrival.secure
        )
    return response
