"""Routes of the operator console: pages, actions and static files."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from console import (
    accounts,
    admin,
    again,
    audit,
    bulk,
    dead,
    discount,
    door,
    job,
    jobs,
    mail,
    mail_again,
    mails,
    offers,
    overview,
    queues,
    reconciliation,
    searches,
    steering,
)
from console.answers import TemplateResponse
from console.deeds import ACTIONS
from console.gallery import Gallery
from console.render import Templates
from console.serve import ConsoleView, Server
from console.visit import ConsoleRequest
from domain.errors import NotFound
from models.people import Role

STATIC: Final = Path(__file__).resolve().parent / "static"
PAGES: Final[tuple[tuple[str, ConsoleView], ...]] = (
    ("/console", overview.show_overview),
    ("/console/jobs", jobs.show_jobs),
    ("/console/jobs/{job_id}", job.show_job),
    ("/console/dead", dead.show_dead),
    ("/console/bulk", bulk.show_runs),
    ("/console/bulk/{run_id}", bulk.show_run),
    ("/console/queues", queues.show_queues),
    ("/console/queues/{name}", queues.show_queue),
    ("/console/schedules", steering.show_schedules),
    ("/console/workers", steering.show_workers),
    ("/console/instances", steering.show_instances),
    ("/console/instances/{name}", steering.show_instance),
    ("/console/accounts", accounts.show_accounts),
    ("/console/accounts/{account_id}", accounts.show_account),
    ("/console/resellers/{reseller_id}/discount", discount.show_discount),
    ("/console/offers/{offer_id}", offers.show_offer),
    ("/console/mail", mails.show_mails),
    ("/console/mail/{mail_id}", mail.show_mail),
    ("/console/mail/{mail_id}/frame", mail.mail_frame),
    ("/console/reconciliation", reconciliation.show_gaps),
    ("/console/audit", audit.show_audit),
    ("/console/audit.csv", audit.export_audit),
    ("/console/password", door.show_password),
)

ADMIN_PAGES: Final[tuple[tuple[str, ConsoleView], ...]] = (
    ("/console/people", admin.show_people),
    ("/console/keys", admin.show_keys),
    ("/console/programmes", admin.show_programmes),
    ("/console/programmes/{code}", admin.show_programme),
)


class Assets(StaticFiles):
    """Style sheets and scripts, revalidated on every use so that a release takes effect."""

    def file_response(self, *arguments: object, **options: object) -> Response:
        """Return the file with the console's headers."""
        response = super().file_response(*arguments, **options)  # type: ignore[arg-type]  # passed through
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def mount(app: FastAPI) -> None:
    """Mount the console at `/console` of an application that has `state.deps`."""
    app.mount("/console/static", Assets(directory=STATIC), name="console-static")
    app.include_router(router_of(Server(Templates())))


def router_of(server: Server) -> APIRouter:
    """Return every route of the console."""
    router = APIRouter(include_in_schema=False)

    def add(path: str, method: str, view: ConsoleView, role: Role | None) -> None:
        methods = ["GET", "HEAD"] if method == "GET" else [method]
        router.add_api_route(path, server.handler(view, role), methods=methods, name=f"{method} {path}")

    add(door.LOGIN, "GET", door.show_login, None)
    add(door.LOGIN, "POST", door.login, None)
    add("/console/logout", "POST", door.logout, Role.VIEWER)
    add("/console/password", "POST", door.change_password, Role.VIEWER)
    add("/console/theme", "POST", door.choose_theme, Role.VIEWER)
    add("/console/searches", "POST", searches.keep, Role.VIEWER)
    add("/console/searches/{search_id}/forget", "POST", searches.forget, Role.VIEWER)
    add("/console/bulk", "POST", bulk.begin, Role.OPERATOR)
    add("/console/jobs/{job_id}/again", "GET", again.show_again, Role.OPERATOR)
    add("/console/jobs/{job_id}/again", "POST", again.run_again, Role.OPERATOR)
    add("/console/mail/{mail_id}/again", "GET", mail_again.show_again, Role.OPERATOR)
    add("/console/mail/{mail_id}/again", "POST", mail_again.send_again, Role.OPERATOR)
    gallery = Gallery()
    add("/console/mail/gallery", "GET", gallery.show_index, Role.VIEWER)
    add("/console/mail/gallery/{template}/{language}", "GET", gallery.show_sample, Role.VIEWER)
    add("/console/mail/gallery/{template}/{language}/frame", "GET", gallery.sample_frame, Role.VIEWER)
    add("/console/people", "POST", admin.add_person, Role.ADMIN)
    add("/console/people/{operator_id}/password", "POST", admin.new_password, Role.ADMIN)
    add("/console/people/{operator_id}/role", "POST", admin.set_role, Role.ADMIN)
    add("/console/keys", "POST", admin.add_key, Role.ADMIN)
    for path, view in ADMIN_PAGES:
        add(path, "GET", view, Role.ADMIN)
    for path, view in PAGES:
        add(path, "GET", view, Role.VIEWER)
    for action in ACTIONS:
        add(action.path, "GET", action.ask, action.role)
        add(action.path, "POST", action.do, action.role)
    add("/console/{rest:path}", "GET", _not_found, Role.VIEWER)
    return router


def _not_found(request: ConsoleRequest) -> TemplateResponse:
    raise NotFound
