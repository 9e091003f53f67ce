"""Prometheus: figures of this process, and those that PostgreSQL holds."""

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
    """Counts this process's requests by route, never by address."""

    def __init__(self, deps: Deps) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "kontor_http_requests_total",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "kontor_http_request_seconds",
            "Time to the answer, waiting included.",
            ("route",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        self.registry.register(Ledger(deps))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


@dataclass(frozen=True, slots=True)
class Ledger(Collector):
    """Asks PostgreSQL at every scrape; `kontor_up` says whether it answered."""

    deps: Deps

    def describe(self) -> Iterator[Metric]:
        """Nothing to say before the first scrape."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every figure as it stands."""
        found, answered = self._asked()
        yield _family(metrics.Gauge("kontor_up", "1 while PostgreSQL answers.", (), [((), answered)]))
        for gauge in found:
            yield _family(gauge)

    def _asked(self) -> tuple[list[metrics.Family], float]:
        deps = self.deps
        try:
            with deps.sessions() as session:
                now, real = deps.clock.now(), deps.clock.real()
                found = list(metrics.gauges(session, deps.jobs.catalogue, now, real))
                pool = session.get_bind().engine.pool
        except (SQLAlchemyError, psycopg.Error):
            return [], 0.0
        testing = [((), float(deps.test_clock))]
        found.append(metrics.Gauge("kontor_test_clock", "1 while the test clock is on.", (), testing))
        return [*found, *_pool(pool)], 1.0


def _pool(pool: Pool) -> Iterator[metrics.Gauge]:
    if isinstance(pool, QueuePool):
        in_use, size = [((), float(pool.checkedout()))], [((), float(pool.size()))]
        yield metrics.Gauge("kontor_db_connections_in_use", "Of this process.", (), in_use)
        yield metrics.Gauge("kontor_db_pool_size", "Connections it keeps; a rush may take more.", (), size)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def scrape(request: Request) -> Response:
    """Everything, in Prometheus' text format."""
    meter: Meter = request.app.state.meter
    return Response(generate_latest(meter.registry), media_type=MEDIA)


def _family(found: metrics.Family) -> Metric:
    if isinstance(found, metrics.Histogram):
        return _histogram(found)
    kind = CounterMetricFamily if found.counter else GaugeMetricFamily
    family = kind(found.name, found.help, labels=found.labels)
    for labels, value in found.samples:
        family.add_metric(labels, value)
    return family


def _histogram(found: metrics.Histogram) -> HistogramMetricFamily:
    family = HistogramMetricFamily(found.name, found.help, labels=found.labels)
    names = [*map(str, found.bounds), "+Inf"]
    for labels, counts, total in found.samples:
        buckets = list(zip(names, map(float, accumulate(counts)), strict=True))
        family.add_metric(labels, buckets, sum_value=total)
    return family
