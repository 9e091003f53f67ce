"""Prevents the import of OpenTelemetry's SDK without tracing: redis-py loads it when installed (3 MB)."""

import sys

SDK = "opentelemetry.sdk"


def disable_sdk() -> None:
    """Make imports of the SDK fail in this process, as if it were not installed."""
    sys.modules.setdefault(SDK, None)  # type: ignore[arg-type]  # None makes the import fail
