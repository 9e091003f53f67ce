"""Searches that an operator keeps under a name."""

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

NAME_MOST: Final = 60
QUERY_MOST: Final = 2_000
KEPT_MOST: Final = 50


def listed(session: Session, operator: Operator | None) -> list[SavedSearch]:
    """An operator's searches by name."""
    if operator is None:
        return []
    mine = select(SavedSearch).where(SavedSearch.operator_id == operator.id)
    return list(session.scalars(mine.order_by(SavedSearch.name).limit(KEPT_MOST)))


def keep(session: Session, operator: Operator, name: str, query: str, now: datetime) -> None:
    """Keep a search; the same name again replaces it. Raises Invalid."""
    if not 0 < len(name) <= NAME_MOST or not name.isprintable():
        message = f"Give the search a name of 1 to {NAME_MOST} printable characters."
        raise Invalid(message=message, errors=[FieldError("name", message)])
    if len(query) > QUERY_MOST:
        raise Invalid(message="This search is too long to keep.")
    if len(listed(session, operator)) >= KEPT_MOST:
        raise Invalid(message=f"You keep {KEPT_MOST} searches already; forget one first.")
    values = {"id": new_id(), "operator_id": operator.id, "name": name, "query": query, "created_at": now}
    statement = insert(SavedSearch).values(values)
    again = {"query": statement.excluded.query, "created_at": statement.excluded.created_at}
    session.execute(statement.on_conflict_do_update(index_elements=["operator_id", "name"], set_=again))


def forget(session: Session, operator: Operator, search_id: UUID) -> None:
    """Forget one's own search; another's is left alone."""
    mine = (SavedSearch.id == search_id, SavedSearch.operator_id == operator.id)
    session.execute(delete(SavedSearch).where(*mine))
