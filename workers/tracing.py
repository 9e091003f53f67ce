"""Tracing set-up of a process; without a configured collector nothing is imported or built."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import ParamSpec, TypeVar

from adapters.settings import Settings
from domain.tracing import Tracer

P = ParamSpec("P")
T = TypeVar("T")


def tracer_for(settings: Settings, role: str) -> Tracer | None:
    """Return the tracer of this process; None unless OTEL_EXPORTER_OTLP_ENDPOINT is set."""
    if settings.otlp_endpoint is None:
        return None
    from adapters.tracing import otlp_tracer
    from workers.release import release

    return otlp_tracer(settings.otlp_endpoint, role, release())


class CarryingThreads(ThreadPoolExecutor):
    """Threads that run in the context (and span) of the submitter."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn` in the caller's context."""
        context = copy_context()
        return super().submit(lambda: context.run(fn, *args, **kwargs))
