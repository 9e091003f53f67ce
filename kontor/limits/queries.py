"""Queries of overrides and of counted uses."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from kontor.kernel.database import PgConnection, psycopg_connection
from models.limits import LimitOverride, LimitUse

UNFINISHED: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM jobs WHERE tenant = %s AND state <> 'dead' LIMIT %s
) AS j
"""


def overrides(session: Session) -> list[LimitOverride]:
    """Return all overrides."""
    return list(session.scalars(select(LimitOverride).order_by(LimitOverride.name, LimitOverride.subject)))


def save(session: Session, name: str, subject: str, value: int, by: str, at: datetime) -> None:
    """Insert or replace an override."""
    statement = insert(LimitOverride).values(name=name, subject=subject, value=value, set_by=by, set_at=at)
    changes = {column: statement.excluded[column] for column in ("value", "set_by", "set_at")}
    session.execute(statement.on_conflict_do_update(index_elements=["name", "subject"], set_=changes))


def remove(session: Session, name: str, subject: str) -> None:
    """Delete an override."""
    session.execute(delete(LimitOverride).where(LimitOverride.name == name, LimitOverride.subject == subject))


def uses(session: Session, name: str, subject: str, since: datetime, now: datetime, limit: int) -> list[datetime]:
    """Return the times of the newest uses after `since`, newest first, at most `limit`."""
    conditions = (LimitUse.name == name, LimitUse.subject == subject, LimitUse.at > since, LimitUse.at <= now)
    return list(session.scalars(select(LimitUse.at).where(*conditions).order_by(LimitUse.at.desc()).limit(limit)))


def add_use(session: Session, name: str, subject: str, at: datetime) -> None:
    """Count one use."""
    session.execute(insert(LimitUse).values(name=name, subject=subject, at=at))


class Busiest(NamedTuple):
    """Who used the most of a limit in its window."""

    subject: str
    uses: int


def busiest(session: Session, name: str, since: datetime, now: datetime) -> Busiest | None:
    """Return who used the most of a windowed limit."""
    count = func.count()
    query = select(LimitUse.subject, count).where(LimitUse.name == name, LimitUse.at > since, LimitUse.at <= now)
    row = session.execute(query.group_by(LimitUse.subject).order_by(count.desc()).limit(1)).first()
    return None if row is None else Busiest(row[0], row[1])


def delete_uses(session: Session, before: datetime) -> None:
    """Delete uses that no window holds."""
    session.execute(delete(LimitUse).where(LimitUse.at < before))


def unfinished_jobs(connection: PgConnection, tenant: str, most: int) -> int:
    """Return how many jobs of a tenant are unfinished, `most` at most."""
    row = connection.execute(UNFINISHED, (tenant, most)).fetchone()
    return 0 if row is None else int(row[0])


def most_of(session: Session, query: str, now: datetime) -> tuple[str, int] | None:
    """Return (subject, count) of the one with the most, for limits that count what exists."""
    row = psycopg_connection(session).execute(query, {"now": now}).fetchone()
    return None if row is None else (str(row[0]), int(row[1]))
