"""The hot path talks to psycopg directly, inside the transaction of the caller's Session."""

from typing import Any, cast

import psycopg
from sqlalchemy.orm import Session


def driver(session: Session) -> psycopg.Connection[Any]:
    """The psycopg connection of a Session's current transaction."""
    return cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
