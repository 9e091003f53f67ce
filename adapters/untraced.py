"""Keeps OpenTelemetry's SDK out of a process without tracing: the client of Redis loads it where it finds it, 3 MB."""

import sys

SDK = "opentelemetry.sdk"


def keep_sdk_out() -> None:
    """From now on importing the SDK fails in this process, as if it were not installed."""
    sys.modules.setdefault(SDK, None)  # type: ignore[arg-type]  # None is how the import system is told so
