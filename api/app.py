"""The web application, built from its dependencies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import FastAPI
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api import (
    accounts,
    assignments,
    bulk,
    charges,
    clock,
    discount_runs,
    discounts,
    events,
    health,
    job_control,
    jobs,
    mails,
    merging,
    metrics,
    offers,
    orders,
    payments,
    programmes,
    queues,
    reconciliation,
    reseller_products,
    resellers,
    schedules,
    subscriptions,
    tasks,
    templates,
    trials,
    usage,
    webhooks,
)
from api.answers import ApiResponse
from api.deps import Deps
from api.metrics import Meter
from api.openapi import describe
from api.pages import page_router
from api.pipeline import trace_of
from api.problems import MEDIA, head
from api.respond import respond
from api.routes import Routes, flat
from api.tracing import Traced
from api.waiting import JobWatcher
from console.app import mount as mount_console

TITLE: Final = "Kontor"
FAMILIES: Final[tuple[Routes, ...]] = (
    jobs.routes,
    bulk.routes,
    job_control.routes,
    tasks.routes,
    queues.routes,
    reconciliation.routes,
    schedules.routes,
    accounts.routes,
    resellers.routes,
    merging.routes,
    subscriptions.routes,
    assignments.routes,
    reseller_products.routes,
    charges.routes,
    trials.routes,
    usage.routes,
    templates.routes,
    offers.routes,
    payments.routes,
    discounts.routes,
    orders.routes,
    discount_runs.routes,
    mails.routes,
    programmes.routes,
    webhooks.routes,
    events.routes,
    clock.routes,
)
CODES: Final = {404: "not_found", 405: "method_not_allowed", 500: "internal"}
log = structlog.get_logger(__name__)


def build(deps: Deps) -> FastAPI:
    """Build the application: API, public pages and console."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        deps.threads.shutdown(wait=False, cancel_futures=True)
        if deps.tracer is not None:
            deps.tracer.close()

    app = FastAPI(title=TITLE, version=deps.version, lifespan=lifespan, redoc_url=None)
    app.state.deps = deps
    app.state.watch = JobWatcher(deps)
    app.state.meter = Meter(deps)
    app.router.routes.extend(flat(FAMILIES))
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(page_router())
    mount_console(app)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _internal_error)
    describe(app)
    if deps.tracer is not None:
        app.add_middleware(Traced, tracer=deps.tracer)
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer a request that matches no route or method."""
    assert isinstance(error, HTTPException)
    return _plain(error.status_code, dict(error.headers or {}), trace_of(request))


async def _internal_error(request: Request, error: Exception) -> Response:
    """Log an internal error and answer with its trace id."""
    trace_id = trace_of(request)
    log.error("request.failed", path=request.url.path, trace=trace_id, exc_info=error)
    return _plain(500, {}, trace_id)


def _plain(status: int, headers: dict[str, str], trace_id: str) -> Response:
    phrase = HTTPStatus(status).phrase
    document = head(status, CODES.get(status, phrase.lower().replace(" ", "_")), f"{phrase}.", trace_id)
    return respond(ApiResponse(to_json(document), status, headers, MEDIA), trace_id)
