"""Routes of Prometheus metrics, health and readiness."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from secrets import compare_digest
from typing import Final

import psycopg
from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import Pool, QueuePool
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kontor.engine.admin import invariants
from kontor.engine.readiness import ReadinessReport, cause_of_unreadiness, report_of
from kontor.http.context import Deps
from kontor.http.hosts import DomainOwners, is_local
from kontor.http.incoming import bearer, trace_of
from kontor.http.problems import Unauthorized
from kontor.http.responses import problem, respond
from kontor.kernel.database import psycopg_connection
from kontor.kernel.errors import Forbidden, KontorError
from kontor.kernel.limits import LIMITS
from kontor.monitoring import service

MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
metrics_router = APIRouter(tags=["health"])


class RequestMetrics:
    """Counts this process's requests by route pattern, never by URL."""

    def __init__(self, deps: Deps) -> None:
        self.registry = CollectorRegistry()
        requests = Counter(
            "kontor_http_requests_total",
            "HTTP requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        seconds = Histogram(
            "kontor_http_request_seconds",
            "Time to response, long polling included.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._refusals = Counter(
            "kontor_limit_refusals_total", "Requests refused by a limit.", ("limit",), registry=self.registry
        )
        self._requests_of, self._seconds_of = cache(requests.labels), cache(seconds.labels)
        for limit in LIMITS:
            self._refusals.labels(limit.name)
        ProcessCollector(registry=self.registry)
        self.registry.register(DatabaseCollector(deps))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests_of(method, route, str(status)).inc()
        self._seconds_of(route).observe(seconds)

    def refuse(self, limit: str) -> None:
        """Count one request that a limit refused."""
        self._refusals.labels(limit).inc()


@dataclass(frozen=True, slots=True)
class DatabaseCollector(Collector):
    """Queries PostgreSQL at every scrape; `kontor_up` reports whether it responded."""

    deps: Deps

    def describe(self) -> Iterator[Metric]:
        """Return nothing, so that registration does not query the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Collect all metrics."""
        families, up = self._query()
        yield _family(service.Gauge("kontor_up", "1 while PostgreSQL responds.", (), [((), up)]))
        for gauge in families:
            yield _family(gauge)

    def _query(self) -> tuple[list[service.Family], float]:
        deps = self.deps
        try:
            with deps.sessions() as session:
                now, wall_time = deps.clock.now(), deps.clock.wall_time()
                families = list(service.collect(session, deps.jobs.catalogue, now, wall_time))
                pool = session.get_bind().engine.pool
        except (SQLAlchemyError, psycopg.Error):
            return [], 0.0
        testing = [((), float(deps.test_clock))]
        families.append(service.Gauge("kontor_test_clock", "1 while the test clock is on.", (), testing))
        return [*families, *_pool(pool)], 1.0


def _pool(pool: Pool) -> Iterator[service.Gauge]:
    if isinstance(pool, QueuePool):
        in_use, size = [((), float(pool.checkedout()))], [((), float(pool.size()))]
        yield service.Gauge("kontor_db_connections_in_use", "Database connections in use by this process.", (), in_use)
        yield service.Gauge("kontor_db_pool_size", "Size of the connection pool; overflow may exceed it.", (), size)


@metrics_router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def scrape(request: Request) -> Response:
    """Return all metrics in the Prometheus text format: to the holder of METRICS_TOKEN, otherwise on this machine."""
    deps: Deps = request.app.state.deps
    refusal = _refusal(request, deps.metrics_token)
    if refusal is not None:
        trace_id = trace_of(request)
        return respond(problem(refusal, trace_id), trace_id)
    meter: RequestMetrics = request.app.state.meter
    return Response(generate_latest(meter.registry), media_type=MEDIA)


def _refusal(request: Request, token: str | None) -> KontorError | None:
    """Return why a caller may not read the metrics. Without a token only loopback peers may, never when forwarded."""
    if token is None:
        return None if is_local(request.scope) else Forbidden(message="Only callers on this machine read the metrics.")
    sent = bearer(request.headers) or ""
    return None if compare_digest(sent.encode(), token.encode()) else Unauthorized(message="Send METRICS_TOKEN.")


def _family(source: service.Family) -> Metric:
    if isinstance(source, service.Histogram):
        return _histogram(source)
    kind = CounterMetricFamily if source.counter else GaugeMetricFamily
    family = kind(source.name, source.help, labels=source.labels)
    for labels, value in source.samples:
        family.add_metric(labels, value)
    return family


def _histogram(source: service.Histogram) -> HistogramMetricFamily:
    family = HistogramMetricFamily(source.name, source.help, labels=source.labels)
    names = [*map(str, source.bounds), "+Inf"]
    for labels, counts, total in source.samples:
        buckets = list(zip(names, map(float, accumulate(counts)), strict=True))
        family.add_metric(labels, buckets, sum_value=total)
    return family


health_router = APIRouter(tags=["health"])
READY: dict[int | str, dict[str, object]] = {
    503: {"description": "This process cannot work; `why` has the cause: PostgreSQL is away, read-only or empty."}
}


@health_router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Report that the process is alive."""
    return {"status": "ok"}


@health_router.get("/readyz", responses=READY)
async def readyz(request: Request) -> JSONResponse:
    """Report whether this process can work; `broken` names broken invariants of the deployment.

    Another process may hold every connection, and other requests every thread: the answer needs neither.
    """
    deps: Deps = request.app.state.deps
    report = None if deps.readiness is None else deps.readiness.report()
    if report is None:
        report = await run_in_threadpool(_ask, deps)
    body: dict[str, object] = {"status": "ok" if report.why is None else "unavailable", "broken": list(report.broken)}
    if report.why is None:
        return JSONResponse(body)
    return JSONResponse({**body, "why": report.why}, 503)


@health_router.get("/internal/tls-allowed", include_in_schema=False)
async def tls_allowed(request: Request, domain: str = "") -> Response:
    """Tell a proxy on this machine whether to get a certificate for a domain: 200 for verified ones, 404 for others."""
    domains: DomainOwners = request.app.state.domains
    return Response(status_code=200 if await domains.owners(domain) else 404)


def _ask(deps: Deps) -> ReadinessReport:
    try:
        with deps.sessions() as session:
            session.execute(text("SELECT 1 FROM jobs LIMIT 1"))
            broken = invariants.broken(psycopg_connection(session), deps.clock.now())
    except (SQLAlchemyError, psycopg.Error) as error:
        return ReadinessReport(cause_of_unreadiness(error))
    return report_of(broken)
