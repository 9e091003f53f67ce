"""A sample of every mail, for previews, the gallery of the docs and the tests."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

LINE = {"product": "Excel Basics", "count": 15, "mode": "absolute", "term": "P1Y"}
SECOND = {"product": "Data Protection", "count": 5, "mode": "relative", "term": "2027-06-30"}
ACCOUNT = "Elbe Logistik"

FACTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "offer-received": {
            "account": ACCOUNT,
            "lines": [LINE, SECOND],
            "changes": [
                {"product": "Excel Basics", "now": 10, "then": 15},
                {"product": "Data Protection", "now": 1, "then": 6},
            ],
            "expires_at": "2026-12-21T13:00:00Z",
            "message": "As agreed on the phone.\nThe new seats can start on Monday.",
        },
    }
)
