"""A value for every field of a job filter, that one of two jobs has."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from kontor.engine.admin.job_filter import JobFilter

MOMENT: Final = datetime(2026, 3, 2, 12, 0, 30, 500_000, tzinfo=UTC)
LOW: Final = UUID("019c0000-0000-7000-8000-000000000001")
MIDDLE: Final = UUID("019c0000-0000-7000-8000-000000000002")
HIGH: Final = UUID("019c0000-0000-7000-8000-000000000003")
RESELLER: Final = UUID("019c0000-0000-7000-8000-0000000000a1")
MOVED: Final = UUID("019c0000-0000-7000-8000-0000000000a2")
"""A client that came to RESELLER at MIDDLE."""
VALUES: Final[dict[str, object]] = {
    "states": frozenset({"dead", "retrying"}),
    "task": "offers.deliver",
    "queue": "calls",
    "tenants": ("elbe", "spree"),
    "error": "the disk was “full” & 100 % used",
    "fingerprint": "f00d",
    "external_id": "A-17",
    "created_after": MOMENT,
    "created_before": MOMENT,
    "args": (("offer_id", "7"), ("a=b&c", "")),
    "reseller": RESELLER,
    "hidden_tasks": ("probe.echo",),
    "floor": MIDDLE,
    "before": MIDDLE,
}
assert set(VALUES) == set(JobFilter.model_fields), "give each field of JobFilter a value here"


def filter_on(*names: str) -> JobFilter:
    """The filter with those fields set, all if none is named."""
    return JobFilter.model_validate({name: VALUES[name] for name in names or VALUES})
