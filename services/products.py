"""What a programme sells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from models.programmes import ProgrammeRow


def codes(session: Session, programme: str) -> frozenset[str]:
    """The codes of the programme's products; empty when it was never applied."""
    row = session.get(ProgrammeRow, programme)
    products: Any = row.document.get("products", {}) if row is not None else {}
    if isinstance(products, Mapping):
        return frozenset(products)
    return frozenset(str(product["code"]) for product in products)
