"""Prometheus metrics of this process and of the database."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import psycopg
from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import Pool, QueuePool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import Deps
from services import metrics

MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
router = APIRouter(tags=["health"])


class Meter:
    """Counts this process's requests by route pattern, never by URL."""

    def __init__(self, deps: Deps) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "kontor_http_requests_total",
            "HTTP requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "kontor_http_request_seconds",
            "Time to response, long polling included.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(DatabaseCollector(deps))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


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
        yield _family(metrics.Gauge("kontor_up", "1 while PostgreSQL responds.", (), [((), up)]))
        for gauge in families:
            yield _family(gauge)

    def _query(self) -> tuple[list[metrics.Family], float]:
        deps = self.deps
        try:
            with deps.sessions() as session:
                now, real = deps.clock.now(), deps.clock.real()
                families = list(metrics.gauges(session, deps.jobs.catalogue, now, real))
                pool = session.get_bind().engine.pool
        except (SQLAlchemyError, psycopg.Error):
            return [], 0.0
        testing = [((), float(deps.test_clock))]
        families.append(metrics.Gauge("kontor_test_clock", "1 while the test clock is on.", (), testing))
        return [*families, *_pool(pool)], 1.0


def _pool(pool: Pool) -> Iterator[metrics.Gauge]:
    if isinstance(pool, QueuePool):
        in_use, size = [((), float(pool.checkedout()))], [((), float(pool.size()))]
        yield metrics.Gauge("kontor_db_connections_in_use", "Database connections in use by this process.", (), in_use)
        yield metrics.Gauge("kontor_db_pool_size", "Size of the connection pool; overflow may exceed it.", (), size)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def scrape(request: Request) -> Response:
    """Return all metrics in the Prometheus text format."""
    meter: Meter = request.app.state.meter
    return Response(generate_latest(meter.registry), media_type=MEDIA)


def _family(source: metrics.Family) -> Metric:
    if isinstance(source, metrics.Histogram):
        return _histogram(source)
    kind = CounterMetricFamily if source.counter else GaugeMetricFamily
    family = kind(source.name, source.help, labels=source.labels)
    for labels, value in source.samples:
        family.add_metric(labels, value)
    return family


def _histogram(source: metrics.Histogram) -> HistogramMetricFamily:
    family = HistogramMetricFamily(source.name, source.help, labels=source.labels)
    names = [*map(str, source.bounds), "+Inf"]
    for labels, counts, total in source.samples:
        buckets = list(zip(names, map(float, accumulate(counts)), strict=True))
        family.add_metric(labels, buckets, sum_value=total)
    return family
