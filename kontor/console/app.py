"""Routes of the operator console: pages, actions and static files."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from kontor.account_book import console as account_book_console
from kontor.accounts import console as accounts_console
from kontor.accounts.account_forms import CONNECT, MERGE, NEW_ACCOUNT
from kontor.accounts.setting_forms import BRAND, INSTANCE
from kontor.bulk import console as bulk_console
from kontor.console import audit, engine_pages, job, jobs, login, overview, provider, queues, security, sign_in_steps
from kontor.console.actions import ACTIONS
from kontor.console.acts import ConsoleView
from kontor.console.auth import PASSWORD_PATH, RolePolicy
from kontor.console.handler import FIELDS, ConsoleHandler
from kontor.console.render import Templates
from kontor.discounts import console as discounts_console
from kontor.discounts import runs_console
from kontor.fees import console as fees_console
from kontor.kernel.errors import NotFound
from kontor.limits import console as limits_console
from kontor.mails import console as mails_console
from kontor.mails.preview_console import Gallery
from kontor.members.enter_form import ENTER
from kontor.offers import console as offers_console
from kontor.offers.send_form import SEND
from kontor.operators import console as operators_console
from kontor.orders import console as orders_console
from kontor.orders.order_form import ORDER
from kontor.payments import console as payments_console
from kontor.payments.entry_form import RECORD
from kontor.programme import console as programme_console
from kontor.programme.file_sections import SECTIONS
from kontor.programme.section_console import SectionPages
from kontor.provisioning import console as services_console
from kontor.reconciliation import console as reconciliation_console
from kontor.task_types import console as task_types_console
from kontor.ui.console_request import ConsoleRequest, TemplateResponse
from kontor.ui.listing import Listing
from kontor.ui.operator_forms import FormCheck, OperatorForm
from kontor.webhooks import console as webhooks_console
from models.people import OperatorRole

STATIC: Final = Path(__file__).resolve().parent / "static"
LISTINGS: Final[tuple[Listing[Any], ...]] = (
    offers_console.OFFERS,
    orders_console.ORDERS,
    services_console.SERVICES,
    fees_console.CHARGES,
    payments_console.PAYMENTS,
    webhooks_console.ENDPOINTS,
    runs_console.RUNS,
)
PAGES: Final[tuple[tuple[str, ConsoleView], ...]] = (
    ("/console", overview.show_overview),
    ("/console/jobs", jobs.show_jobs),
    ("/console/jobs/{job_id}", job.show_job),
    ("/console/dead", jobs.show_dead),
    ("/console/bulk", bulk_console.show_runs),
    ("/console/bulk/{run_id}", bulk_console.show_run),
    ("/console/queues", queues.show_queues),
    ("/console/queues/{name}", queues.show_queue),
    ("/console/schedules", engine_pages.show_schedules),
    ("/console/task-types", task_types_console.show_task_types),
    ("/console/task-types/{name}", task_types_console.show_task_type),
    ("/console/workers", engine_pages.show_workers),
    ("/console/instances", engine_pages.show_instances),
    ("/console/instances/{name}", engine_pages.show_instance),
    ("/console/accounts", accounts_console.show_accounts),
    ("/console/accounts/{account_id}", accounts_console.show_account),
    ("/console/resellers/{reseller_id}/discount", discounts_console.show_discount),
    ("/console/resellers/{reseller_id}/account-book", account_book_console.show_account_book),
    ("/console/resellers/{reseller_id}/account-book.csv", account_book_console.export_account_book),
    ("/console/payments/unmatched", payments_console.show_unmatched),
    *(
        (place, view)
        for each in LISTINGS
        for place, view in ((each.path, each.show), (f"{each.path}.csv", each.export))
    ),
    ("/console/offers/{offer_id}", offers_console.show_offer),
    ("/console/services/{service_id}", services_console.show_service),
    ("/console/orders/{order_id}", orders_console.show_order),
    ("/console/charges/{charge_id}", fees_console.show_charge),
    ("/console/payments/{payment_id}", payments_console.show_payment),
    ("/console/endpoints/{endpoint_id}", webhooks_console.show_endpoint),
    ("/console/discount-runs/{run_id}", runs_console.show_run),
    ("/console/resellers/{reseller_id}/orders", orders_console.show_of_reseller),
    ("/console/mail", mails_console.show_mails),
    ("/console/mail/{mail_id}", mails_console.show_mail),
    ("/console/mail/{mail_id}/frame", mails_console.mail_frame),
    ("/console/reconciliation", reconciliation_console.show_gaps),
    ("/console/audit", audit.show_audit),
    ("/console/audit.csv", audit.export_audit),
    ("/console/password", login.show_password),
    ("/console/security", security.show_security),
    ("/console/security/totp", security.show_totp),
)

FILES: Final[Mapping[str, int]] = {"/console/accounts/{account_id}/image": 1, payments_console.IMPORT_PATH: 1}
"""The most files that a form may have, by its path."""

FILE_SECTIONS: Final = tuple(map(SectionPages, SECTIONS))
MANY_FIELDS: Final[Mapping[str, int]] = {path: 500 for pages in FILE_SECTIONS for path in pages.paths.values()}
"""The most fields of forms that have one for each product, metric or family, by their path."""

ADMIN_PAGES: Final[tuple[tuple[str, ConsoleView], ...]] = (
    ("/console/people", operators_console.show_people),
    ("/console/keys", operators_console.show_keys),
    ("/console/limits", limits_console.show_limits),
    ("/console/programmes", programme_console.show_programmes),
    ("/console/programmes/{code}", programme_console.show_programme),
    *(
        (path, view)
        for each in FILE_SECTIONS
        for path, view in zip(
            each.paths.values(), (each.show_list, each.show_add, each.show_change, each.show_remove), strict=True
        )
    ),
)
ADMIN_FORMS: Final[tuple[tuple[str, ConsoleView], ...]] = (
    ("/console/people", operators_console.add_person),
    ("/console/people/{operator_id}/password", operators_console.new_password),
    ("/console/people/{operator_id}/role", operators_console.set_role),
    ("/console/keys", operators_console.add_key),
    ("/console/limits", limits_console.set_limit),
    ("/console/programmes/{code}", programme_console.submit_file),
    *(
        (each.paths[name], view)
        for each in FILE_SECTIONS
        for name, view in (("add", each.add), ("change", each.change), ("remove", each.remove))
    ),
)

ENTRY_FORMS: Final[tuple[OperatorForm, ...]] = (
    NEW_ACCOUNT,
    CONNECT,
    MERGE,
    BRAND,
    INSTANCE,
    SEND,
    ORDER,
    RECORD,
    ENTER,
)
"""By which operators do what resellers and their clients do themselves (portal.md 5)."""

SECURITY_FORMS: Final[Mapping[str, ConsoleView]] = {
    "totp": security.add_totp,
    "passkeys": security.add_passkey,
    "codes": security.new_codes,
    "factors/{factor_id}/remove": security.remove_factor,
    "sessions/{session_id}/end": security.end_session,
    "sessions/end-others": security.end_others,
}
FORMS: Final[tuple[tuple[str, str, ConsoleView, OperatorRole], ...]] = (
    ("POST", "/console/logout", login.logout, OperatorRole.VIEWER),
    ("POST", PASSWORD_PATH, login.change_password, OperatorRole.VIEWER),
    ("POST", "/console/theme", login.choose_theme, OperatorRole.VIEWER),
    ("POST", "/console/searches", jobs.keep, OperatorRole.VIEWER),
    ("POST", "/console/searches/{search_id}/forget", jobs.forget, OperatorRole.VIEWER),
    ("POST", "/console/bulk", bulk_console.begin, OperatorRole.OPERATOR),
    ("GET", "/console/jobs/{job_id}/again", job.show_again, OperatorRole.OPERATOR),
    ("POST", "/console/jobs/{job_id}/again", job.run_again, OperatorRole.OPERATOR),
    ("GET", "/console/mail/{mail_id}/again", mails_console.show_again, OperatorRole.OPERATOR),
    ("POST", "/console/mail/{mail_id}/again", mails_console.send_again, OperatorRole.OPERATOR),
    ("POST", "/console/accounts/{account_id}/image", accounts_console.upload_image, OperatorRole.OPERATOR),
    ("POST", payments_console.IMPORT_PATH, payments_console.send_file, OperatorRole.OPERATOR),
    ("GET", payments_console.IMPORT_PATH, payments_console.show_import, OperatorRole.OPERATOR),
    ("GET", payments_console.PREVIEW_PATH, payments_console.show_preview, OperatorRole.OPERATOR),
    ("POST", payments_console.PREVIEW_PATH, payments_console.submit_preview, OperatorRole.OPERATOR),
)
SIGN_IN: Final[tuple[tuple[str, str, ConsoleView], ...]] = (
    ("GET", login.LOGIN, login.show_login),
    ("POST", login.LOGIN, sign_in_steps.first),
    ("GET", sign_in_steps.SECOND, sign_in_steps.show_second),
    ("POST", sign_in_steps.SECOND, sign_in_steps.second),
)
SIGN_IN_PATHS: Final = frozenset({login.LOGIN, PASSWORD_PATH})
"""Pages whose forms verify a password: they run in threads of their own."""


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
    app.router.routes.extend(console_routes())


@cache
def console_routes() -> tuple[BaseRoute, ...]:
    """Return every route of the console, with its templates; they read `state.deps` of the application."""
    return tuple(router_of(ConsoleHandler(Templates())).routes)


def router_of(server: ConsoleHandler) -> APIRouter:
    """Return every route of the console."""
    router = APIRouter(include_in_schema=False)

    def add(
        path: str,
        method: str,
        view: ConsoleView,
        role: OperatorRole | None,
        *,
        proof: bool = False,
        check: FormCheck | None = None,
    ) -> None:
        methods = ["GET", "HEAD"] if method == "GET" else [method]
        sign_in = method == "POST" and path in SIGN_IN_PATHS
        files, fields = FILES.get(path, 0), MANY_FIELDS.get(path, FIELDS)
        policy = RolePolicy(role, proof)
        route = server.handler(view, policy, sign_in=sign_in, max_files=files, max_fields=fields, check=check)
        router.add_api_route(path, route, methods=methods, name=f"{method} {path}")

    for method, path, view in SIGN_IN:
        add(path, method, view, None)
    for path, prepare in ((provider.START, provider.leave), (provider.BACK, provider.come_back)):
        router.add_api_route(path, server.prepared(prepare), methods=["GET"], name=f"GET {path}")
    for method, path, view, role in FORMS:
        add(path, method, view, role)
    for name, view in SECURITY_FORMS.items():
        add(f"/console/security/{name}", "POST", view, OperatorRole.VIEWER, proof="session" not in name)
    gallery = Gallery()
    add("/console/mail/gallery", "GET", gallery.show_index, OperatorRole.VIEWER)
    add("/console/mail/gallery/{template}/{language}", "GET", gallery.show_sample, OperatorRole.VIEWER)
    add("/console/mail/gallery/{template}/{language}/frame", "GET", gallery.sample_frame, OperatorRole.VIEWER)
    for path, method, view, policy, check in _entries():
        add(path, method, view, policy.role, proof=policy.proof, check=check)
    add("/console/{rest:path}", "GET", _not_found, OperatorRole.VIEWER)
    return router


def _entries() -> Iterator[tuple[str, str, ConsoleView, RolePolicy, FormCheck | None]]:
    """Yield the forms of operators, the pages and the actions, as (path, method, view, policy, check)."""
    for form in ENTRY_FORMS:
        yield form.path, "GET", form.show, RolePolicy(form.role), None
        yield form.path, "POST", form.submit, RolePolicy(form.role), form.check
    for method, views, policy in (
        ("POST", ADMIN_FORMS, RolePolicy(OperatorRole.ADMIN, proof=True)),
        ("GET", ADMIN_PAGES, RolePolicy(OperatorRole.ADMIN)),
        ("GET", PAGES, RolePolicy(OperatorRole.VIEWER)),
    ):
        for path, view in views:
            yield path, method, view, policy, None
    for action in ACTIONS:
        yield action.path, "GET", action.ask, RolePolicy(action.role), None
        yield action.path, "POST", action.do, RolePolicy(action.role, action.proof), None


def _not_found(request: ConsoleRequest) -> TemplateResponse:
    raise NotFound
