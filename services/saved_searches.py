"""Saved searches of an operator."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from domain.errors import FieldError, Invalid
from domain.ids import new_id
from models.console import SavedSearch
from models.people import Operator

MAX_NAME: Final = 60
MAX_QUERY: Final = 2_000
MAX_SEARCHES: Final = 50


def listed(session: Session, operator: Operator | None) -> list[SavedSearch]:
    """Return an operator's searches by name."""
    if operator is None:
        return []
    query = select(SavedSearch).where(SavedSearch.operator_id == operator.id)
    return list(session.scalars(query.order_by(SavedSearch.name).limit(MAX_SEARCHES)))


def keep(session: Session, operator: Operator, name: str, query: str, now: datetime) -> None:
    """Save a search; an existing one with the same name is replaced. Raises Invalid."""
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        message = f"Give the search a name of 1 to {MAX_NAME} printable characters."
        raise Invalid(message=message, errors=[FieldError("name", message)])
    if len(query) > MAX_QUERY:
        raise Invalid(message="This search is too long to save.")
    if len(listed(session, operator)) >= MAX_SEARCHES:
        raise Invalid(message=f"You already have {MAX_SEARCHES} saved searches; delete one first.")
    values = {"id": new_id(), "operator_id": operator.id, "name": name, "query": query, "created_at": now}
    statement = insert(SavedSearch).values(values)
    replacement = {"query": statement.excluded.query, "created_at": statement.excluded.created_at}
    session.execute(statement.on_conflict_do_update(index_elements=["operator_id", "name"], set_=replacement))


def forget(session: Session, operator: Operator, search_id: UUID) -> None:
    """Delete a search of this operator; searches of others are not affected."""
    own = (SavedSearch.id == search_id, SavedSearch.operator_id == operator.id)
    session.execute(delete(SavedSearch).where(*own))
