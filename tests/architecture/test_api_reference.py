"""The API reference documents every metric and every scope."""

import re

from models.keys import Scope
from workers.migrations import ROOT

REFERENCE = (ROOT / "docs" / "reference" / "api.md").read_text()


def test_every_metric_is_documented() -> None:
    code = "".join(
        (ROOT / path).read_text() for path in ("kontor/monitoring/routes.py", "kontor/monitoring/service.py")
    )
    named = set(re.findall(r'"(kontor_\w+)"', code))

    assert len(named) > 15
    assert {name for name in named if name not in REFERENCE} == set()


def test_every_scope_is_documented() -> None:
    assert all(f"| `{scope}` |" in REFERENCE for scope in Scope)
