"""Bounded queries of the console's job pages: counts, related jobs, effects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from store.jobs_read import JobQuery, conditions, tables

COUNT_MOST: Final = 10_000
CHILDREN_MOST: Final = 100
MAX_TRANSITIONS: Final = 50

CHILDREN: Final = """
SELECT id, task, state, lane, payload ->> 'mail_id' AS mail_id, created_at, finished_at
FROM jobs WHERE parent_id = %(id)s
UNION ALL
SELECT id, task, state, lane, payload ->> 'mail_id', created_at, finished_at
FROM jobs_archive WHERE parent_id = %(id)s
ORDER BY id LIMIT %(most)s
"""
MAX_ANCESTORS: Final = 5
ANCESTOR: Final = """
SELECT id, task, state, lane, created_at, finished_at, parent_id FROM jobs WHERE id = %(id)s
UNION ALL
SELECT id, task, state, lane, created_at, finished_at, parent_id FROM jobs_archive WHERE id = %(id)s
"""
ONCE: Final = """
SELECT once_key FROM jobs WHERE id = %(id)s UNION ALL SELECT once_key FROM jobs_archive WHERE id = %(id)s
"""
OFFER_STEPS: Final = """
SELECT offer_id, at, event, from_state, to_state FROM offer_events WHERE job_id = %s ORDER BY seq LIMIT %s
"""
SUBJECTS: Final = """
SELECT id, template, state, subject FROM mails WHERE id = ANY(%s::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Child:
    """A job that another one enqueued."""

    id: UUID
    task: str
    state: str
    lane: str | None
    mail_id: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A job up the chain of parents."""

    id: UUID
    task: str
    state: str
    lane: str | None
    created_at: datetime
    finished_at: datetime | None
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class Step:
    """A state transition of an offer, made by a job."""

    offer_id: UUID
    at: datetime
    event: str
    from_state: str | None
    to_state: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of the mail log."""

    id: UUID
    template: str
    state: str
    subject: str | None


def bounded_count(connection: Connection[Any], query: JobQuery, most: int = COUNT_MOST) -> int:
    """Count matching jobs; `most` + 1 means more. Raises psycopg.errors.QueryCanceled on a statement timeout."""
    where, values = conditions(query)
    parts = [f"(SELECT 1 FROM {table} WHERE {where} LIMIT %(most)s)" for table in tables(query)]  # noqa: S608 -- constants
    merged = " UNION ALL ".join(parts)
    statement = f"SELECT count(*) FROM (SELECT 1 FROM ({merged}) AS matches LIMIT %(most)s) AS counted"  # noqa: S608 -- constants
    row = connection.execute(statement, {**values, "most": most + 1}, prepare=False).fetchone()
    return int(row[0]) if row else 0


def children(connection: Connection[Any], job_id: UUID) -> list[Child]:
    """The jobs that a job enqueued, oldest first, at most 100."""
    cursor = connection.cursor(row_factory=class_row(Child))
    return cursor.execute(CHILDREN, {"id": job_id, "most": CHILDREN_MOST}).fetchall()


def offer_steps(connection: Connection[Any], job_id: UUID) -> list[Step]:
    """The offer transitions made by a job, at most 50."""
    return connection.cursor(row_factory=class_row(Step)).execute(OFFER_STEPS, (job_id, MAX_TRANSITIONS)).fetchall()


def letters(connection: Connection[Any], mail_ids: list[UUID]) -> list[Letter]:
    """Mails by id."""
    return (
        connection.cursor(row_factory=class_row(Letter)).execute(SUBJECTS, (mail_ids,)).fetchall() if mail_ids else []
    )


def key_of(connection: Connection[Any], job_id: UUID) -> str | None:
    """The once_key of a job; that of a scheduled job names the occurrence."""
    row = connection.execute(ONCE, {"id": job_id}).fetchone()
    return None if row is None else row[0]


def ancestors(connection: Connection[Any], job_id: UUID | None) -> list[Child]:
    """The parent chain of a job, root first, at most five."""
    chain: list[Child] = []
    cursor = connection.cursor(row_factory=class_row(Ancestor))
    while job_id is not None and len(chain) < MAX_ANCESTORS:
        row = cursor.execute(ANCESTOR, {"id": job_id}).fetchone()
        if row is None:
            break
        chain.append(Child(row.id, row.task, row.state, row.lane, None, row.created_at, row.finished_at))
        job_id = row.parent_id
    return chain[::-1]
