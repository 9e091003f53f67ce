"""Queries of resellers' edits to the products they manage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.fees import ProductEdit


def of(session: Session, programme: str, reseller_id: UUID) -> dict[str, ProductEdit]:
    """Return a reseller's edits by product."""
    query = select(ProductEdit).where(ProductEdit.programme == programme, ProductEdit.reseller_id == reseller_id)
    return {edit.product: edit for edit in session.scalars(query.execution_options(populate_existing=True))}


def put(
    session: Session, programme: str, product: str, reseller_id: UUID, changes: Mapping[str, Any], now: datetime
) -> None:
    """Set the fields in `changes`; other fields keep their values."""
    keys = {"programme": programme, "product": product, "reseller_id": reseller_id}
    statement = insert(ProductEdit).values(**keys, **changes, updated_at=now)
    key_columns = ["programme", "product", "reseller_id"]
    session.execute(statement.on_conflict_do_update(index_elements=key_columns, set_={**changes, "updated_at": now}))
