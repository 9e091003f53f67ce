"""SQL of the console's pages about jobs, each bounded: how many match, what a job led to and wrote."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from store.jobs_read import JobQuery, conditions, tables

COUNT_MOST: Final = 10_000
CHILDREN_MOST: Final = 100
WROTE_MOST: Final = 50

CHILDREN: Final = """
SELECT id, task, state, lane, payload ->> 'mail_id' AS mail_id, created_at, finished_at
FROM jobs WHERE parent_id = %(id)s
UNION ALL
SELECT id, task, state, lane, payload ->> 'mail_id', created_at, finished_at
FROM jobs_archive WHERE parent_id = %(id)s
ORDER BY id LIMIT %(most)s
"""
ANCESTORS_MOST: Final = 5
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
    """A job on the way up."""

    id: UUID
    task: str
    state: str
    lane: str | None
    created_at: datetime
    finished_at: datetime | None
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class Step:
    """An arrow of an offer that a job took."""

    offer_id: UUID
    at: datetime
    event: str
    from_state: str | None
    to_state: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of the log."""

    id: UUID
    template: str
    state: str
    subject: str | None


def bounded_count(driver: Connection[Any], query: JobQuery, most: int = COUNT_MOST) -> int:
    """How many jobs match; `most` + 1 for more. Raises psycopg.errors.QueryCanceled when the time-out strikes."""
    where, values = conditions(query)
    parts = [f"(SELECT 1 FROM {table} WHERE {where} LIMIT %(most)s)" for table in tables(query)]  # noqa: S608 -- constants
    merged = " UNION ALL ".join(parts)
    statement = f"SELECT count(*) FROM (SELECT 1 FROM ({merged}) AS found LIMIT %(most)s) AS counted"  # noqa: S608 -- constants
    row = driver.execute(statement, {**values, "most": most + 1}, prepare=False).fetchone()
    return int(row[0]) if row else 0


def children(driver: Connection[Any], job_id: UUID) -> list[Child]:
    """What a job enqueued, oldest first, 100 at most."""
    cursor = driver.cursor(row_factory=class_row(Child))
    return cursor.execute(CHILDREN, {"id": job_id, "most": CHILDREN_MOST}).fetchall()


def offer_steps(driver: Connection[Any], job_id: UUID) -> list[Step]:
    """The arrows of offers that a job took, 50 at most."""
    return driver.cursor(row_factory=class_row(Step)).execute(OFFER_STEPS, (job_id, WROTE_MOST)).fetchall()


def letters(driver: Connection[Any], mail_ids: list[UUID]) -> list[Letter]:
    """Mails by id."""
    return driver.cursor(row_factory=class_row(Letter)).execute(SUBJECTS, (mail_ids,)).fetchall() if mail_ids else []


def key_of(driver: Connection[Any], job_id: UUID) -> str | None:
    """The once_key a job was enqueued by: a schedule's says which occurrence it stands for."""
    row = driver.execute(ONCE, {"id": job_id}).fetchone()
    return None if row is None else row[0]


def ancestors(driver: Connection[Any], job_id: UUID | None) -> list[Child]:
    """The jobs a job came from, the first one first, five at most."""
    found: list[Child] = []
    cursor = driver.cursor(row_factory=class_row(Ancestor))
    while job_id is not None and len(found) < ANCESTORS_MOST:
        one = cursor.execute(ANCESTOR, {"id": job_id}).fetchone()
        if one is None:
            break
        found.append(Child(one.id, one.task, one.state, one.lane, None, one.created_at, one.finished_at))
        job_id = one.parent_id
    return found[::-1]
