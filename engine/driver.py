"""Access to psycopg below a SQLAlchemy Session, for the hot path."""

from typing import Any, cast

import psycopg
from sqlalchemy.orm import Session


def driver(session: Session) -> psycopg.Connection[Any]:
    """Return the psycopg connection of a Session's current transaction."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
