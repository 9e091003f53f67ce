"""The web application, built from its dependencies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from kontor.account_book import routes as account_book_routes
from kontor.accounts import brand_routes, domain_routes, instance_routes, suspension_routes
from kontor.accounts import routes as accounts_routes
from kontor.bulk import routes as bulk_routes
from kontor.console.app import mount as mount_console
from kontor.discounts import routes as discounts_routes
from kontor.fees import routes as fees_routes
from kontor.http import docs_page
from kontor.http.acts import flush_refusals
from kontor.http.context import Deps
from kontor.http.edge import COMPRESSED_FROM, COMPRESSION, CompressedApi, Edge, on_domain
from kontor.http.hosts import DomainOwners, Hosts
from kontor.http.incoming import trace_of
from kontor.http.long_poll import JobWatcher
from kontor.http.openapi import describe
from kontor.http.responses import MEDIA, ApiResponse, head, problem, respond
from kontor.http.routing import ExactRoutes, Routes, flat
from kontor.http.tracing import TracingMiddleware
from kontor.jobs import lane_routes, queue_routes
from kontor.jobs import routes as jobs_routes
from kontor.kernel.doorbells import Offers
from kontor.kernel.errors import KontorError
from kontor.mails import routes as mails_routes
from kontor.members import routes as members_routes
from kontor.monitoring import routes as monitoring_routes
from kontor.monitoring.routes import RequestMetrics
from kontor.offers import routes as offers_routes
from kontor.offers.badge import BadgeRoute
from kontor.operators import routes as operators_routes
from kontor.orders import routes as orders_routes
from kontor.payments import routes as payments_routes
from kontor.payments import unmatched_routes
from kontor.portal.app import portal_routes
from kontor.portal.routes import page_routes
from kontor.programme import routes as programme_routes
from kontor.provisioning import routes as services_routes
from kontor.provisioning.service import ServiceEndings
from kontor.reconciliation import routes as reconciliation_routes
from kontor.task_types import lease_routes
from kontor.task_types import routes as task_types_routes
from kontor.usage import routes as usage_routes
from kontor.webhooks import routes as webhooks_routes
from kontor.webhooks.documents import add_webhooks
from kontor.webhooks.job_events import JOB_END_EVENTS

TITLE: Final = "Kontor"
TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own is off: ours is kontor.http.tracing and kontor.monitoring."""
FAMILIES: Final[tuple[Routes, ...]] = (
    jobs_routes.routes,
    bulk_routes.routes,
    jobs_routes.control_routes,
    queue_routes.task_routes,
    task_types_routes.routes,
    lease_routes.routes,
    queue_routes.queue_routes,
    reconciliation_routes.routes,
    queue_routes.schedule_routes,
    lane_routes.routes,
    accounts_routes.routes,
    instance_routes.routes,
    brand_routes.routes,
    suspension_routes.routes,
    accounts_routes.reseller_routes,
    domain_routes.routes,
    members_routes.routes,
    fees_routes.subscription_routes,
    fees_routes.routes,
    fees_routes.product_routes,
    fees_routes.charge_routes,
    usage_routes.trial_routes,
    usage_routes.routes,
    offers_routes.template_routes,
    offers_routes.routes,
    unmatched_routes.routes,
    payments_routes.routes,
    discounts_routes.routes,
    orders_routes.routes,
    services_routes.routes,
    account_book_routes.routes,
    discounts_routes.run_routes,
    mails_routes.routes,
    programme_routes.routes,
    webhooks_routes.routes,
    webhooks_routes.event_routes,
    operators_routes.routes,
    jobs_routes.clock_routes,
)
CODES: Final = {404: "not_found", 405: "method_not_allowed"}


def build(deps: Deps) -> FastAPI:
    """Build the application: API, public pages and console."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with hints(deps, app.state.watch):
            yield
        flush_refusals(deps)
        deps.threads.shutdown(wait=False, cancel_futures=True)
        if deps.tracer is not None:
            deps.tracer.close()

    app = FastAPI(
        title=TITLE,
        version=deps.version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=TELEMETRY,
    )
    app.state.deps = deps
    deps.jobs.catalogue.subscribe(ServiceEndings(deps.programmes))
    deps.jobs.catalogue.subscribe(JOB_END_EVENTS)
    app.state.hosts = Hosts.of(deps.public_url, deps.staff_url)
    app.state.domains = DomainOwners(deps)
    app.state.watch = JobWatcher(deps)
    app.state.meter = RequestMetrics(deps)
    add_routes(app)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(KontorError, _refused)
    app.add_exception_handler(ClientDisconnect, _disconnected)
    describe(app, add_webhooks)
    app.add_middleware(CompressedApi, minimum_size=COMPRESSED_FROM, compresslevel=COMPRESSION)
    if deps.tracer is not None:
        app.add_middleware(TracingMiddleware, tracer=deps.tracer)
    app.add_middleware(Edge)
    return app


def add_routes(app: FastAPI) -> None:
    """Add everything that the application serves."""
    routes = flat(FAMILIES)
    app.router.routes.extend([ExactRoutes(routes), BadgeRoute(), *routes])
    app.include_router(monitoring_routes.health_router)
    app.include_router(monitoring_routes.metrics_router)
    app.router.routes.extend([*page_routes(), *portal_routes()])
    docs_page.mount(app)
    mount_console(app)


def hints(deps: Deps, watch: JobWatcher) -> AbstractContextManager[None]:
    """Let hints wake the pull workers that wait in the running event loop."""
    if deps.pull_hints is None:
        return nullcontext()
    loop = asyncio.get_running_loop()

    def heard(offers: Offers) -> None:
        loop.call_soon_threadsafe(watch.pulls.hear, offers)

    return deps.pull_hints.listening(heard)


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer a request that matches no route or method."""
    assert isinstance(error, HTTPException)
    if on_domain(request.scope):
        return PlainTextResponse(HTTPStatus(error.status_code).phrase, error.status_code, error.headers)
    return _plain(error.status_code, dict(error.headers or {}), trace_of(request))


async def _refused(request: Request, error: Exception) -> Response:
    """Answer a request whose body is refused before a route works on it."""
    assert isinstance(error, KontorError)
    trace_id = trace_of(request)
    return respond(problem(error, trace_id), trace_id)


async def _disconnected(request: Request, error: Exception) -> Response:
    """End a request whose client left before its body was complete; nobody reads the answer."""
    return Response(status_code=400)


def _plain(status: int, headers: dict[str, str], trace_id: str) -> Response:
    phrase = HTTPStatus(status).phrase
    document = head(status, CODES.get(status, phrase.lower().replace(" ", "_")), f"{phrase}.", trace_id)
    return respond(ApiResponse(to_json(document), status, headers, MEDIA), trace_id)
